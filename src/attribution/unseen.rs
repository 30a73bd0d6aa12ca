//! Tracks that were switched off and on again between two polls.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::query_period::on_this_machine;
use super::remembered::{TOLERANCE, key_of};
use crate::snapshot::{OperationRecord, SeenSwitch, SweepState, TrackRef};

/// A track that was switched off and on again between two polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnseenSwitchOff {
    /// The track: by id if a listing has it, otherwise as the operations name it.
    pub track: TrackRef,
    /// When it was switched off, on this machine's clock.
    pub off_at: SystemTime,
    /// When it was switched on, on this machine's clock.
    pub on_at: SystemTime,
    /// The operation that switched it off. `None` if only an earlier sweep had its record.
    pub off: Option<OperationRecord>,
    /// The operation that switched it on. `None` if only an earlier sweep had its record.
    pub on: Option<OperationRecord>,
}

/// What polls know when a sweep ends.
#[derive(Clone, Copy)]
pub struct Polls<'a> {
    /// When the earliest poll began that has not ended, or now: such a poll may still show that it saw
    /// a track off.
    pub settled: SystemTime,
    /// Returns what the last listing shows of the track that an operation names. `None` if no listing
    /// has it, or several tracks have its name.
    pub listed: &'a dyn Fn(&TrackRef) -> Option<ListedTrack>,
}

/// A track as the last listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedTrack {
    /// `TrackId`.
    pub id: u64,
    /// Whether it is enabled.
    pub on: bool,
    /// When the poll began.
    pub began: SystemTime,
}

/// An operation that switched a track.
struct Switch {
    /// Its index among the operations that are remembered.
    index: usize,
    /// When, on this machine's clock.
    at: SystemTime,
    on: bool,
}

/// Returns the pairs of off and on that no poll saw, and marks them, so that each counts once: as soon
/// as both are there and every poll has ended that may have seen them.
///
/// Polls have to prove that the track was on before. If an operation switches off a track that is off,
/// and others switch it on and off again, then no poll missed that it was off.
pub(super) fn take_unseen(
    state: &mut SweepState,
    records: &[OperationRecord],
    polls: Polls<'_>,
    skew: i64,
) -> Vec<UnseenSwitchOff> {
    let mut of_tracks: BTreeMap<TrackRef, Vec<Switch>> = BTreeMap::new();
    for (index, operation) in state.remembered.iter().enumerate() {
        if let Some((track, on)) = &operation.switched {
            let listed = (polls.listed)(track);
            let track = listed.map_or_else(|| track.clone(), |listed| TrackRef::Id(listed.id));
            let at = on_this_machine(operation.at, skew);
            let on = *on;
            let switches = of_tracks.entry(track).or_default();
            switches.push(Switch { index, at, on });
        }
    }
    let mut unseen = Vec::new();
    for (track, switches) in of_tracks {
        let seen = state.seen.iter().filter(|seen| seen.is_of(&track));
        let evidence = Evidence {
            seen: seen.collect(),
            listed: (polls.listed)(&track),
        };
        // Of several in a row, the first one has the effect.
        let runs: Vec<&[Switch]> = switches.chunk_by(|one, next| one.on == next.on).collect();
        for (number, pair) in runs.windows(2).enumerate() {
            let [[off, ..], [on, rest @ ..]] = pair else {
                continue;
            };
            let is_counted = |on: &Switch| state.remembered[on.index].is_counted;
            let is_settled = on.at + TOLERANCE <= polls.settled;
            if off.on || !is_settled || is_counted(on) || rest.iter().any(is_counted) {
                continue;
            }
            let is_last = number + 2 == runs.len();
            if evidence.shows_unseen(off.at, on.at, is_last) {
                unseen.push((track.clone(), (off.index, off.at), (on.index, on.at)));
            }
        }
    }
    let found = unseen
        .into_iter()
        .map(|(track, (off, off_at), (on, on_at))| {
            state.remembered[on].is_counted = true;
            let record = |index: usize| {
                let key = &state.remembered[index].key;
                records
                    .iter()
                    .find(|record| key_of(record) == *key)
                    .cloned()
            };
            UnseenSwitchOff {
                track,
                off_at,
                on_at,
                off: record(off),
                on: record(on),
            }
        });
    found.collect()
}

/// What polls show of a track.
struct Evidence<'a> {
    /// In the order in which the polls ended.
    seen: Vec<&'a SeenSwitch>,
    listed: Option<ListedTrack>,
}

impl Evidence<'_> {
    /// Returns whether the track was on at the last poll before `off`, and no poll may have seen it off
    /// since. `is_last` is whether no operation switched it off after `on`.
    fn shows_unseen(&self, off: SystemTime, on: SystemTime, is_last: bool) -> bool {
        // A poll reads a track at an unknown time between its beginning and its end.
        let may_have_seen =
            |seen: &&SeenSwitch| !seen.on && seen.is_after(off) && seen.began <= on + TOLERANCE;
        if self.seen.iter().any(may_have_seen) {
            return false;
        }
        // A poll that began after `off` and saw the track enabled: the poll before saw it off.
        let is_later = |seen: &&&SeenSwitch| seen.is_after(on) || (seen.on && seen.began >= off);
        let later = self.seen.iter().find(is_later);
        let is_listed_on = self.listed.is_some_and(|listed| listed.on);
        let was_on = later.map_or(is_listed_on, |later| !later.on);
        // Of two in the same second, the order is unknown. Then a later poll has to see it on.
        let is_listed_since = |listed: ListedTrack| listed.began >= on + TOLERANCE;
        let is_on_since = is_last && later.is_none() && self.listed.is_some_and(is_listed_since);
        was_on && (off < on || is_on_since)
    }
}
