//! The shard of this process, from its flags or from the host name: a `StatefulSet` numbers its
//! pods.

use std::path::Path;

use super::CommandError;
use crate::cli::Flags;
use crate::files;
use crate::fleet::Environment;
use crate::shard::Shard;

/// The variable with the host name in containers.
const HOST_NAME: &str = "HOSTNAME";

/// The file with the host name on Linux.
const KERNEL_HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// The longest host name, in bytes; the kernel allows 64.
const MAX_HOST_NAME: usize = 1024;

/// Returns the shard of this process.
pub(super) fn of(flags: &Flags, environment: &Environment) -> Result<Shard, CommandError> {
    let total = flags.total_shards;
    match flags.shard() {
        Some(ordinal) => Shard::new(ordinal, total).map_err(|why| {
            CommandError::usage(format!(
                "--shard={ordinal} does not fit --total-shards={total}: {why}"
            ))
        }),
        None if total == 1 => Ok(Shard::ALONE),
        None => by_host_name(&host_name(environment), total),
    }
}

fn by_host_name(name: &str, total: u32) -> Result<Shard, CommandError> {
    let refuse = |why: &str| {
        CommandError::usage(format!(
            "--total-shards={total} without --shard takes the number of the shard from the host name, but {name:?} \
             {why}; set --shard"
        ))
    };
    // The name may have a domain.
    let pod = name.split('.').next().unwrap_or_default();
    let ordinal = pod.rsplit_once('-').and_then(|(name, ordinal)| {
        let is_number = ordinal.bytes().all(|byte| byte.is_ascii_digit());
        (!name.is_empty() && is_number).then(|| ordinal.parse().ok())?
    });
    let ordinal = ordinal.ok_or_else(|| refuse("does not end in a hyphen and a number"))?;
    Shard::new(ordinal, total).map_err(|why| refuse(&format!("does not fit: {why}")))
}

fn host_name(environment: &Environment) -> String {
    let variable = environment.get(HOST_NAME).filter(|name| !name.is_empty());
    variable.cloned().unwrap_or_else(|| {
        // If the file cannot be read, the name is empty and the error shows that.
        let name = files::read(Path::new(KERNEL_HOST_NAME), MAX_HOST_NAME);
        let name = name.as_ref().ok().and_then(|name| name.text().ok());
        name.unwrap_or_default().trim().to_owned()
    })
}
