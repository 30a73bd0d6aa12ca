//! One poll of every target.

use std::sync::Arc;

use bytes::Bytes;

use super::daemon::fleet;
use super::exporter_state::ExporterState;
use super::persisted::State;
use crate::clock::Clock;
use crate::config::Config;
use crate::fleet::Environment;

/// Polls every target once, with the history of the state file, and writes the file. Returns the
/// exposition without the series of the process, and whether every poll succeeded.
///
/// # Errors
///
/// An account cannot be polled.
pub async fn once(
    config: &Config,
    environment: &Environment,
    clock: Clock,
) -> Result<(Vec<Bytes>, bool), String> {
    let state = match &config.state_file {
        Some(file) => Some(State::open(file.clone(), clock.clone(), config.shard).await?),
        None => None,
    };
    let exporter = Arc::new(ExporterState::new(clock, config));
    let mut fleet = fleet(environment, &exporter);
    let writer = state.map(|state| {
        fleet.restore(state.restored);
        exporter.restore_changes(state.changes);
        state.writer
    });
    let all_known = fleet.discover_once(config).await?;
    let plan = fleet.prepare(config).await?;
    let all_good = fleet.poll_once(plan).await && all_known;
    if let Some(writer) = writer {
        let known = exporter.known();
        writer
            .finish(known, |written| exporter.state_written(written))
            .await;
    }
    let exposition = exporter
        .publisher
        .exposition(false, "", exporter.clock.now());
    Ok((exposition, all_good))
}
