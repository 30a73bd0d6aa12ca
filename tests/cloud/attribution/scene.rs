//! One account with two tracks, and its recorded changes.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::sim::{Account, Operator, Track, World};
use cloudaudit_exporter::snapshot::{
    AttributionReport, AttributionResult, ChangeKind, ChangeRecord, Report,
};
use cloudaudit_exporter::state::Saved;

use crate::identities::stage::{A_MOMENT, HOME, ID, KEY, Stage, world};
use crate::support::log::CollectedLog;

pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) const ALICE: &str = "alice";

/// An exporter connected to a simulated cloud.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) stage: Stage,
    config: String,
    log: CollectedLog,
}

impl Scene {
    /// Creates an account with these configuration keys and runs its first polls.
    pub(super) async fn new(keys: &str) -> Self {
        let world = world();
        world.account(HOME).unwrap().create(Track::new(3, "second"));
        let mut scene = Self::at(world, keys);
        // The records of the tracks' creation date from the start of the world; let them age.
        scene.stage.pass(10 * MINUTE).await;
        scene
    }

    fn at(world: World, keys: &str) -> Self {
        let log = CollectedLog::begin();
        let config = format!(
            "accounts: {{prod: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, {keys}}}}}"
        );
        Self {
            stage: Stage::with(&world, &[], &config),
            world,
            config,
            log,
        }
    }

    /// The account in the simulated cloud.
    pub(super) fn home(&self) -> Account {
        self.world.account(HOME).unwrap()
    }

    /// The account in the simulated cloud, with Alice as the operator of its changes.
    pub(super) fn alice(&self) -> Account {
        self.home().by(Operator::user(ALICE, "100000000011"))
    }

    pub(super) async fn pass(&mut self, time: Duration) {
        self.stage.pass(time).await;
    }

    /// Starts a new process that restores the state which the old process persisted.
    pub(super) async fn restart(self) -> Self {
        let config = self.config.clone();
        self.restart_with(config).await
    }

    /// Restarts with another configuration.
    pub(super) async fn restart_with(self, config: String) -> Self {
        let saved = self.saved();
        self.restart_from(&saved, config).await
    }

    /// Restarts without a state file.
    pub(super) async fn restart_without_state(self) -> Self {
        let config = self.config.clone();
        self.restart_from("{}", config).await
    }

    /// Restarts as if the process had been killed after it wrote this state file.
    pub(super) async fn restart_after_kill(self, saved: &str) -> Self {
        let config = self.config.clone();
        self.restart_from(saved, config).await
    }

    /// What a state file that is written now has.
    pub(super) fn saved(&self) -> String {
        let reports = self.stage.shown.reports().into_iter().map(Arc::new);
        let reports: Vec<Arc<Report>> = reports.collect();
        let saved = Saved::from_reports(&reports).with_changes(&self.changes());
        serde_json::to_string(&saved).unwrap()
    }

    async fn restart_from(self, saved: &str, config: String) -> Self {
        let Self {
            world, stage, log, ..
        } = self;
        let now = stage.clock.now();
        drop(stage);

        let mut stage = Stage::at(&world, &[], Clock::virtual_at(now.wall));
        let saved: Saved = serde_json::from_str(saved).unwrap();
        stage.changes.restore(saved.changes(), now.wall);
        stage.fleet.restore(saved.into_reports(now));
        stage.load(&config);
        stage.pass(A_MOMENT).await;
        Self {
            world,
            stage,
            config,
            log,
        }
    }

    /// Reloads with other configuration keys for the account.
    pub(super) async fn reload(&mut self, keys: &str) {
        let config = format!(
            "accounts: {{prod: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, {keys}}}}}"
        );
        self.stage.reload(&config).await;
        self.config = config;
    }

    /// The change feed, newest first.
    pub(super) fn changes(&self) -> Vec<Arc<ChangeRecord>> {
        let now = self.stage.clock.now().wall;
        self.stage.changes.latest(now).to_vec()
    }

    /// Returns the latest change of a kind.
    pub(super) fn change(&self, change: ChangeKind) -> Arc<ChangeRecord> {
        let changes = self.changes();
        let mut of_kind = changes.into_iter().filter(|it| it.change == change);
        of_kind.next().expect("the feed contains such a change")
    }

    /// Returns the attribution result and the operator names of the latest change of a kind.
    pub(super) fn operator(&self, change: ChangeKind) -> (AttributionResult, Vec<String>) {
        let attribution = self.change(change).attribution.clone();
        let names = attribution.operations.into_iter().map(|it| it.operator);
        (attribution.result, names.collect())
    }

    pub(super) fn report(&self) -> Arc<AttributionReport> {
        self.stage.shown.last("prod").attribution.unwrap()
    }

    /// Returns the number of requests for operation records.
    pub(super) fn requests(&self) -> u64 {
        self.world.call_count_of("DescribeEvents")
    }

    /// Returns the log lines that contain `text`.
    pub(super) fn lines(&self, text: &str) -> Vec<String> {
        let log = self.log.text();
        let lines = log.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }

    pub(super) fn log(&self) -> String {
        self.log.text()
    }
}
