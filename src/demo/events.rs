//! The demo's events and their times, the same in every round.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::processes::Processes;
use super::scraper::{ExpectedSample, Scraper};
use super::{accounts, storage, tracks};
use crate::sim::{NotFound, Operator, World};
use crate::stdio;

/// The length of a round, after which the events repeat.
const ROUND: Duration = Duration::from_secs(90);

/// An event of a round. Rounds are counted from 0.
struct Event {
    second: u64,
    text: &'static str,
    action: Action,
    /// The sample that shows the event in a round.
    sample: fn(u64) -> ExpectedSample,
    /// What the demo prints when a scrape has the sample.
    result: &'static str,
}

enum Action {
    /// Changes the simulator in a round.
    ChangeKind(fn(&World, u64) -> Result<(), NotFound>),
    StopCloud,
    StartCloud,
    RestartExporter,
}

const EVENTS: [Event; 13] = [
    Event {
        second: 2,
        text: "platform's bucket is deleted: the track stays enabled, and a minute later the storage is missing",
        action: Action::ChangeKind(|world, _| storage::delete_organization_bucket(world)),
        // The bucket is missing only once a second check confirms it: too late to wait here.
        sample: |_| ExpectedSample::new(ENABLED, &[PLATFORM], "1"),
        result: "still enabled",
    },
    Event {
        second: 5,
        text: "bob tries to delete prod/audit-all, and CAM denies it",
        action: Action::ChangeKind(|world, _| {
            let parameters = json!({ "TrackId": tracks::PROD_AUDIT_ALL });
            let account = world.account(accounts::PROD)?.by(bob());
            account.denied_attempt("DeleteAuditTrack", parameters);
            Ok(())
        }),
        sample: |_| ExpectedSample::new(ENABLED, &[PROD, AUDIT_ALL], "1"),
        result: "still enabled",
    },
    Event {
        second: 10,
        text: "alice disables prod/audit-all",
        action: Action::ChangeKind(|world, _| {
            let account = world.account(accounts::PROD)?.by(alice());
            account.set_status(tracks::PROD_AUDIT_ALL, 0)
        }),
        sample: |_| ExpectedSample::new(ENABLED, &[PROD, AUDIT_ALL], "0"),
        result: SHOWN,
    },
    Event {
        second: 20,
        text: "staging/to-cls is deleted, without an operation record",
        action: Action::ChangeKind(|world, round| {
            let account = world.account(accounts::STAGING)?.unrecorded();
            account.delete(tracks::STAGING_TO_CLS + round).map(drop)
        }),
        sample: |round| {
            ExpectedSample::of_track(PRESENT, STAGING, tracks::STAGING_TO_CLS + round, "0")
        },
        result: "track_present is 0",
    },
    Event {
        second: 30,
        text: "staging/audit-all delivers to another bucket",
        action: Action::ChangeKind(|world, round| {
            let storage = tracks::bucket(bucket_after(round));
            world
                .account(accounts::STAGING)?
                .set_storage(tracks::STAGING_AUDIT_ALL, storage)
        }),
        sample: |round| {
            let bucket = ("storage_name", bucket_after(round));
            ExpectedSample::new(INFO, &[STAGING, AUDIT_ALL, bucket], "1")
        },
        result: SHOWN,
    },
    Event {
        second: 40,
        text: "prod/audit-all is enabled again",
        action: Action::ChangeKind(|world, _| {
            world
                .account(accounts::PROD)?
                .set_status(tracks::PROD_AUDIT_ALL, 1)
        }),
        sample: |_| ExpectedSample::new(ENABLED, &[PROD, AUDIT_ALL], "1"),
        result: SHOWN,
    },
    Event {
        second: 50,
        text: "staging/to-cls is created again, under a new id",
        action: Action::ChangeKind(|world, round| {
            let track = tracks::staging_to_cls(tracks::STAGING_TO_CLS + round + 1);
            world.account(accounts::STAGING)?.create(track);
            Ok(())
        }),
        sample: |round| {
            ExpectedSample::of_track(PRESENT, STAGING, tracks::STAGING_TO_CLS + round + 1, "1")
        },
        result: SHOWN,
    },
    Event {
        second: 55,
        text: "the API is down: the last listings stay, timestamps stop, and up becomes 0",
        action: Action::StopCloud,
        sample: |_| ExpectedSample::new(UP, &[PAYMENTS], "0"),
        result: "up is 0",
    },
    Event {
        second: 62,
        text: "payments/to-cls is deleted while the API is down: the exporter still shows the track as present",
        action: Action::ChangeKind(|world, round| {
            let account = world.account(accounts::PAYMENTS)?;
            account.delete(tracks::PAYMENTS_TO_CLS + round).map(drop)
        }),
        sample: |round| {
            ExpectedSample::of_track(PRESENT, PAYMENTS, tracks::PAYMENTS_TO_CLS + round, "1")
        },
        result: "track_present is still 1",
    },
    Event {
        second: 68,
        text: "the API is back, and the next poll finds the deletion",
        action: Action::StartCloud,
        sample: |round| {
            ExpectedSample::of_track(PRESENT, PAYMENTS, tracks::PAYMENTS_TO_CLS + round, "0")
        },
        result: "track_present is 0",
    },
    Event {
        second: 75,
        text: "the exporter restarts and restores the deletion from its state file",
        action: Action::RestartExporter,
        sample: |round| {
            ExpectedSample::of_track(PRESENT, PAYMENTS, tracks::PAYMENTS_TO_CLS + round, "0")
        },
        result: "track_present is still 0",
    },
    Event {
        second: 82,
        text: "payments/to-cls is created again, under a new id",
        action: Action::ChangeKind(|world, round| {
            let track = tracks::payments_to_cls(tracks::PAYMENTS_TO_CLS + round + 1);
            world.account(accounts::PAYMENTS)?.create(track);
            Ok(())
        }),
        sample: |round| {
            ExpectedSample::of_track(PRESENT, PAYMENTS, tracks::PAYMENTS_TO_CLS + round + 1, "1")
        },
        result: SHOWN,
    },
    Event {
        second: 88,
        text: "platform's bucket is created again",
        action: Action::ChangeKind(|world, _| storage::restore_organization_bucket(world)),
        sample: |_| ExpectedSample::new(DELIVERY, &[PLATFORM, MISSING], "0"),
        result: "no longer missing",
    },
];

