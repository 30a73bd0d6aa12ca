//! The task that keeps the file up to date.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use super::file::StateFile;
use super::policy::{Difference, Policy};
use super::saved::Saved;
use crate::clock::Clock;
use crate::snapshot::{Report, TargetReport};

/// How often it is looked whether anything differs from what was written.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A write that takes longer has failed for those who wait for it.
const LONGEST_WRITE: Duration = Duration::from_secs(30);

/// The same after a signal, which ends the process within a second.
const LONGEST_LAST_WRITE: Duration = Duration::from_millis(600);

/// What is in the file after a write.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// When the write began.
    pub began: SystemTime,
    /// What it wrote.
    pub reports: &'a [Arc<Report>],
}

/// Writes what is known, when it is time. A write that fails is told once and tried again.
#[derive(Debug)]
pub struct StateWriter {
    path: PathBuf,
    file: StateFile<Saved>,
    clock: Clock,
    policy: Policy,
    /// What is in the file, as far as this process has written it.
    written: Vec<Arc<Report>>,
    /// Why the last write failed.
    failing: Option<String>,
}

impl StateWriter {
    /// Opens the file, says what is wrong with it, and gives what it held. Blocks meanwhile.
    pub fn open(path: PathBuf, clock: Clock) -> (Self, Option<Saved>) {
        let (file, loaded) = StateFile::open(&path, clock.now().wall);
        for warning in &loaded.warnings {
            warn!("{warning}");
        }
        let writer = Self {
            path,
            file,
            clock,
            policy: Policy::default(),
            written: Vec::new(),
            failing: loaded.unwritable,
        };
        (writer, loaded.value)
    }

    /// Writes until `shutdown`, and then once more. `reports` gives what is known; `told` is given
    /// what came of each write: what is in the file now, or why it failed.
    pub async fn run(
        mut self,
        reports: impl AsyncFn() -> Vec<Arc<Report>>,
        told: impl Fn(Result<Written<'_>, &str>),
        shutdown: impl Future<Output = ()>,
    ) {
        if let Some(error) = &self.failing {
            told(Err(error));
        }
        tokio::pin!(shutdown);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // A write under way goes on without anybody waiting; the last one comes after it.
                () = &mut shutdown => break,
                () = async {
                    look.tick().await;
                    self.look(reports().await, &told).await;
                } => {}
            }
        }
        self.write_if_news(reports().await, LONGEST_LAST_WRITE, &told)
            .await;
    }

    /// Writes what there is to write now, if anything.
    pub async fn finish(
        mut self,
        reports: Vec<Arc<Report>>,
        told: impl Fn(Result<Written<'_>, &str>),
    ) {
        self.write_if_news(reports, LONGEST_WRITE, &told).await;
    }

    async fn write_if_news(
        &mut self,
        reports: Vec<Arc<Report>>,
        longest: Duration,
        told: &impl Fn(Result<Written<'_>, &str>),
    ) {
        if difference(&self.written, &reports) > Difference::Nothing {
            self.write(reports, longest, told).await;
        }
    }

    async fn look(&mut self, reports: Vec<Arc<Report>>, told: &impl Fn(Result<Written<'_>, &str>)) {
        let now = self.clock.now().steady;
        self.policy.saw(difference(&self.written, &reports), now);
        if self.policy.next_write().is_some_and(|due| due <= now) {
            self.policy.began();
            self.write(reports, LONGEST_WRITE, told).await;
        }
    }

    async fn write(
        &mut self,
        reports: Vec<Arc<Report>>,
        longest: Duration,
        told: &impl Fn(Result<Written<'_>, &str>),
    ) {
        let began = self.clock.now().wall;
        let saving = reports.clone();
        let write = self.file.write(move || Saved::from_reports(&saving), began);
        let written = timeout(longest, write)
            .await
            .unwrap_or_else(|_| Err(format!("it takes longer than {longest:?}")));
        let told_of = Written {
            began,
            reports: &reports,
        };
        told(written.as_ref().map(|()| told_of).map_err(String::as_str));
        let path = self.path.display();
        match written {
            Ok(()) => {
                if self.failing.take().is_some() {
                    info!(%path, "the state file is written again");
                }
                self.written = reports;
            }
            Err(error) => {
                if self.failing.as_ref() != Some(&error) {
                    warn!(%path, error, "cannot write the state file; a restart will know less");
                }
                self.failing = Some(error);
                self.policy.failed(self.clock.now().steady);
            }
        }
    }
}

/// How what is known differs from what was written, both in the order of the accounts' names.
fn difference(written: &[Arc<Report>], known: &[Arc<Report>]) -> Difference {
    // Before anybody has reported, nothing is known that could replace what is in the file.
    if known.is_empty() {
        return Difference::Nothing;
    }
    if written.len() != known.len() {
        return Difference::Facts;
    }
    let differences = written.iter().zip(known).map(|(written, known)| {
        if Arc::ptr_eq(written, known) {
            Difference::Nothing
        } else if have_the_same_facts(written, known) {
            Difference::Times
        } else {
            Difference::Facts
        }
    });
    differences.max().unwrap_or(Difference::Nothing)
}

fn have_the_same_facts(one: &Report, other: &Report) -> bool {
    let of_target = |one: &TargetReport, other: &TargetReport| {
        // A listing that is the same is the same allocation, and so is an unchanged past.
        let listing = |report: &TargetReport| {
            let good = report.last_good.as_ref();
            good.map(|good| (Arc::as_ptr(&good.listing), good.is_complete))
        };
        one.region == other.region
            && listing(one) == listing(other)
            && Arc::ptr_eq(&one.past, &other.past)
    };
    let mut targets = one.targets.iter().zip(&other.targets);
    one.account.name == other.account.name
        && one.owner == other.owner
        && one.targets.len() == other.targets.len()
        && targets.all(|(one, other)| of_target(one, other))
}
