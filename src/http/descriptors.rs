//! How many of the process's file descriptors connections to the listener may take.

use rustix::process::{Resource, getrlimit};

/// The runtime, the standard streams, listeners, the state file and its lock.
const RESERVED: u64 = 24;

/// The listener's share of the descriptors that are not reserved. The rest is for polls and files.
const SHARE: u64 = 2;

/// How many connections there may be with the descriptors that the process may open now.
pub(super) fn for_connections() -> usize {
    match getrlimit(Resource::Nofile).current {
        Some(limit) => usize::try_from(share(limit)).unwrap_or(usize::MAX),
        None => usize::MAX,
    }
}

fn share(limit: u64) -> u64 {
    (limit.saturating_sub(RESERVED) / SHARE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_is_not_reserved() {
        let shares = [0, 24, 64, 1_024, 1_048, u64::MAX].map(share);
        assert_eq!(shares, [1, 1, 20, 500, 512, (u64::MAX - 24) / 2]);
    }
}
