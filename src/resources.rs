//! What the process needs of the system before it can work, and how much of it there is.
//!
//! Limits are read from `/proc`: the filter of system calls in a service's unit may refuse
//! `prlimit64`.

use rustix::process::{Resource, Rlimit, setrlimit};

/// The least address space, in bytes. The C library reserves 64 MiB for each thread that allocates,
/// used or not; without room for them it aborts the process in the middle of its work.
const MIN_ADDRESS_SPACE: u64 = 512 << 20;

/// The limits of this process, soft ones unless said, `None` if there is no limit or it is not known.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
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

/// Not known here.
#[cfg(not(target_os = "linux"))]
fn limits() -> Limits {
    Limits::default()
}

/// What the process opens besides connections: the runtimes, the standard streams, listeners, the
/// state file and its lock.
pub const RESERVED_FILES: u64 = 24;

/// How many files the process may open, `None` if there is no limit or it is not known.
pub fn open_files() -> Option<u64> {
    limits().open_files
}

/// Raises the soft limit of open files to the hard one, but not above `most`. Returns the limit that
/// holds then, as [`open_files`] does.
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

/// Checks the limits that would later end the process without a chance to say why.
///
/// # Errors
///
/// Which limit is too low, and how to raise it.
pub fn check() -> Result<(), String> {
    match limits().address_space {
        Some(limit) if limit < MIN_ADDRESS_SPACE => Err(format!(
            "the limit of address space is {} MiB and must be at least {} MiB: raise it (ulimit -v, LimitAS=), and limit \
             memory by the control group (MemoryMax=, a container's limit) instead",
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
