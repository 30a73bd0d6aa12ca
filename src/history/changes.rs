//! The changes of a target's tracks between two listings.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{ChangeKind, FieldChange, Listing, Status, Tombstone, Track};

/// A change of a track between two listings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackChange {
    /// The kind of change.
    pub change: ChangeKind,
    /// `TrackId`.
    pub id: u64,
    /// Its name; the new one if it was renamed.
    pub name: String,
    /// The fields that differ. For a created or deleted track, all its fields that are not empty.
    pub fields: Vec<FieldChange>,
}

/// The longest value that is not cut, in characters: twice as long as ten of the longest event names.
const MAX_VALUE_CHARS: usize = 1_000;

/// Cuts each value separately, so that a long one does not hide the others.
fn field_change(field: &str, from: &str, to: &str) -> FieldChange {
    FieldChange {
        field: field.to_owned(),
        from: shortened(from),
        to: shortened(to),
    }
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// What the absence of a track in a listing means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// The track was deleted.
    Proven,
    /// The track may still exist.
    Open,
}

/// Returns the changes between two listings. `unproven` holds tracks of earlier listings that may or
/// may not exist: tracks that `after` decides are removed, and tracks that `after` leaves open are
/// added. `vanished` are the deleted tracks.
pub(super) fn diff(
    before: &Listing,
    after: &Listing,
    absence: Absence,
    unproven: &mut BTreeMap<u64, Track>,
    vanished: &BTreeMap<u64, Tombstone>,
) -> Vec<TrackChange> {
    let mut known = std::mem::take(unproven);
    known.extend(before.tracks.iter().map(|track| (track.id, track.clone())));
    let mut changes = Vec::new();
    for track in &after.tracks {
        match known.remove(&track.id) {
            Some(old) => changes.extend(changes_of(&old, track)),
            // It existed beyond the limit.
            None if before.drops(track.id) => {}
            // It may have existed: the API reported more tracks than it listed.
            None if before.is_short() && !vanished.contains_key(&track.id) => {}
            None => changes.push(whole(ChangeKind::Created, track)),
        }
    }
    for track in &after.dropped {
        known.remove(&track.id);
    }
    match absence {
        Absence::Open => *unproven = known,
        Absence::Proven => {
            changes.extend(
                known
                    .values()
                    .map(|track| whole(ChangeKind::Vanished, track)),
            );
        }
    }
    changes
}

/// Returns the listing after an incomplete poll: the tracks that the poll saw as they are now, and the
/// others as they were.
pub(super) fn updated(known: &Listing, seen: Vec<Track>) -> Listing {
    let tracks = known.tracks.iter().map(|track| (track.id, track.clone()));
    let mut tracks: BTreeMap<u64, Track> = tracks.collect();
    tracks.extend(seen.into_iter().map(|track| (track.id, track)));
    let dropped = known.dropped.iter().copied();
    Listing {
        dropped: dropped
            .filter(|track| !tracks.contains_key(&track.id))
            .collect(),
        tracks: tracks.into_values().collect(),
        reported: known.reported,
    }
}

/// Returns the changes of one track: at most one of its status and one of its settings.
fn changes_of(old: &Track, new: &Track) -> Vec<TrackChange> {
    let change = |change, fields| TrackChange {
        change,
        id: new.id,
        name: new.name.clone(),
        fields,
    };
    let mut changes = Vec::new();
    let was_on = old.status == Status::Enabled;
    let is_on = new.status == Status::Enabled;
    if was_on != is_on {
        let kind = if is_on {
            ChangeKind::Enabled
        } else {
            ChangeKind::Disabled
        };
        let status = field_change("Status", old.status.as_str(), new.status.as_str());
        changes.push(change(kind, vec![status]));
    }
    let settings = settings(old).into_iter().zip(settings(new));
    let fields: Vec<FieldChange> = settings
        .filter(|((_, from), (_, to))| from != to)
        .map(|((field, from), (_, to))| field_change(field, &from, &to))
        .collect();
    if !fields.is_empty() {
        changes.push(change(ChangeKind::Modified, fields));
    }
    changes
}

/// Returns the change of a created or deleted track, with all its fields that are not empty.
fn whole(change: ChangeKind, track: &Track) -> TrackChange {
    let status = ("Status", track.status.as_str().to_owned());
    let fields = std::iter::once(status).chain(settings(track));
    let fields = fields.filter(|(_, value)| !value.is_empty());
    TrackChange {
        change,
        id: track.id,
        name: track.name.clone(),
        fields: fields
            .map(|(field, value)| match change {
                ChangeKind::Vanished => field_change(field, &value, ""),
                _ => field_change(field, "", &value),
            })
            .collect(),
    }
}

/// Returns the settings whose change is a modification.
fn settings(track: &Track) -> [(&'static str, String); 9] {
    let storage = &track.storage;
    [
        ("Name", track.name.clone()),
        ("ActionType", track.action_type.clone()),
        ("ResourceType", track.resource_type.clone()),
        ("EventNames", set(&track.event_names)),
        ("StorageType", storage.kind.clone()),
        ("StorageRegion", storage.region.clone()),
        ("StorageName", storage.name.clone()),
        ("StoragePrefix", storage.prefix.clone()),
        ("StorageAccountId", storage.account.clone()),
    ]
}

/// Event names are a set: their order has no meaning. A comma in a name is escaped, so that two sets
/// never look the same.
fn set(names: &[String]) -> String {
    let escaped = |name: &String| name.replace('\\', "\\\\").replace(',', "\\,");
    let set: BTreeSet<String> = names.iter().map(escaped).collect();
    Vec::from_iter(set).join(",")
}
