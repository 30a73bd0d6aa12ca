//! Checks the storage targets of an account's enabled tracks once.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::findings::{ProbeError, ProbeStep, RegionFindings, StorageFinding, StorageResult};
use super::unobserved::Unobserved;
use crate::config::{Account, Delivery, Endpoint};
use crate::snapshot::{Status, StorageTarget, Track};
use crate::tencent::storage::cos::Depth;
use crate::tencent::storage::{CheckResult, StorageClients};

/// How many storage targets of an account are checked.
pub const MAX_TARGETS: usize = 20;

/// How long a failed request is retried.
const RETRY_FOR: Duration = Duration::from_secs(20);

/// Checks the storage targets, at most [`MAX_TARGETS`]. Returns the number of the others too. `uin` is
/// the account of the keys, if known.
pub(super) async fn check(
    clients: &StorageClients,
    account: &Account,
    regions: &[RegionFindings],
    uin: Option<&str>,
) -> (Vec<StorageFinding>, usize) {
    let listings = regions.iter().filter_map(|it| it.tracks.as_ref().ok());
    let tracks = listings.flat_map(|listing| &listing.tracks);
    let mut targets: BTreeMap<StorageTarget, Vec<&Track>> = BTreeMap::new();
    for track in tracks.filter(|track| track.status == Status::Enabled) {
        let storage = &track.storage;
        let target = StorageTarget {
            kind: storage.kind.clone(),
            region: storage.region.clone(),
            name: storage.name.clone(),
            prefix: storage.prefix.clone(),
        };
        targets.entry(target).or_default().push(track);
    }
    let unchecked = targets.len().saturating_sub(MAX_TARGETS);
    let mut found = Vec::new();
    for (target, tracks) in targets.into_iter().take(MAX_TARGETS) {
        let owner = tracks.iter().map(|track| &*track.storage.account);
        let owner = owner.into_iter().find(|owner| !owner.is_empty());
        let result = match (owner, uin) {
            (Some(owner), Some(uin)) if owner != uin => StorageResult::Impossible(format!(
                "the storage belongs to account {owner}, and keys of this account cannot check it"
            )),
            _ => check_one(clients, account, &target, &tracks, owner).await,
        };
        found.push(StorageFinding { target, result });
    }
    (found, unchecked)
}

async fn check_one(
    clients: &StorageClients,
    account: &Account,
    target: &StorageTarget,
    tracks: &[&Track],
    owner: Option<&str>,
) -> StorageResult {
    let names: Vec<&str> = tracks.iter().map(|track| &*track.name).collect();
    let app_id = tracks.iter().map(|track| &*track.storage.app_id);
    let of_track = app_id.into_iter().find(|app_id| !app_id.is_empty());
    let app_id = of_track.or(account.app_id.as_deref());
    let shows_owner = target.shows_owner(owner.unwrap_or_default(), of_track.unwrap_or_default());
    let until = Instant::now() + RETRY_FOR;
    let check = clients.check(
        target,
        app_id,
        &names,
        (None, Depth::Full),
        until,
        &Unobserved,
    );
    let result = match check.await {
        result if shows_owner => result,
        result => result.of_unknown_owner(&target.kind),
    };
    match result {
        CheckResult::Seen {
            newest: None,
            skipped: Some(why),
            ..
        } => StorageResult::Impossible(why),
        CheckResult::Seen { newest, .. } => StorageResult::Seen(newest),
        CheckResult::Missing { what } => StorageResult::Missing(what),
        CheckResult::Exists { why } | CheckResult::Impossible { why } => {
            StorageResult::Impossible(why)
        }
        CheckResult::Failed(failure) => {
            let delivery = account.delivery.as_ref();
            let (step, at) = place(&target.kind, delivery);
            StorageResult::Failed(ProbeError::new(step, at.as_ref(), failure))
        }
    }
}

/// Returns the step of a kind of storage, and its endpoint.
fn place(kind: &str, delivery: Option<&Delivery>) -> (ProbeStep, Option<Endpoint>) {
    match kind {
        "cls" => (
            ProbeStep::LogTopic,
            delivery.map(|it| it.cls_endpoint.clone()),
        ),
        "ckafka" => (
            ProbeStep::KafkaTopic,
            delivery.map(|it| it.ckafka_endpoint.clone()),
        ),
        _ => (ProbeStep::Bucket, delivery.map(Delivery::cos_host)),
    }
}
