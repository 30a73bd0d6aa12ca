//! The polls of an account: when they run, how long they take, what they publish and what they log.
//! The cloud is a script in memory that returns literal JSON; time is paused.

// The scripted cloud and the accounts.
mod cloud;
mod world;

// The schedule.
mod schedule;

// Isolation and timeouts.
mod isolation;
mod large;
mod limits;

// Results.
mod changes;
mod evidence;
mod incomplete;
mod log;
mod organization_coverage;
mod outcome;
mod past;

use std::time::Duration;

use cloudaudit_exporter::history::Retention;

/// The time between two polls of a target.
const INTERVAL: Duration = Duration::from_mins(1);

const RETENTION: Retention = Retention {
    stale_after: Duration::from_mins(10),
    tombstone_for: Duration::from_mins(100),
    max_tracks: 1_000,
};

/// The timeout of one call.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tokio's timers count milliseconds.
const COARSE: Duration = Duration::from_millis(2);
