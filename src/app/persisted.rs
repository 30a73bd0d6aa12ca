//! The state file of the process, and the evidence that is safe in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;
use crate::escape::visible_path;
use crate::files::ReadSlot;
use crate::shard::Shard;
use crate::snapshot::{ChangeRecord, Evidence, Report};
use crate::state::StateWriter;

/// The evidence that a restart would restore, by account. The exporter does not show more: a counter
/// that decreases at a restart looks like a reset, and Prometheus would count all of it twice.
#[derive(Debug, Default)]
pub(super) struct PersistedEvidence(Mutex<BTreeMap<String, Evidence>>);

impl PersistedEvidence {
    /// Replaces the evidence by the evidence of the file.
    pub(super) fn replace<'a>(&self, evidence: impl IntoIterator<Item = (&'a String, Evidence)>) {
        let evidence = evidence
            .into_iter()
            .map(|(account, evidence)| (account.clone(), evidence));
        *self.evidence() = evidence.collect();
    }

    /// Returns the evidence of an account that may be shown.
    pub(super) fn of(&self, account: &str) -> Evidence {
        self.evidence().get(account).copied().unwrap_or_default()
    }

    fn evidence(&self) -> MutexGuard<'_, BTreeMap<String, Evidence>> {
        // It is replaced by one assignment, so a poisoned lock is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long opening the state file may take. It is long, because a restart would not help.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The state file of this process, and what an earlier process left in it.
pub(super) struct State {
    pub(super) writer: StateWriter,
    pub(super) restored: BTreeMap<String, Report>,
    pub(super) changes: Vec<ChangeRecord>,
}

impl State {
    /// Opens the file off the runtime and within a time limit, because a disk may be slow.
    pub(super) async fn open(path: PathBuf, clock: Clock, shard: Shard) -> Result<Self, String> {
        let at = format!("cannot open the state file {}", visible_path(&path));
        let slot = ReadSlot::default();
        let opening = slot.run(OPEN_TIMEOUT, move || {
            let now = clock.now();
            let (writer, saved) = StateWriter::open(path, clock);
            let saved = saved.unwrap_or_default();
            let changes = saved.changes();
            let mut restored = saved.into_reports(now);
            if shard.is_sharded() {
                restored.retain(|_, report| was_polled_lately(report, now.wall));
            }
            Self {
                writer,
                restored,
                changes,
            }
        });
        opening.await.map_err(|error| format!("{at}: {error}"))
    }
}

/// The longest time since the last poll of an account that a shard restores. A shard that is removed
/// and added again later finds its old file, while other shards have polled its accounts. Compared with
/// the old file, a track that was deleted a week ago would vanish again and fire an alert. Such an
/// account starts without a history, like every account that changes its shard. A younger history is
/// restored: it usually belongs to a restart, and at worst a change is reported twice.
const MAX_SHARD_MEMORY: Duration = Duration::from_hours(24);

fn was_polled_lately(report: &Report, now: SystemTime) -> bool {
    let polls = report.targets.iter().filter_map(|target| target.last_poll);
    let mut ages = polls.map(|poll| now.duration_since(poll.at).unwrap_or_default());
    ages.any(|age| age < MAX_SHARD_MEMORY)
}
