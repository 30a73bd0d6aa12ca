//! What scrapes read: the latest report of every account, rendered, joined and compressed only if it
//! changed.
//!
//! An account is published as a whole. Accounts share buckets, and a bucket keeps one chunk for each
//! metric, so that a change compresses one chunk, however many accounts there are. The chunks of a
//! metric make a family, which is joined by the first scrape after one of them changed.

pub use self::accounts::{Account, Publisher};

// The accounts, and readiness.
mod accounts;

// The text, plain and deflated.
mod bucket;
mod chunk;
mod family;
mod gzip;
mod piece_buffer;
