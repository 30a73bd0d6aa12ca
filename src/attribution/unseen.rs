//! Tracks that were switched off and on again between two polls.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::query_period::on_this_machine;
use super::remembered::{TOLERANCE, has_unknown_status, key_of, may_switch};
use crate::snapshot::{OperationRecord, Remembered, SeenSwitch, SweepState, TrackRef};

/// A track that was switched off and on again between two polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnseenSwitchOff {
    /// The track: by id if a listing has it, otherwise as the operations name it.
    pub track: TrackRef,
    /// When it was switched off, on this machine's clock.
    pub off_at: SystemTime,
    /// When it was switched on, on this machine's clock.
    pub on_at: SystemTime,
    /// Whether `off` switched it off, and no other operation may have done it.
    pub is_off_certain: bool,
    /// Whether `on` switched it on, and no other operation may have done it.
    pub is_on_certain: bool,
    /// The operation that switched it off. `None` if only an earlier sweep had its record.
    pub off: Option<OperationRecord>,
    /// The operation that switched it on. `None` if only an earlier sweep had its record.
    pub on: Option<OperationRecord>,
}

/// What polls know when a sweep ends.
#[derive(Clone, Copy)]
pub struct Polls<'a> {
    /// The start of the earliest running poll, or now if no poll runs. A running poll may still show
    /// that it saw a track off.
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

/// The records that a sweep read.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    pub(super) records: &'a [OperationRecord],
    /// Whether these are all records of the period.
    pub(super) are_complete: bool,
    pub(super) polls: Polls<'a>,
    pub(super) skew: i64,
}

/// Returns the pairs of off and on that no poll saw. Marks them, so that each pair counts once: as soon
/// as both operations are known and every poll that may have seen them has ended.
///
/// Polls have to prove that the track was on before. If an operation switches off a track that is off,
/// and others switch it on and off again, then no poll missed that it was off.
pub(super) fn take_unseen(state: &mut SweepState, read: Read<'_>) -> Vec<UnseenSwitchOff> {
    let (remembered, polls) = (&state.remembered, read.polls);
    let mut found = Vec::new();
    for (track, switches) in by_track(remembered, read) {
        let seen = state.seen.iter().filter(|seen| seen.is_of(&track));
        let evidence = Evidence {
            listed_since: state.listed,
            seen: seen.collect(),
            listed: (polls.listed)(&track),
        };
        // Of several in a row, the first one has the effect.
        let runs: Vec<&[Switch]> = switches.chunk_by(|one, next| one.on == next.on).collect();
        for (number, pair) in runs.windows(2).enumerate() {
            let [offs @ [off, ..], ons @ [on, ..]] = pair else {
                continue;
            };
            let is_counted = |on: &Switch| remembered[on.index].is_counted;
            let is_settled = on.at + TOLERANCE <= polls.settled;
            if off.on || !is_settled || ons.iter().any(is_counted) {
                continue;
            }
            let is_last = number + 2 == runs.len();
            if !evidence.shows_unseen(off.at, on.at, is_last) {
                continue;
            }
            let seen_on = evidence.last_seen_on(off.at);
            let is_clear = read.are_complete && !read.has_unclear(&track, seen_on, on.at);
            let unseen = UnseenSwitchOff {
                track: track.clone(),
                off_at: off.at,
                on_at: on.at,
                is_off_certain: is_clear && read.is_first_clear(remembered, offs),
                is_on_certain: is_clear && read.is_first_clear(remembered, ons),
                off: read.record(&remembered[off.index]).cloned(),
                on: read.record(&remembered[on.index]).cloned(),
            };
            found.push((on.index, unseen));
        }
    }
    let mark = |(on, unseen): (usize, UnseenSwitchOff)| {
        state.remembered[on].is_counted = true;
        unseen
    };
    found.into_iter().map(mark).collect()
}

