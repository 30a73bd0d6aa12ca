//! What happens in the demo, and when: the same events in every round.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::estate;
use super::say;
use super::stage::Stage;
use super::watch::{Scraper, Shown};
use crate::sim::{Unknown, World};

/// After so long it begins again.
const ROUND: Duration = Duration::from_secs(90);

/// Something that happens.
struct Event {
    second: u64,
    text: &'static str,
    act: Act,
    /// What a scrape has to show of it in a round, counted from 0, and how that is told.
    shows: fn(u64) -> Shown,
    told: &'static str,
}

/// Makes it happen.
enum Act {
    /// In the cloud's world, in a round.
    World(fn(&World, u64) -> Result<(), Unknown>),
    /// The cloud goes dark.
    Dark,
    /// It comes back.
    Light,
    /// The exporter ends and another one begins.
    Restart,
}

const TIMETABLE: [Event; 10] = [
    Event {
        second: 10,
        text: "prod/audit-all is switched off",
        act: Act::World(|world, _| {
            world
                .account(estate::PROD)?
                .set_status(estate::PROD_AUDIT_ALL, 0)
        }),
        shows: |_| Shown::sample(ENABLED, &[PROD, AUDIT_ALL], "0"),
        told: SHOWN,
    },
    Event {
        second: 20,
        text: "staging/to-cls is deleted",
        act: Act::World(|world, round| {
            let account = world.account(estate::STAGING)?;
            account.delete(estate::STAGING_TO_CLS + round).map(drop)
        }),
        shows: |round| Shown::track(PRESENT, STAGING, estate::STAGING_TO_CLS + round, "0"),
        told: "on /metrics, as vanished,",
    },
    Event {
        second: 30,
        text: "staging/audit-all delivers to another bucket",
        act: Act::World(|world, round| {
            let storage = estate::bucket(bucket_after(round));
            world
                .account(estate::STAGING)?
                .set_storage(estate::STAGING_AUDIT_ALL, storage)
        }),
        shows: |round| {
            let bucket = ("storage_name", bucket_after(round));
            Shown::sample(INFO, &[STAGING, AUDIT_ALL, bucket], "1")
        },
        told: SHOWN,
    },
    Event {
        second: 40,
        text: "prod/audit-all is switched on again",
        act: Act::World(|world, _| {
            world
                .account(estate::PROD)?
                .set_status(estate::PROD_AUDIT_ALL, 1)
        }),
        shows: |_| Shown::sample(ENABLED, &[PROD, AUDIT_ALL], "1"),
        told: SHOWN,
    },
    Event {
        second: 50,
        text: "staging/to-cls is created again, under a new id",
        act: Act::World(|world, round| {
            let track = estate::to_cls(estate::STAGING_TO_CLS + round + 1);
            world.account(estate::STAGING)?.create(track);
            Ok(())
        }),
        shows: |round| Shown::track(PRESENT, STAGING, estate::STAGING_TO_CLS + round + 1, "1"),
        told: SHOWN,
    },
    Event {
        second: 55,
        text: "the cloud goes dark: numbers stay, their timestamps stand still, up falls",
        act: Act::Dark,
        shows: |_| Shown::sample(UP, &[PAYMENTS], "0"),
        told: "up is 0",
    },
    Event {
        second: 62,
        text: "payments/to-cls is deleted in the dark: nobody can know, and it is still shown",
        act: Act::World(|world, round| {
            let account = world.account(estate::PAYMENTS)?;
            account.delete(estate::PAYMENTS_TO_CLS + round).map(drop)
        }),
        shows: |round| Shown::track(PRESENT, PAYMENTS, estate::PAYMENTS_TO_CLS + round, "1"),
        told: "as it was last seen,",
    },
    Event {
        second: 68,
        text: "the cloud returns, and the deletion comes to light",
        act: Act::Light,
        shows: |round| Shown::track(PRESENT, PAYMENTS, estate::PAYMENTS_TO_CLS + round, "0"),
        told: "on /metrics, as vanished,",
    },
    Event {
        second: 75,
        text: "the exporter is restarted from its state file, and still knows",
        act: Act::Restart,
        shows: |round| Shown::track(PRESENT, PAYMENTS, estate::PAYMENTS_TO_CLS + round, "0"),
        told: "still on /metrics, as vanished,",
    },
    Event {
        second: 82,
        text: "payments/to-cls is created again, under a new id",
        act: Act::World(|world, round| {
            let track = estate::payments_to_cls(estate::PAYMENTS_TO_CLS + round + 1);
            world.account(estate::PAYMENTS)?.create(track);
            Ok(())
        }),
        shows: |round| Shown::track(PRESENT, PAYMENTS, estate::PAYMENTS_TO_CLS + round + 1, "1"),
        told: SHOWN,
    },
];

const UP: &str = "cloudaudit_up";
const ENABLED: &str = "cloudaudit_track_enabled";
const PRESENT: &str = "cloudaudit_track_present";
const INFO: &str = "cloudaudit_track_info";
const PROD: (&str, &str) = ("account", "prod");
const PAYMENTS: (&str, &str) = ("account", "payments");
const STAGING: (&str, &str) = ("account", "staging");
const AUDIT_ALL: (&str, &str) = ("track", "audit-all");
const SHOWN: &str = "on /metrics";

fn bucket_after(round: u64) -> &'static str {
    if round.is_multiple_of(2) {
        "somebody-elses-bucket"
    } else {
        "staging-audit"
    }
}

/// The timetable, a line for each event.
pub(super) fn printed() -> String {
    let lines = TIMETABLE
        .iter()
        .map(|event| format!("  {}  {}\n", clock(event.second), event.text));
    lines.collect()
}

/// Makes it happen, round after round, and says of each event how long it took to be seen.
///
/// # Errors
///
/// What the demo cannot go on without.
pub(super) async fn play(stage: &mut Stage, metrics: &str) -> Result<(), String> {
    let scraper = Scraper::new(metrics);
    let start = Instant::now();
    let mut round = 0;
    loop {
        for event in &TIMETABLE {
            let at = ROUND.as_secs() * round + event.second;
            sleep_until(start + Duration::from_secs(at)).await;
            match event.act {
                Act::World(act) => act(&stage.world, round).map_err(|error| error.to_string())?,
                Act::Dark => stage.darken(),
                Act::Light => stage.light().await?,
                Act::Restart => stage.restart_exporter().await?,
            }
            let seen = match scraper.wait_for(&(event.shows)(round)).await {
                Some(delay) => format!("{} after {:.1} s", event.told, delay.as_secs_f64()),
                None => "not seen on /metrics".to_owned(),
            };
            say(format!("{}  {} ... {seen}\n", clock(at), event.text)).await;
        }
        round += 1;
    }
}

fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
