//! How many connections to the cloud the descriptors of the process allow. The listener has its own
//! share of them (`http/descriptors.rs`), so scrapes succeed however many requests are in flight.

use crate::resources::{connection_share, open_files};

/// The most identities with which connections are kept, regardless of the number of descriptors. An
/// open connection takes about 30 KB. In a larger fleet, each request opens a connection of its own.
const MAX_KEEPING_IDENTITIES: u64 = 1024;

/// The most idle connections of an identity, more than evenly paced requests need. A burst may open
/// more connections, which are closed after it.
const MAX_IDLE_PER_IDENTITY: u64 = 4;

/// The most requests in flight to all endpoints, regardless of the number of descriptors.
const MAX_IN_FLIGHT_TO_ALL: u64 = 4096;

/// Limits of connections. Half of the share is for requests in flight, half for idle connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionLimits {
    /// The most identities with which connections are kept.
    pub(super) keeping_identities: usize,
    /// The most idle connections of an identity.
    pub(super) idle_per_identity: usize,
    /// The most requests in flight to all endpoints.
    pub(super) in_flight: usize,
}

impl ConnectionLimits {
    /// Derives the limits from the descriptors that the process may open now.
    pub(super) fn of_process() -> Self {
        Self::of(open_files().unwrap_or(u64::MAX))
    }

    fn of(open_files: u64) -> Self {
        let half = connection_share(open_files) / 2;
        let identities = half.clamp(1, MAX_KEEPING_IDENTITIES);
        let number = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            keeping_identities: number(identities),
            idle_per_identity: number((half / identities).clamp(1, MAX_IDLE_PER_IDENTITY)),
            in_flight: number(half.clamp(1, MAX_IN_FLIGHT_TO_ALL)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_take_at_most_half_of_the_unreserved_descriptors() {
        for open_files in [0, 32, 64, 1_024, 4_096, 65_536, u64::MAX] {
            let limits = ConnectionLimits::of(open_files);
            let idle = limits.keeping_identities * limits.idle_per_identity;
            let taken = (idle + limits.in_flight) as u64;
            let share = open_files.saturating_sub(24) / 2;
            assert!(taken <= share.max(2), "{open_files}: {limits:?}");
        }
    }

    #[test]
    fn without_a_limit_of_open_files_the_fixed_limits_hold() {
        let limits = ConnectionLimits::of(u64::MAX);
        assert_eq!(
            limits,
            ConnectionLimits {
                keeping_identities: 1024,
                idle_per_identity: 4,
                in_flight: 4096,
            }
        );
    }
}
