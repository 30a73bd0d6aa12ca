//! Forgets deleted tracks whose deletion an operator acknowledges.

use std::sync::Arc;
use std::time::SystemTime;

use crate::escape::escaped;
use crate::snapshot::{Past, Report};

/// The most tracks that an error names.
const MAX_NAMES: usize = 10;

/// A deleted track that was forgotten.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forgotten {
    pub(super) name: String,
    /// The regions that had its tombstone.
    pub(super) regions: Vec<String>,
    /// Whether its deletion was not acknowledged before, in at least one region.
    pub(super) is_new: bool,
}

/// Acknowledges the deletion of a track in every region.
///
/// # Errors
///
/// Why the account has no such deleted track.
pub(super) fn forget(
    report: &mut Report,
    track_id: u64,
    now: SystemTime,
) -> Result<Forgotten, String> {
    let mut forgotten: Option<Forgotten> = None;
    for target in &mut report.targets {
        let Some(tombstone) = target.past.tombstones.get(&track_id) else {
            continue;
        };
        let known = forgotten.get_or_insert_with(|| Forgotten {
            name: tombstone.name.clone(),
            regions: Vec::new(),
            is_new: false,
        });
        known.regions.push(target.region.clone());
        if tombstone.acknowledged.is_none() {
            known.is_new = true;
            Arc::make_mut(&mut target.past).acknowledge(track_id, now);
        }
    }
    forgotten.ok_or_else(|| why_not(report, track_id))
}

fn why_not(report: &Report, track_id: u64) -> String {
    let lists = |target: &&crate::snapshot::TargetReport| {
        let good = target.last_good.as_ref();
        good.is_some_and(|good| good.listing.all().any(|track| track.id == track_id))
    };
    let account = escaped(&report.account.name);
    if let Some(target) = report.targets.iter().find(lists) {
        let region = &target.region;
        return format!("track {track_id} of account {account} is not deleted: {region} lists it");
    }
    let pasts = report.targets.iter().map(|target| &*target.past);
    format!(
        "account {account} has no deleted track {track_id}; {}",
        deleted(pasts)
    )
}

/// Names the tracks that can be forgotten.
fn deleted<'p>(pasts: impl Iterator<Item = &'p Past>) -> String {
    let tombstones = pasts.flat_map(|past| &past.tombstones);
    let waiting = tombstones.filter(|(_, tombstone)| tombstone.acknowledged.is_none());
    let mut names: Vec<String> = waiting
        .map(|(id, tombstone)| format!("{id} ({})", escaped(&tombstone.name)))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return "no track is deleted".to_owned();
    }
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("its deleted tracks are {}{more}", names.join(", "))
}
