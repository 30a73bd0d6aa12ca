//! The change feed: the latest changes to tracks in all accounts of a process.
//!
//! Accounts append what their polls proved. Records are facts about the past: they stay over a
//! reload, over a restart, and after their account was removed.

pub use self::feed::{ChangeFeed, FeedUpdate, MAX_AGE};

mod feed;
