//! The exporter that most people would write (see `peers/peer.py`).

use std::path::Path;
use std::process::Command;

use super::cloud::Cloud;
use super::estate::{Estate, free_address};
use super::process::{Process, part};

/// Starts it on an estate, and waits until every account has been polled.
pub(crate) fn start_peer(estate: Estate, cloud: &Cloud) -> Process {
    let python = part("venv/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/peer.py");
    let address = free_address();
    let port = address.rsplit(':').next().unwrap_or_default();
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg(cloud.address())
        .arg(estate.accounts.to_string())
        .arg(estate.interval.as_secs_f64().to_string())
        .arg(estate.page_size.to_string())
        .arg(port);
    Process::announced(&mut command)
}
