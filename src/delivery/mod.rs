//! Whether operation records arrive at the storage targets of an account: what to check, when, and
//! what the results prove.
//!
//! The unit is the storage target, however many enabled tracks share it. A check reads the target's
//! newest arrival (`tencent::storage`). If the last arrival is older than the grace period, the
//! operation records of the account show whether anything has been due since then (`Operations`).
//! `Rules` derive the state from both. Nothing here waits or calls the cloud.

pub use self::book::{DeliveryBook, Job};
pub use self::operations::{Ask, MAX_QUERIES_FOR_OLDEST, Operations};
pub use self::query::{MAX_QUERIES, OperationsQuery, Records, Span};
pub use self::rules::{Due, Question, Rules};
pub use self::targets::{Recorded, TargetSettings, storage_targets};

// The targets of an account, and when each is checked.
mod book;
mod targets;

// What a check proves.
mod operations;
mod query;
mod rules;
