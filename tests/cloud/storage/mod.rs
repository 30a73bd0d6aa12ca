//! Checks of storage targets against the simulated cloud, in paused time.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may stop it, as the test itself may"
)]

mod bucket;
mod dates;
mod errors;
mod layouts;
mod properties;
mod topic;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::sim::{Account, Identity, Layout, Track, World, cos};
use cloudaudit_exporter::snapshot::{CheckCursor, StorageTarget};
use cloudaudit_exporter::tencent::storage::cos::Depth;
use cloudaudit_exporter::tencent::storage::{
    CheckResult, GET_BUCKET, StorageClients, StorageParts,
};
use cloudaudit_exporter::tencent::{CallLimits, ClientParts, Endpoint};
use tokio::time::Instant;

use crate::support::scripted::{Notes, SECRET_ID, SECRET_KEY, parts};
use crate::support::simulated::in_memory;

const UIN: &str = "100000000001";
const APP_ID: &str = "1250000001";
const REGION: &str = "ap-guangzhou";
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A Friday evening: the day, the month and the year are not about to end.
const NOW: u64 = 1_764_320_400; // 2025-11-28 09:00:00 UTC

/// An account whose storage is checked, and the state that one check passes to the next.
struct Stage {
    world: World,
    account: Account,
    clients: StorageClients,
    target: StorageTarget,
    tracks: Vec<String>,
    cursor: Option<CheckCursor>,
    notes: Notes,
}

impl Stage {
    /// The account delivers to `audit/` in the bucket `audit-log`, which does not exist yet.
    fn new() -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(NOW))
    }

    fn at(start: SystemTime) -> Self {
        let world = World::new(start);
        let account = world.add_account(UIN);
        account.set_app_id(APP_ID);
        account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
        let clients = StorageClients::new(storage_parts(&world), LIMITS);
        Self {
            world,
            account,
            clients,
            target: target("cos", "audit-log", "audit"),
            tracks: Vec::new(),
            cursor: None,
            notes: Notes::default(),
        }
    }

    /// Creates a stage whose track has delivered in a layout for this long.
    fn delivering(layout: Layout, every: Duration, since: Duration) -> Self {
        let mut stage = Self::new();
        stage.account.add_bucket(REGION, "audit-log");
        let from = stage.world.now() - since;
        stage.track(1, "everything", layout, every, from);
        stage.world.deliver();
        stage
    }

    /// Adds a track that delivers to the target.
    fn track(&mut self, id: u64, name: &str, layout: Layout, every: Duration, from: SystemTime) {
        let storage = cos(REGION, &self.target.name, &self.target.prefix);
        self.account.create(Track::new(id, name).storage(storage));
        self.account.deliver(id, layout, every, from);
        self.tracks.push(name.to_owned());
    }

    /// Checks the target from the cursor of the last check.
    async fn check(&mut self) -> CheckResult {
        self.check_with(Some(APP_ID)).await
    }

    /// Searches the whole bucket if nothing follows the cursor.
    async fn check_with(&mut self, app_id: Option<&str>) -> CheckResult {
        let had_cursor = self.cursor.is_some();
        let result = self.look(app_id, Depth::Tail).await;
        match result {
            CheckResult::Seen { newest: None, .. } if had_cursor => {
                self.look(app_id, Depth::Full).await
            }
            result => result,
        }
    }

    async fn look(&mut self, app_id: Option<&str>, depth: Depth) -> CheckResult {
        let tracks: Vec<&str> = self.tracks.iter().map(String::as_str).collect();
        let until = Instant::now() + MINUTE;
        let place = (self.cursor.as_ref(), depth);
        let checking = self
            .clients
            .check(&self.target, app_id, &tracks, place, until, &self.notes);
        let result = checking.await;
        if let CheckResult::Seen { cursor, .. } = &result {
            self.cursor.clone_from(cursor);
        }
        result
    }

    /// Checks the target, and returns the newest arrival and the number of requests.
    async fn seen(&mut self) -> (Option<SystemTime>, u64) {
        let before = self.lists();
        match self.check().await {
            CheckResult::Seen { newest, .. } => (newest, self.lists() - before),
            other => panic!("{other:?}"),
        }
    }

    fn lists(&self) -> u64 {
        self.world.call_count_of(GET_BUCKET)
    }

    /// The newest object that is in the bucket.
    fn truth(&self) -> Option<SystemTime> {
        self.account.add_bucket(REGION, &self.target.name).newest()
    }
}

const LIMITS: CallLimits = CallLimits {
    timeout: Duration::from_secs(10),
    attempts: 3,
};

fn storage_parts(world: &World) -> StorageParts {
    let at = |host: &str| ClientParts {
        endpoint: Endpoint {
            url: format!("https://{host}").into(),
            host: host.into(),
        },
        clock: Clock::virtual_at(world.now()),
        ..parts(in_memory(world))
    };
    StorageParts {
        cos: at("myqcloud.com"),
        cos_address: None,
        cls: at("cls.intl.tencentcloudapi.com"),
        ckafka: at("ckafka.intl.tencentcloudapi.com"),
        cam: at("cam.intl.tencentcloudapi.com"),
    }
}

fn target(kind: &str, name: &str, prefix: &str) -> StorageTarget {
    StorageTarget {
        kind: kind.to_owned(),
        region: REGION.to_owned(),
        name: name.to_owned(),
        prefix: prefix.to_owned(),
    }
}
