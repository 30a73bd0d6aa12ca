//! Whether operation records arrive: what the results of checks prove.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::delivery::Rules;
use cloudaudit_exporter::snapshot::{DeliveryReport, StorageTarget};
use cloudaudit_exporter::tencent::storage::CheckResult;
use tokio::time::Instant;

mod book;
mod operations;
mod properties;
mod rules;
mod settings;

const RULES: Rules = Rules {
    interval: Duration::from_mins(10),
    grace: Duration::from_mins(30),
};

/// Minutes after noon of a day.
fn minute(minutes: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(490_092) + Duration::from_mins(minutes)
}

/// Minutes after noon on both clocks.
fn moment(start: Instant, minutes: u64) -> Moment {
    Moment {
        wall: minute(minutes),
        steady: start + Duration::from_mins(minutes),
    }
}

fn target(kind: &str) -> StorageTarget {
    StorageTarget {
        kind: kind.to_owned(),
        region: "ap-guangzhou".to_owned(),
        name: "audit-log".to_owned(),
        prefix: "trail".to_owned(),
    }
}

fn bucket() -> DeliveryReport {
    DeliveryReport::new(target("cos"))
}

/// The result of a check at minute `now` that finds an object of minute `newest`.
fn seen(newest: Option<u64>, now: u64) -> CheckResult {
    CheckResult::Seen {
        newest: newest.map(minute),
        cloud_now: minute(now),
        cursor: None,
        skipped: None,
    }
}

fn missing() -> CheckResult {
    CheckResult::Missing {
        what: "the bucket does not exist".to_owned(),
    }
}
