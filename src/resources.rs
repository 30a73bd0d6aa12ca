//! Resource limits of the process: address space and open files.
//!
//! Limits are read from `/proc`, because the system call filter of a systemd unit may deny
//! `prlimit64`.

use rustix::process::{Resource, Rlimit, setrlimit};

/// The minimum address space, in bytes. The C library reserves 64 MiB for each thread that allocates
/// memory, and aborts the process if that fails.
const MIN_ADDRESS_SPACE: u64 = 512 << 20;

/// The limits of this process. A limit is `None` if there is none or it is unknown.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    /// The soft limit.
    open_files: Option<u64>,
    /// The hard limit.
    max_open_files: Option<u64>,
    address_space: Option<u64>,
}

#[cfg(target_os = "linux")]
fn limits() -> Limits {
    use procfs::process::{LimitValue, Process};

    let value = |limit: LimitValue| match limit {
        LimitValue::Value(limit) => Some(limit),
        LimitValue::Unlimited => None,
    };
    match Process::myself().and_then(|own| own.limits()) {
        Ok(limits) => Limits {
            open_files: value(limits.max_open_files.soft_limit),
            max_open_files: value(limits.max_open_files.hard_limit),
            address_space: value(limits.max_address_space.soft_limit),
        },
        Err(_) => Limits::default(),
    }
}

/// The limits are unknown.
#[cfg(not(target_os = "linux"))]
fn limits() -> Limits {
    Limits::default()
}

/// The files that the process opens in addition to connections: runtimes, standard streams,
/// listeners, the state file and its lock.
const RESERVED_FILES: u64 = 24;

/// Returns how many of `open_files` connections to the listener may take. Connections to the cloud may
/// take as many, so neither can use up the descriptors of the other.
pub fn connection_share(open_files: u64) -> u64 {
    open_files.saturating_sub(RESERVED_FILES) / 2
}

/// Returns how many files the process may open, or `None` if there is no limit or it is unknown.
pub fn open_files() -> Option<u64> {
    limits().open_files
}

/// Raises the soft limit of open files to the hard limit, but not above `most`. Returns the new
/// limit, as [`open_files`] does.
pub fn raise_open_files(most: u64) -> Option<u64> {
    let limits = limits();
    let current = limits.open_files?;
    let target = limits.max_open_files.unwrap_or(most).min(most);
    let raised = target > current && {
        let limit = Rlimit {
            current: Some(target),
            maximum: limits.max_open_files,
        };
        setrlimit(Resource::Nofile, limit).is_ok()
    };
    Some(if raised { target } else { current })
}

/// Checks the limits that would later abort the process without a message.
///
/// # Errors
///
/// Returns an error that names the limit that is too low, and how to raise it.
pub fn check() -> Result<(), String> {
    match limits().address_space {
        Some(limit) if limit < MIN_ADDRESS_SPACE => Err(format!(
            "the limit of the address space is {} MiB but must be at least {} MiB; raise it (ulimit -v, LimitAS=) and limit \
             the memory with a control group (MemoryMax= or the container's limit) instead",
            limit >> 20,
            MIN_ADDRESS_SPACE >> 20
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_read() {
        assert!(open_files().is_none_or(|limit| limit > 0));
    }
}
