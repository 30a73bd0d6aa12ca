//! What is remembered of targets: which differences are changes, what a failure leaves alone, what
//! a listing that is not all there does not prove, and what all targets of an account come to.

// A target, poll by poll.
mod polled;

// Its listings, one after the other.
mod changes;
mod incomplete;
mod polls;
mod short;

// What is remembered of them.
mod change_times;
mod resume;
mod tombstones;

// What a track records, and all tracks of an account together.
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
