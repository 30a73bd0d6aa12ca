//! The task that writes the file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use super::file::StateFile;
use super::policy::{Difference, Policy};
use super::saved::Saved;
use crate::clock::Clock;
use crate::snapshot::{ChangeRecord, DeliveryReport, Report, TargetReport};

/// The time between two checks for differences.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A write that takes longer has failed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The time limit of the last write, because the process must end within a second of a signal.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_millis(600);

/// What the file persists.
#[derive(Clone, Debug)]
pub struct Known {
    /// The reports of all accounts, in the order of their names.
    pub reports: Vec<Arc<Report>>,
    /// The change feed, newest first. The same allocation if it has not changed.
    pub changes: Arc<[Arc<ChangeRecord>]>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            reports: Vec::new(),
            changes: Arc::from([]),
        }
    }
}

/// The content of the file after a write.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// When the write began.
    pub began: SystemTime,
    /// The written reports.
    pub reports: &'a [Arc<Report>],
}

/// Writes the reports and the change feed when it is time. A failed write is logged once and tried again.
#[derive(Debug)]
pub struct StateWriter {
    path: PathBuf,
    file: StateFile<Saved>,
    clock: Clock,
    policy: Policy,
    /// What this process has written last.
    written: Known,
    /// Why the last write failed.
    failing: Option<String>,
}

impl StateWriter {
    /// Opens the file, logs problems with it, and returns its content. Blocks.
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
            written: Known::default(),
            failing: loaded.unwritable,
        };
        (writer, loaded.value)
    }

    /// Writes until `shutdown`, and then a last time. `known` returns what to persist at that time;
    /// `on_write` gets the result of each write: the content of the file, or why it failed.
    pub async fn run(
        mut self,
        known: impl AsyncFn() -> Known,
        on_write: impl Fn(Result<Written<'_>, &str>),
        shutdown: impl Future<Output = ()>,
    ) {
        if let Some(error) = &self.failing {
            on_write(Err(error));
        }
        tokio::pin!(shutdown);
        let mut check = interval(CHECK_INTERVAL);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // A write in progress continues in the background; the last write follows it.
                () = &mut shutdown => break,
                () = async {
                    check.tick().await;
                    self.check(known().await, &on_write).await;
                } => {}
            }
        }
        self.write_if_different(known().await, LAST_WRITE_TIMEOUT, &on_write)
            .await;
    }

    /// Writes now, unless the file has it all.
    pub async fn finish(mut self, known: Known, on_write: impl Fn(Result<Written<'_>, &str>)) {
        self.write_if_different(known, WRITE_TIMEOUT, &on_write)
            .await;
    }

    async fn write_if_different(
        &mut self,
        known: Known,
        longest: Duration,
        on_write: &impl Fn(Result<Written<'_>, &str>),
    ) {
        if difference(&self.written, &known) > Difference::Nothing {
            self.write(known, longest, on_write).await;
        }
    }

    async fn check(&mut self, known: Known, on_write: &impl Fn(Result<Written<'_>, &str>)) {
        let now = self.clock.now().steady;
        self.policy.saw(difference(&self.written, &known), now);
        if self.policy.next_write().is_some_and(|due| due <= now) {
            self.policy.began();
            self.write(known, WRITE_TIMEOUT, on_write).await;
        }
    }

    async fn write(
        &mut self,
        known: Known,
        longest: Duration,
        on_write: &impl Fn(Result<Written<'_>, &str>),
    ) {
        let began = self.clock.now().wall;
        let saving = known.clone();
        let saved = move || Saved::from_reports(&saving.reports).with_changes(&saving.changes);
        let write = self.file.write(saved, began);
        let written = timeout(longest, write)
            .await
            .unwrap_or_else(|_| Err(format!("it took longer than {longest:?}")));
        let content = Written {
            began,
            reports: &known.reports,
        };
        on_write(written.as_ref().map(|()| content).map_err(String::as_str));
        let path = self.path.display();
        match written {
            Ok(()) => {
                if self.failing.take().is_some() {
                    info!(%path, "the state file is written again");
                }
                self.written = known;
            }
            Err(error) => {
                if self.failing.as_ref() != Some(&error) {
                    warn!(%path, error, "cannot write the state file; a restart would lose the latest changes");
                }
                self.failing = Some(error);
                self.policy.failed(self.clock.now().steady);
            }
        }
    }
}

/// Returns how what is known differs from what is written.
fn difference(written: &Known, known: &Known) -> Difference {
    // Before the first report, nothing is known that could replace the content of the file.
    if known.reports.is_empty() {
        return Difference::Nothing;
    }
    if written.reports.len() != known.reports.len() || written.changes != known.changes {
        return Difference::Facts;
    }
    let reports = written.reports.iter().zip(&known.reports);
    let differences = reports.map(|(written, known)| {
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
        // An unchanged listing is the same allocation, and so is an unchanged past.
        let listing = |report: &TargetReport| {
            let good = report.last_good.as_ref();
            good.map(|good| (Arc::as_ptr(&good.listing), good.is_complete))
        };
        one.region == other.region
            && listing(one) == listing(other)
            && Arc::ptr_eq(&one.past, &other.past)
    };
    let states = |report: &Report| {
        let deliveries = report.deliveries.iter().flatten();
        let state = |it: &Arc<DeliveryReport>| (it.target.clone(), it.state, it.due);
        deliveries.map(state).collect::<Vec<_>>()
    };
    let mut targets = one.targets.iter().zip(&other.targets);
    one.account.name == other.account.name
        && one.owner == other.owner
        && have_the_same_searches(one, other)
        && one.targets.len() == other.targets.len()
        && targets.all(|(one, other)| of_target(one, other))
        && states(one) == states(other)
}

/// Returns whether the searches for operators are where they were, apart from the times of sweeps.
fn have_the_same_searches(one: &Report, other: &Report) -> bool {
    match (&one.attribution, &other.attribution) {
        (Some(one), Some(other)) => {
            let has_same = || {
                let sweeps = [one, other].map(|report| report.sweeps.as_ref());
                let [one_swept, other_swept] =
                    sweeps.map(|sweeps| sweeps.map(|sweeps| &sweeps.state.remembered));
                one.lookups == other.lookups && one_swept == other_swept
            };
            Arc::ptr_eq(one, other) || has_same()
        }
        (one, other) => one.is_none() == other.is_none(),
    }
}
