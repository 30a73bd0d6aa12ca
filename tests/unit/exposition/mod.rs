//! The exposition of an account in every state of a target, byte by byte, and that it is valid text
//! format, whatever names the tracks have.

#![expect(clippy::float_cmp, reason = "values must be equal to the bit")]

// The states, as golden files.
mod golden;
mod golden_past;
mod scene;
mod with_parts;

// Arbitrary accounts, rendered and parsed.
mod arbitrary;
mod lookup;
mod round_trip;

// Series that belong to no account.
mod process;

use std::time::Duration;

use cloudaudit_exporter::history::Retention;

/// The time between two polls.
const INTERVAL: Duration = Duration::from_mins(1);

/// How long a listing is shown.
const STALE_AFTER: Duration = Duration::from_hours(1);

const RETENTION: Retention = Retention {
    stale_after: STALE_AFTER,
    tombstone_for: Duration::from_hours(168),
    max_tracks: 1_000,
};

/// The maximum length of a label value from the API.
const MAX_LABEL_CHARS: usize = 256;
