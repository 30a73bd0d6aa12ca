//! Collects the tracks of a walk. It keeps only the first tracks whole, which bounds the memory of a
//! listing of any length.

use std::cmp::max_by_key;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::snapshot::{DroppedTrack, Listing, Status, StorageType, Track};

/// The tracks with the lowest ids, and the counted values of the other tracks.
pub(super) struct Collector {
    max_tracks: usize,
    /// Boxed, because the map has room for nearly twice as many.
    kept: BTreeMap<u64, Box<Track>>,
    /// By id. All ids here are above the kept ones.
    dropped: BTreeMap<u64, (Status, StorageType)>,
}

impl Collector {
    pub(super) fn new(max_tracks: usize) -> Self {
        Self {
            max_tracks,
            kept: BTreeMap::new(),
            dropped: BTreeMap::new(),
        }
    }

    /// Returns the number of different tracks.
    pub(super) fn len(&self) -> usize {
        self.kept.len() + self.dropped.len()
    }

    /// Returns the ids of all tracks, ascending.
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        self.kept.keys().chain(self.dropped.keys()).copied()
    }

    /// Returns whether a track with this id was added.
    pub(super) fn contains(&self, id: u64) -> bool {
        self.kept.contains_key(&id) || self.dropped.contains_key(&id)
    }

    /// Returns the kept tracks.
    pub(super) fn into_kept(self) -> impl Iterator<Item = Track> {
        self.kept.into_values().map(|track| *track)
    }

    /// Adds a track. Of two entries with the same id the one with the worse status counts: disabled,
    /// then unknown, then enabled. With the same status, the entry of a kept track that records less
    /// counts, otherwise the later entry.
    fn add(&mut self, track: Track) {
        let id = track.id;
        if let Some(dropped) = self.dropped.get_mut(&id) {
            let other = (track.status, track.storage.storage_type());
            *dropped = max_by_key(*dropped, other, |(status, _)| status.badness());
            return;
        }
        match self.kept.entry(id) {
            Entry::Vacant(vacant) => {
                vacant.insert(Box::new(track));
            }
            Entry::Occupied(mut other) => {
                if badness(&track) >= badness(other.get()) {
                    **other.get_mut() = track;
                }
            }
        }
        if self.kept.len() > self.max_tracks
            && let Some((id, beyond)) = self.kept.pop_last()
        {
            let counted = (beyond.status, beyond.storage.storage_type());
            self.dropped.insert(id, counted);
        }
    }

    pub(super) fn into_listing(self, reported: u64) -> Listing {
        let dropped = self.dropped.into_iter();
        let dropped = dropped.map(|(id, (status, storage_type))| DroppedTrack {
            id,
            status,
            storage_type,
        });
        Listing {
            tracks: self.kept.into_values().map(|track| *track).collect(),
            dropped: dropped.collect(),
            reported,
        }
    }
}

impl Extend<Track> for Collector {
    fn extend<T: IntoIterator<Item = Track>>(&mut self, tracks: T) {
        tracks.into_iter().for_each(|track| self.add(track));
    }
}

/// Ranks a track, by its status first and its coverage second. Unknown is between the best and the
/// worst value of both.
fn badness(track: &Track) -> (u8, u8) {
    let coverage = match track.has_full_coverage() {
        Some(true) => 0,
        None => 1,
        Some(false) => 2,
    };
    (track.status.badness(), coverage)
}
