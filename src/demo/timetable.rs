//! What happens in the demo, and when: the same five events each minute.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::estate;
use super::say;
use super::watch::{Scraper, Shown};
use crate::sim::{Unknown, World};

/// After so long it begins again.
const ROUND: Duration = Duration::from_mins(1);

/// Something that happens.
struct Event {
    second: u64,
    text: &'static str,
    /// Makes it happen in a round, counted from 0.
    act: fn(&World, u64) -> Result<(), Unknown>,
    /// What a scrape has to show of it.
    shows: fn(u64) -> Shown,
}

const TIMETABLE: [Event; 5] = [
    Event {
        second: 10,
        text: "prod/audit-all is switched off",
        act: |world, _| {
            world
                .account(estate::PROD)?
                .set_status(estate::PROD_AUDIT_ALL, 0)
        },
        shows: |_| Shown::sample(ENABLED, &[PROD, AUDIT_ALL], "0"),
    },
    Event {
        second: 20,
        text: "staging/to-cls is deleted",
        act: |world, round| {
            world
                .account(estate::STAGING)?
                .delete(to_cls_id(round))
                .map(drop)
        },
        shows: |_| Shown::nothing(PRESENT, &[STAGING, TO_CLS]),
    },
    Event {
        second: 30,
        text: "staging/audit-all delivers to another bucket",
        act: |world, round| {
            let storage = estate::bucket(bucket_after(round));
            world
                .account(estate::STAGING)?
                .set_storage(estate::STAGING_AUDIT_ALL, storage)
        },
        shows: |round| {
            Shown::sample(
                INFO,
                &[STAGING, AUDIT_ALL, ("storage_name", bucket_after(round))],
                "1",
            )
        },
    },
    Event {
        second: 40,
        text: "prod/audit-all is switched on again",
        act: |world, _| {
            world
                .account(estate::PROD)?
                .set_status(estate::PROD_AUDIT_ALL, 1)
        },
        shows: |_| Shown::sample(ENABLED, &[PROD, AUDIT_ALL], "1"),
    },
    Event {
        second: 50,
        text: "staging/to-cls is created again, under a new id",
        act: |world, round| {
            world
                .account(estate::STAGING)?
                .create(estate::to_cls(to_cls_id(round + 1)));
            Ok(())
        },
        shows: |_| Shown::sample(PRESENT, &[STAGING, TO_CLS], "1"),
    },
];

const ENABLED: &str = "cloudaudit_track_enabled";
const PRESENT: &str = "cloudaudit_track_present";
const INFO: &str = "cloudaudit_track_info";
const PROD: (&str, &str) = ("account", "prod");
const STAGING: (&str, &str) = ("account", "staging");
const AUDIT_ALL: (&str, &str) = ("track", "audit-all");
const TO_CLS: (&str, &str) = ("track", "to-cls");

/// An id is never used twice.
fn to_cls_id(round: u64) -> u64 {
    estate::STAGING_TO_CLS + round
}

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
pub(super) async fn play(world: &World, metrics: &str) {
    let scraper = Scraper::new(metrics);
    let start = Instant::now();
    for round in 0.. {
        for event in &TIMETABLE {
            let at = ROUND.as_secs() * round + event.second;
            sleep_until(start + Duration::from_secs(at)).await;
            if let Err(unknown) = (event.act)(world, round) {
                say(&format!("{}  {}: {unknown}\n", clock(at), event.text));
                continue;
            }
            let seen = match scraper.wait_for(&(event.shows)(round)).await {
                Some(delay) => format!("on /metrics after {:.1} s", delay.as_secs_f64()),
                None => "not seen on /metrics".to_owned(),
            };
            say(&format!("{}  {} ... {seen}\n", clock(at), event.text));
        }
    }
}

fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
