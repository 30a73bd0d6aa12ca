//! What scrapes read: the latest of every account, rendered, joined and compressed only where it
//! has changed.
//!
//! An account is published whole and at once. Accounts share buckets; a bucket keeps one chunk for
//! each metric, so that a change costs the deflating of one bucket's, however many accounts there
//! are. The chunks of a metric make a family, which is put together when it is scraped after one of
//! them has changed.

pub use self::accounts::{Account, Publisher};

// The accounts, and whether all of them have been heard of.
mod accounts;

// The text, plain and deflated.
mod bucket;
mod chunk;
mod family;
mod gzip;
mod piece_buffer;
