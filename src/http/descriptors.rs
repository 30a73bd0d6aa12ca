//! The limit of open files, and how many of them connections to the listener may take.

use tracing::warn;

use crate::resources::{connection_share, open_files, raise_open_files};

/// The most connections, if the process may open enough files for them.
const MAX_CONNECTIONS: usize = 512;

/// The least that the runtime, a listener, a scrape and a poll need.
const MIN_FILES: u64 = 32;

/// The exporter never needs more.
const MAX_FILES: u64 = 65_536;

/// Raises the soft limit of open files to the hard limit, and warns if it allows few connections.
///
/// # Errors
///
/// If the limit is too small.
pub fn raise_limit() -> Result<(), String> {
    let Some(limit) = raise_open_files(MAX_FILES) else {
        return Ok(()); // unlimited or unknown
    };
    let remedy = "raise it: ulimit -n, LimitNOFILE= of systemd, --ulimit nofile of a container";
    if limit < MIN_FILES {
        return Err(format!(
            "the limit of open files (RLIMIT_NOFILE) is {limit}; at least {MIN_FILES} are needed, 2048 are enough; {remedy}"
        ));
    }
    let connections = max_connections();
    if connections < FEW_CONNECTIONS {
        warn!(
            limit,
            connections,
            "the limit of open files (RLIMIT_NOFILE) allows few connections, and polls may fail for lack of descriptors; {remedy}"
        );
    }
    Ok(())
}

/// Fewer connections cause a warning. 1024 open files allow almost [`MAX_CONNECTIONS`].
const FEW_CONNECTIONS: usize = MAX_CONNECTIONS / 2;

/// Returns the cap on connections for the descriptors that the process may open now.
pub(super) fn max_connections() -> usize {
    let share = open_files().map_or(u64::MAX, share);
    usize::try_from(share).map_or(MAX_CONNECTIONS, |share| share.min(MAX_CONNECTIONS))
}

fn share(limit: u64) -> u64 {
    connection_share(limit).max(1)
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
