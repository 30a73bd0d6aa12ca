//! The history of targets: which differences are changes, what a failure does not change, what an
//! incomplete listing does not prove, and the overview of all targets of an account.

// A polled target.
mod polled;

// Consecutive listings.
mod changes;
mod incomplete;
mod polls;
mod short;

// What the history keeps of them.
mod change_times;
mod resume;
mod tombstones;

// What a track records, and the overview of all tracks of an account.
mod coverage_checked;
mod evidence;
mod expected;
mod overview;
mod scope;

use std::time::Duration;

use cloudaudit_exporter::history::Retention;

const INTERVAL: Duration = Duration::from_mins(1);
const STALE_AFTER: Duration = Duration::from_hours(1);
const TOMBSTONE_FOR: Duration = Duration::from_hours(168);

const RETENTION: Retention = Retention {
    stale_after: STALE_AFTER,
    tombstone_for: TOMBSTONE_FOR,
    max_tracks: 1_000,
};
