//! What scrapes read: the latest of every account, rendered, joined and compressed only where it has
//! changed.
//!
//! An account is published whole and at once. Accounts share buckets; a bucket keeps one joined
//! chunk for each metric, so that a change costs the joining of one bucket and a scrape sends a few
//! thousand pieces at the most, however many accounts there are.

pub use self::accounts::{Account, Publisher};

// The accounts, and whether all of them have been heard of.
mod accounts;

// The text, plain and deflated.
mod bucket;
mod chunk;
mod gzip;
