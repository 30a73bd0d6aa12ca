//! The closed sets of values by which rows are filtered.

use crate::snapshot::{AttributionResult, ChangeKind, DeliveryState, Status, StorageType};

/// The state of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its last poll succeeded, and the listing is recent.
    Up,
    /// Its last poll failed.
    Failing,
    /// Its last poll succeeded, but that is too long ago.
    Stale,
    /// It has not been polled yet.
    Waiting,
}

impl State {
    pub(super) const ALL: [Self; 4] = [Self::Failing, Self::Stale, Self::Waiting, Self::Up];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Failing => "failing",
            Self::Stale => "stale",
            Self::Waiting => "waiting",
        }
    }
}

/// Stands for the status of a vanished track.
pub(super) const VANISHED: &str = "vanished";

/// Returns the states of targets.
pub(super) fn states() -> Vec<&'static str> {
    State::ALL.map(State::as_str).to_vec()
}

/// Returns the states of deliveries.
pub(super) fn delivery_states() -> Vec<&'static str> {
    let states = DeliveryState::ALL.iter();
    states.map(|state| state.as_str()).collect()
}

/// Returns the values that a filter allows, whatever is filtered. `None` if it allows any, or if that
/// depends on the rows.
pub(super) fn allowed(filter: &str) -> Option<Vec<&'static str>> {
    Some(match filter {
        "status" => {
            let listed = Status::ALL.iter().map(|status| status.as_str());
            listed.chain([VANISHED]).collect()
        }
        "storage_type" => {
            let types = StorageType::ALL.iter();
            types.map(|kind| kind.as_str()).collect()
        }
        "change" => ChangeKind::ALL
            .iter()
            .map(|change| change.as_str())
            .collect(),
        "result" => {
            let results = AttributionResult::ALL.iter();
            results.map(|result| result.as_str()).collect()
        }
        _ => return None,
    })
}
