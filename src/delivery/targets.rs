//! The storage targets of an account, from its listings.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Moment;
use crate::snapshot::{ChangeKind, Listing, Scope, Status, StorageTarget, TargetReport, Track};

/// The enabled tracks that share a storage target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetSettings {
    /// The names of the tracks, sorted.
    pub tracks: Vec<String>,
    /// What they record together.
    pub recorded: Recorded,
    /// `StorageAccountId`, the owner; empty if the listing does not show it.
    pub owner: String,
    /// `StorageAppId`; empty if the listing does not show it.
    pub app_id: String,
    /// The later of the last settings change that a region saw and the creation of the newest track.
    /// `None` if neither is known.
    pub since: Option<SystemTime>,
}

/// What the tracks of a storage target record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Each kind of operation that is recorded.
    pub scopes: Vec<Scope>,
    /// Whether the scopes are all that is recorded. Otherwise the listing does not show the scope of a
    /// track, and an operation outside of the scopes may be due.
    pub is_complete: bool,
}

/// Returns the storage targets of the enabled tracks. If regions disagree about a track, the worse
/// status counts. Listings that are too old count only if there are no others. `None` if no region
/// was listed yet.
pub fn storage_targets<'a>(
    regions: impl IntoIterator<Item = &'a TargetReport>,
    now: Moment,
) -> Option<BTreeMap<StorageTarget, TargetSettings>> {
    let listed = regions.into_iter().filter_map(|region| {
        let good = region.last_good.as_ref()?;
        Some((good.show_until.is_reached(now), region, &*good.listing))
    });
    let listed: Vec<(bool, &TargetReport, &Listing)> = listed.collect();
    let only_old = listed.iter().all(|(is_old, ..)| *is_old);
    let mut tracks: BTreeMap<u64, (&Track, Option<SystemTime>)> = BTreeMap::new();
    for (_, region, listing) in listed.iter().filter(|(is_old, ..)| only_old || !is_old) {
        for track in &listing.tracks {
            let since = changed(region, track.id).max(created(track, now));
            let entry = tracks.entry(track.id).or_insert((track, since));
            entry.1 = entry.1.max(since);
            if track.status.badness() > entry.0.status.badness() {
                entry.0 = track;
            }
        }
    }
    let mut targets = BTreeMap::<StorageTarget, TargetSettings>::new();
    let enabled = tracks.into_values();
    for (track, since) in enabled.filter(|(track, _)| track.status == Status::Enabled) {
        let settings = targets
            .entry(target_of(track))
            .or_insert_with(TargetSettings::without_tracks);
        settings.add(track, since);
    }
    (!listed.is_empty()).then_some(targets)
}

impl TargetSettings {
    fn without_tracks() -> Self {
        Self {
            recorded: Recorded {
                is_complete: true,
                ..Recorded::default()
            },
            ..Self::default()
        }
    }

    fn add(&mut self, track: &Track, since: Option<SystemTime>) {
        self.tracks.push(track.name.clone());
        self.tracks.sort_unstable();
        self.recorded.add(track);
        for (own, of_track) in [
            (&mut self.owner, &track.storage.account),
            (&mut self.app_id, &track.storage.app_id),
        ] {
            if own.is_empty() {
                own.clone_from(of_track);
            }
        }
        self.since = self.since.max(since);
    }
}

impl Recorded {
    /// Adds what a track records. Filters replace its own three fields.
    fn add(&mut self, track: &Track) {
        let filters = track.details.iter().flat_map(|details| &details.filters);
        let mut scopes: Vec<Scope> = filters.cloned().collect();
        if scopes.is_empty() {
            scopes.push(Scope {
                action_type: track.action_type.clone(),
                resource_type: track.resource_type.clone(),
                event_names: track.event_names.clone(),
            });
        }
        for scope in scopes {
            if !is_readable(&scope) {
                self.is_complete = false;
            } else if !self.scopes.contains(&scope) {
                self.scopes.push(scope);
            }
        }
    }
}

/// Returns whether the fields of a scope say what it records. The fields of a track with filters are
/// empty.
fn is_readable(scope: &Scope) -> bool {
    matches!(scope.action_type.as_str(), "*" | "Read" | "Write")
        && !scope.resource_type.is_empty()
        && !scope.event_names.is_empty()
}

fn target_of(track: &Track) -> StorageTarget {
    let storage = &track.storage;
    StorageTarget {
        kind: storage.kind.clone(),
        region: storage.region.clone(),
        name: storage.name.clone(),
        prefix: storage.prefix.clone(),
    }
}

/// Returns when a track was created. `None` if a wrong time zone puts it into the future.
fn created(track: &Track, now: Moment) -> Option<SystemTime> {
    let created = u64::try_from(track.created?).ok()?;
    let created = UNIX_EPOCH.checked_add(Duration::from_secs(created))?;
    Some(created).filter(|created| *created <= now.wall)
}

/// Returns when a region last saw new settings of a track.
fn changed(region: &TargetReport, track: u64) -> Option<SystemTime> {
    let times = region.past.changes.get(&track)?;
    let kinds = [
        ChangeKind::Created,
        ChangeKind::Enabled,
        ChangeKind::Modified,
    ];
    kinds
        .into_iter()
        .filter_map(|change| times.at[change])
        .max()
}
