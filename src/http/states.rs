//! The states of targets and tracks by which rows are filtered.

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
