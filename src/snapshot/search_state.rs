//! What a search for operators has to keep over a restart.

use std::time::SystemTime;

use super::operation_record::TrackRef;

/// The search for the operations behind some changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupState {
    /// When the poll saw the changes.
    pub began: SystemTime,
    /// The previous complete poll; the earliest of the changes.
    pub previous: Option<SystemTime>,
    /// The attempts that were made or whose time has passed.
    pub attempts: usize,
    /// The requests that were sent.
    pub requests: u32,
    /// The ids of the changes whose operation is still searched.
    pub changes: Vec<u64>,
}

/// Where the sweeps of an account are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepState {
    /// The end of the last period that was read, on this machine's clock.
    pub until: SystemTime,
    /// The operations of the last hour that were counted, oldest first.
    pub remembered: Vec<Remembered>,
}

/// An operation that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The time of the operation, on the cloud's clock.
    pub at: SystemTime,
    /// Its request id and name.
    pub key: String,
    /// The track that it switched on (`true`) or off. `None` for other operations.
    pub switched: Option<(TrackRef, bool)>,
}
