//! Facts about the exporter itself, for the page.

use std::time::{Duration, SystemTime};

use crate::failure::Failure;

/// Facts about the exporter itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExporterInfo {
    /// The version of the program.
    pub version: &'static str,
    /// The revision of its source.
    pub revision: &'static str,
    /// When the process started.
    pub started: Option<SystemTime>,
    /// Which shard it is. `None` if there is only one.
    pub shard: Option<String>,
    /// The hash of the configuration in use. `None` before the first one.
    pub config_hash: Option<u64>,
    /// Since when this configuration is in use.
    pub config_loaded: Option<SystemTime>,
    /// The last reload, if it failed.
    pub refused_reload: Option<RefusedReload>,
    /// Organizations, by name.
    pub organizations: Vec<OrganizationInfo>,
    /// Accounts whose task was restarted after a panic, and how often.
    pub restarts: Vec<(String, u64)>,
    /// Whether the last write of the state file succeeded. `None` before the first write.
    pub state_written: Option<bool>,
    /// Clock of the API server minus the exporter's clock in seconds. `None` before a response.
    pub clock_skew: Option<f64>,
    /// When the certificate of the listener expires. `None` without TLS.
    pub certificate_expires: Option<SystemTime>,
    /// Dropped lines of the log.
    pub log_lines_dropped: u64,
}

/// A reload that failed: the previous configuration is still in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedReload {
    /// When.
    pub at: SystemTime,
    /// Why.
    pub why: String,
}

/// An organization whose members are polled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationInfo {
    /// Its name.
    pub name: String,
    /// Why the last request for its members failed. `None` if it succeeded, or before the first one.
    pub failure: Option<Failure>,
    /// Members in the last complete list. `None` before the first one.
    pub members: Option<u64>,
    /// The last complete list. `None` before the first one.
    pub last_success: Option<SystemTime>,
    /// The time between two requests for its members.
    pub refresh: Duration,
}
