//! What scrapes read: the latest report of every account, rendered, joined and compressed only if it
//! changed.
//!
//! An account is published as a whole. Accounts share buckets, and a bucket keeps one chunk for each
//! metric. Some chunks of a metric make a segment, so that a change compresses one segment, however many
//! accounts there are. The segments of a metric make a family, which is joined by the first scrape after
//! one of its chunks changed.
//!
//! While a reload or a discovery changes accounts, scrapes see the previous families until the
//! new families are complete.

pub use self::accounts::{Account, Publisher};

// The accounts, and readiness.
mod accounts;

// The text, plain and deflated.
mod bucket;
mod chunk;
mod family;
mod gzip;
mod piece_buffer;
mod segment;
mod shown;
