//! What is said of an account, to the byte, in every state that a target can be in; and that it is
//! the text format, whatever the cloud calls its tracks.

#![expect(clippy::float_cmp, reason = "what goes in comes out, to the bit")]

// The states, as files.
mod golden;
mod golden_past;
mod scene;
mod with_parts;

// Anything at all, there and back.
mod anything;
mod lookup;
mod round_trip;

// What belongs to no account.
mod process;

use std::time::Duration;

use cloudaudit_exporter::history::Retention;

/// Between two polls.
const INTERVAL: Duration = Duration::from_mins(1);

/// How long a listing is shown.
const STALE_AFTER: Duration = Duration::from_hours(1);

const RETENTION: Retention = Retention {
    stale_after: STALE_AFTER,
    tombstone_for: Duration::from_hours(168),
    max_tracks: 1_000,
};

/// Where a label value from the API is cut.
const MAX_LABEL_CHARS: usize = 256;
