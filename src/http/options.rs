//! The settings of a listener.

use std::sync::Arc;

use super::connections::Connections;
use super::time_limits::Limits;
use crate::web_config::WebConfig;

/// The settings of a listener. Listeners with clones of the same options share the cap on
/// connections.
#[derive(Clone, Debug)]
pub struct Options {
    /// The path of the exposition.
    pub telemetry_path: String,
    /// The path before all other paths, without a slash at its end; may be empty.
    pub route_prefix: String,
    /// Time limits.
    pub limits: Limits,
    /// The cap on connections.
    pub connections: Connections,
    /// TLS and passwords. `None` serves plain HTTP to every client.
    pub web_config: Option<Arc<WebConfig>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            telemetry_path: "/metrics".to_owned(),
            route_prefix: String::new(),
            limits: Limits::default(),
            connections: Connections::default(),
            web_config: None,
        }
    }
}
