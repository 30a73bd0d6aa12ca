//! What outlives the process: the state file, and how much of the evidence is safe in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;
use crate::files::ReadSlot;
use crate::shard::Shard;
use crate::snapshot::{Evidence, Report};
use crate::state::StateWriter;

/// The evidence that a restart would bring back, by account. More than this is not shown: a counter
/// that comes back lower than it was scraped looks like one that began anew, and Prometheus would
/// count all of it a second time.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<BTreeMap<String, Evidence>>);

impl Kept {
    /// Takes note of what is in the file.
    pub(super) fn are<'a>(&self, evidence: impl IntoIterator<Item = (&'a String, Evidence)>) {
        let evidence = evidence
            .into_iter()
            .map(|(account, evidence)| (account.clone(), evidence));
        *self.evidence() = evidence.collect();
    }

    /// What may be shown of an account.
    pub(super) fn of(&self, account: &str) -> Evidence {
        self.evidence().get(account).copied().unwrap_or_default()
    }

    fn evidence(&self) -> MutexGuard<'_, BTreeMap<String, Evidence>> {
        // It is replaced as a whole, and so is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long opening the state file may take. A restart would find the same disk, so this is long.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The state file of this process, and what an earlier one left in it.
pub(super) struct State {
    pub(super) writer: StateWriter,
    pub(super) restored: BTreeMap<String, Report>,
}

impl State {
    /// Opens it off the runtime and within a time limit, because a disk may be slow.
    pub(super) async fn open(path: PathBuf, clock: Clock, shard: Shard) -> Result<Self, String> {
        let at = format!("cannot open the state file {}", path.display());
        let slot = ReadSlot::default();
        let opening = slot.run(OPEN_TIMEOUT, move || {
            let now = clock.now();
            let (writer, saved) = StateWriter::open(path, clock);
            let mut restored = saved.map(|saved| saved.reports(now)).unwrap_or_default();
            if shard.has_others() {
                restored.retain(|_, report| was_polled_lately(report, now.wall));
            }
            Self { writer, restored }
        });
        opening.await.map_err(|error| format!("{at}: {error}"))
    }
}

/// How old what one of several shards remembers of an account may be. A shard that is taken away
/// and put back later finds its old file, and others have polled its accounts meanwhile: compared
/// with that, a track that went a week ago would vanish anew, and page for nothing but the move.
/// Such an account begins anew, as every one does that changes hands. A younger memory is compared:
/// it is that of a restart far more often than of a shard that was away, and what others have seen
/// meanwhile is then told once more.
const OWN_MEMORY: Duration = Duration::from_hours(24);

fn was_polled_lately(report: &Report, now: SystemTime) -> bool {
    let polls = report.targets.iter().filter_map(|target| target.last_poll);
    let mut ages = polls.map(|poll| now.duration_since(poll.at).unwrap_or_default());
    ages.any(|age| age < OWN_MEMORY)
}

/// A report of which no more evidence is shown than is safe.
pub(super) fn shown(mut report: Report, kept: Option<&Arc<Kept>>) -> Report {
    if let Some(kept) = kept {
        let kept = kept.of(&report.account.name);
        // More than the account has itself is that of another one under the same name.
        if kept.observed <= report.evidence.observed {
            report.shown_evidence = kept;
        }
    }
    report
}