/// Returns the switches of each track, oldest first.
fn by_track(remembered: &[Remembered], read: Read<'_>) -> BTreeMap<TrackRef, Vec<Switch>> {
    let mut of_tracks: BTreeMap<TrackRef, Vec<Switch>> = BTreeMap::new();
    for (index, operation) in remembered.iter().enumerate() {
        if let Some((track, on)) = &operation.switched {
            let listed = (read.polls.listed)(track);
            let track = listed.map_or_else(|| track.clone(), |listed| TrackRef::Id(listed.id));
            let at = on_this_machine(operation.at, read.skew);
            let on = *on;
            let switches = of_tracks.entry(track).or_default();
            switches.push(Switch { index, at, on });
        }
    }
    of_tracks
}

impl Read<'_> {
    /// Returns the record of an operation. `None` if only an earlier sweep had it.
    fn record(&self, remembered: &Remembered) -> Option<&OperationRecord> {
        let mut records = self.records.iter();
        records.find(|record| key_of(record) == remembered.key)
    }

    /// Returns whether the first operation of a run names the id, and all operations of the run in the
    /// same second have the same operator: their order is unknown.
    fn is_first_clear(&self, remembered: &[Remembered], run: &[Switch]) -> bool {
        let record = |switch: &Switch| self.record(&remembered[switch.index]);
        let operator = |switch: &Switch| {
            let operation = &record(switch)?.operation;
            Some((&operation.operator, &operation.principal_id))
        };
        let Some((first, record)) = run.first().and_then(|it| Some((it, record(it)?))) else {
            return false;
        };
        let mut at_once = run.iter().take_while(|switch| switch.at == first.at);
        matches!(record.track, TrackRef::Id(_))
            && at_once.all(|switch| operator(switch) == operator(first))
    }

    /// Returns whether an operation between two times may have switched the track, without showing
    /// whether it did. `None` stands for the beginning of the records.
    fn has_unclear(&self, track: &TrackRef, from: Option<SystemTime>, until: SystemTime) -> bool {
        self.records.iter().any(|record| {
            let at = on_this_machine(record.operation.at, self.skew);
            let is_in_time = from.is_none_or(|from| from <= at + TOLERANCE) && at <= until;
            let is_unclear = match &record.track {
                TrackRef::Id(id) => *track == TrackRef::Id(*id) && has_unknown_status(record),
                TrackRef::Unnamed => true,
                // A name that no listing has, or that several tracks have, may be the name of the
                // track.
                named @ TrackRef::Name(_) => (self.polls.listed)(named)
                    .is_none_or(|listed| TrackRef::Id(listed.id) == *track),
            };
            is_in_time && is_unclear && may_switch(record)
        })
    }
}

/// What polls show of a track.
struct Evidence<'a> {
    /// The end of the first poll that listed the tracks. `None` if there was none.
    listed_since: Option<SystemTime>,
    /// In the order in which the polls ended.
    seen: Vec<&'a SeenSwitch>,
    listed: Option<ListedTrack>,
}

impl Evidence<'_> {
    /// Returns whether the track was on at the last poll before `off`, and no poll may have seen it off
    /// since. `is_last` is whether no operation switched it off after `on`.
    fn shows_unseen(&self, off: SystemTime, on: SystemTime, is_last: bool) -> bool {
        if self.listed_since.is_none_or(|since| off < since) {
            return false;
        }
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
        // The order of two operations in the same second is unknown. Then a later poll must have
        // seen the track on.
        let is_listed_since = |listed: ListedTrack| listed.began >= on + TOLERANCE;
        let is_on_since = is_last && later.is_none() && self.listed.is_some_and(is_listed_since);
        was_on && (off < on || is_on_since)
    }

    /// Returns when the last poll before `off` began that is known to have seen the track on.
    fn last_seen_on(&self, off: SystemTime) -> Option<SystemTime> {
        let seen = self.seen.iter();
        let seen = seen.filter(|seen| seen.on && !seen.is_after(off));
        let listed = self.listed.filter(|listed| listed.on);
        let listed = listed.filter(|listed| listed.began + TOLERANCE < off);
        let began = seen.map(|seen| seen.began);
        began.chain(listed.map(|listed| listed.began)).max()
    }
}
