//! What the process needs of the system before it can work.

use rustix::process::{Resource, getrlimit};

/// The least address space, in bytes. The C library reserves 64 MiB for each thread that allocates,
/// used or not; without room for them it aborts the process in the middle of its work.
const ADDRESS_SPACE: u64 = 512 << 20;

/// Checks the limits that would later end the process without a chance to say why.
///
/// # Errors
///
/// Which limit is too low, and how to raise it.
pub fn check() -> Result<(), String> {
    match getrlimit(Resource::As).current {
        Some(limit) if limit < ADDRESS_SPACE => Err(format!(
            "the limit of address space is {} MiB and must be at least {} MiB: raise it (ulimit -v, LimitAS=), and limit \
             memory by the control group (MemoryMax=, a container's limit) instead",
            limit >> 20,
            ADDRESS_SPACE >> 20
        )),
        _ => Ok(()),
    }
}