const DELIVERY: &str = "cloudaudit_delivery_state";
const PLATFORM: (&str, &str) = ("account", "platform");
const MISSING: (&str, &str) = ("state", "missing");
const UP: &str = "cloudaudit_up";
const ENABLED: &str = "cloudaudit_track_enabled";
const PRESENT: &str = "cloudaudit_track_present";
const INFO: &str = "cloudaudit_track_info";
const PROD: (&str, &str) = ("account", "prod");
const PAYMENTS: (&str, &str) = ("account", "payments");
const STAGING: (&str, &str) = ("account", "staging");
const AUDIT_ALL: (&str, &str) = ("track", "audit-all");
const SHOWN: &str = "on /metrics";

/// Disables the track of `prod`.
fn alice() -> Operator {
    Operator::user("alice", "100000000011")
}

/// Lacks the permission to delete a track.
fn bob() -> Operator {
    Operator::user("bob", "100000000012").from_ip("198.51.100.9")
}

fn bucket_after(round: u64) -> &'static str {
    if round.is_multiple_of(2) {
        "another-bucket"
    } else {
        "staging-audit"
    }
}

/// Returns the schedule of a round, a line for each event.
pub(super) fn schedule() -> String {
    let lines = EVENTS
        .iter()
        .map(|event| format!("  {}  {}\n", minutes(event.second), event.text));
    lines.collect()
}

/// Runs the events, round after round, and prints how long each took to appear in a scrape.
///
/// # Errors
///
/// Returns an error if the simulator cannot be changed, or a process cannot be started again.
pub(super) async fn run(processes: &mut Processes, metrics: &str) -> Result<(), String> {
    let scraper = Scraper::new(metrics);
    let start = Instant::now();
    let mut round = 0;
    loop {
        for event in &EVENTS {
            let at = ROUND.as_secs() * round + event.second;
            sleep_until(start + Duration::from_secs(at)).await;
            match event.action {
                Action::ChangeKind(change) => {
                    change(&processes.world, round).map_err(|error| error.to_string())?;
                }
                Action::StopCloud => processes.stop_cloud(),
                Action::StartCloud => processes.start_cloud().await?,
                Action::RestartExporter => processes.restart_exporter().await?,
            }
            let result = match scraper.wait_for(&(event.sample)(round)).await {
                Some(delay) => format!("{} after {:.1} s", event.result, delay.as_secs_f64()),
                None => "not on /metrics".to_owned(),
            };
            print(format!("{}  {} ... {result}\n", minutes(at), event.text)).await;
        }
        round += 1;
    }
}

fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Prints to stdout. If stdout is closed, the demo continues, because it can still be scraped.
pub(super) async fn print(text: String) {
    drop(stdio::print(vec![text.into()]).await);
}
