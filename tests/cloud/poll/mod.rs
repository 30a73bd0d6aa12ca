//! An account at work, in no time: when it polls, how long, what it makes of an answer and what it
//! says of it. The cloud is a script in memory that answers literal JSON; time is paused.

// The two sides.
mod cloud;
mod world;

// When.
mod schedule;

// Who waits for whom, and how long.
mod isolation;
mod large;
mod limits;

// What comes of it.
mod changes;
mod evidence;
mod incomplete;
mod log;
mod outcome;
mod past;
mod umbrella;

use std::time::Duration;

use cloudaudit_exporter::history::Retention;

/// Between two polls of a target.
const INTERVAL: Duration = Duration::from_mins(1);

const RETENTION: Retention = Retention {
    stale_after: Duration::from_mins(10),
    tombstone_for: Duration::from_mins(100),
    max_tracks: 1_000,
};

/// For one call.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tokio's timers count milliseconds.
const COARSE: Duration = Duration::from_millis(2);
