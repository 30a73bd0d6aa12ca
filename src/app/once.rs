//! A single round.

use std::sync::Arc;

use bytes::Bytes;

use super::board::Board;
use super::daemon::fleet;
use super::kept::State;
use crate::clock::Clock;
use crate::config::Config;
use crate::fleet::Environment;

/// Polls every target once, going on from the state file and writing it. Gives the exposition,
/// without the process's own series, and whether every poll brought a listing.
///
/// # Errors
///
/// What keeps an account from being polled.
pub async fn once(
    config: &Config,
    environment: &Environment,
    clock: Clock,
) -> Result<(Vec<Bytes>, bool), String> {
    let state = match &config.state_file {
        Some(file) => Some(State::open(file.clone(), clock.clone(), config.shard).await?),
        None => None,
    };
    let board = Arc::new(Board::new(clock, config.shard));
    let mut fleet = fleet(environment, &board);
    let writer = state.map(|state| {
        fleet.resume(state.restored);
        state.writer
    });
    let all_known = fleet.discover_once(config).await?;
    let plan = fleet.prepare(config).await?;
    let all_good = fleet.poll_once(plan).await && all_known;
    if let Some(writer) = writer {
        let reports = board.publisher.reports();
        writer
            .finish(reports, |written| board.state_written(written))
            .await;
    }
    let exposition = board.publisher.exposition(false, "", board.clock.now());
    Ok((exposition, all_good))
}
