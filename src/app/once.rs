//! A single round.

use std::sync::Arc;

use bytes::Bytes;

use super::board::Board;
use super::daemon::fleet;
use crate::clock::Clock;
use crate::config::Config;
use crate::fleet::Environment;

/// Polls every target once. Gives the exposition, without the process's own series, and whether
/// every poll brought a listing.
///
/// # Errors
///
/// What keeps an account from being polled.
pub async fn once(
    config: &Config,
    environment: &Environment,
    clock: Clock,
) -> Result<(Vec<Bytes>, bool), String> {
    let board = Arc::new(Board::new(clock));
    let mut fleet = fleet(environment, &board);
    let plan = fleet.prepare(config)?;
    let all_good = fleet.poll_once(plan).await;
    let exposition = board.publisher.exposition(false, "", board.clock.now());
    Ok((exposition, all_good))
}
