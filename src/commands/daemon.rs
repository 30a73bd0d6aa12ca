//! No command: run the exporter.

use super::Failed;
use crate::app::App;
use crate::cli::Flags;
use crate::clock::Clock;
use crate::config::Config;
use crate::fleet::Environment;

/// Every interface, at the exporter's own port.
pub(super) const LISTEN_ADDRESS: &str = ":10629";

pub(super) async fn run(
    config: &Config,
    environment: &Environment,
    flags: &Flags,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Failed> {
    let app = App::bind(config, environment, &flags.web(LISTEN_ADDRESS), clock).await?;
    app.run(shutdown).await;
    Ok(())
}
