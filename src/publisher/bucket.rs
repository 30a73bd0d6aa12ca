//! Some accounts, joined metric by metric.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use enum_map::EnumMap;
use tokio::time::Instant;

use super::chunk::Chunk;
use crate::clock::Moment;
use crate::exposition::{Metric, NextChange, TimedFragment};
use crate::snapshot::Report;

/// Times that threads have read may arrive out of order by less than this. A larger difference means
/// that the wall clock was set back.
const MOST_OVERTAKEN: Duration = Duration::from_secs(1);

/// Accounts that share chunks.
#[derive(Debug)]
pub(super) struct Bucket {
    slots: BTreeMap<String, Slot>,
    chunks: EnumMap<Metric, Arc<Chunk>>,
    /// How each chunk differs from the fragments.
    outdated: EnumMap<Metric, Outdated>,
    /// Increases whenever a chunk is replaced.
    version: u64,
    /// When the next fragment begins or ends to be shown.
    next_change: NextChange,
    /// The latest time that was passed in. Callers read the clock before they lock the bucket, so
    /// times may arrive out of order. This time never goes back, so an expired fragment stays hidden,
    /// unless the wall clock is set back.
    latest: Option<Moment>,
}

/// How a chunk differs from the fragments of the accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Outdated {
    #[default]
    Nothing,
    /// Its text is the same, but it keeps replaced fragments in memory.
    Memory,
    Text,
}

/// The latest report of one account.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) report: Arc<Report>,
    pub(super) parts: Vec<TimedFragment>,
    pub(super) since: Instant,
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self {
            slots: BTreeMap::new(),
            chunks: EnumMap::default(),
            outdated: EnumMap::default(),
            version: 0,
            next_change: NextChange::default(),
            latest: None,
        }
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values()
    }

    /// Replaces the previous report of the account.
    pub(super) fn publish(&mut self, report: Arc<Report>, parts: Vec<TimedFragment>, now: Moment) {
        let now = self.advance(now);
        self.next_change = self.next_change.or(next_change(&parts, now));
        let account = report.account.name.clone();
        let old = self.slots.remove(&account);
        let since = old.as_ref().map_or(now.steady, |old| old.since);
        let old_parts = old.map(|old| old.parts).unwrap_or_default();
        self.mark_differences(&old_parts, &parts, now);
        self.slots.insert(
            account,
            Slot {
                report,
                parts,
                since,
            },
        );
    }

    /// Removes the account.
    pub(super) fn withdraw(&mut self, account: &str, now: Moment) {
        let now = self.advance(now);
        let parts = self.slots.remove(account).map(|slot| slot.parts);
        self.mark_differences(&parts.unwrap_or_default(), &[], now);
    }

    /// Returns a number that changes whenever a chunk changes.
    pub(super) fn version(&mut self, now: Moment) -> u64 {
        let now = self.advance(now);
        self.join(now);
        self.version
    }

    /// Returns the chunks as of now.
    pub(super) fn chunks(&mut self, now: Moment) -> &EnumMap<Metric, Arc<Chunk>> {
        let now = self.advance(now);
        self.join(now);
        &self.chunks
    }

    /// Advances the time, marks the metrics of the fragments that it shows or hides, and returns the
    /// time in this bucket.
    fn advance(&mut self, now: Moment) -> Moment {
        let before = self.latest.unwrap_or(now);
        let overtaken = before.wall.duration_since(now.wall).unwrap_or_default();
        let is_set_back = overtaken > MOST_OVERTAKEN;
        let now = Moment {
            steady: now.steady.max(before.steady),
            wall: if is_set_back {
                now.wall
            } else {
                now.wall.max(before.wall)
            },
        };
        self.latest = Some(now);
        if is_set_back || self.next_change.is_reached(now) {
            let parts = self.slots.values().flat_map(|slot| &slot.parts);
            for part in parts.filter(|part| part.is_shown(before) != part.is_shown(now)) {
                for (metric, _) in part.fragment.pieces() {
                    self.outdated[metric] = Outdated::Text;
                }
            }
            self.next_change = next_change(self.parts(), now);
        }
        now
    }

    fn parts(&self) -> impl Iterator<Item = &TimedFragment> {
        self.slots.values().flat_map(|slot| &slot.parts)
    }

    /// Marks the metrics whose samples differ. If only the end of an unchanged fragment moves, the
    /// text stays the same, and `next_change` covers its end.
    fn mark_differences(&mut self, old: &[TimedFragment], new: &[TimedFragment], now: Moment) {
        if old.len() == new.len() {
            for (old, new) in old.iter().zip(new) {
                self.mark_difference(old, new, now);
            }
        } else {
            let others = without(old, new, now).chain(without(new, old, now));
            let others: Vec<&TimedFragment> = others.collect();
            for part in others {
                self.mark(Outdated::Text, part.fragment.pieces());
            }
        }
    }

    /// Marks the metrics that differ between two fragments. Equal text need not be compressed again.
    fn mark_difference(&mut self, old: &TimedFragment, new: &TimedFragment, now: Moment) {
        let is_shown_alike = old.is_shown(now) == new.is_shown(now);
        let (old, new) = (&old.fragment, &new.fragment);
        if !is_shown_alike {
            self.mark(Outdated::Text, old.pieces().chain(new.pieces()));
        } else if !Arc::ptr_eq(old, new) {
            let differs = |(metric, text): &(Metric, &[u8])| new.of(*metric) != Some(text);
            self.mark(Outdated::Memory, old.pieces());
            self.mark(Outdated::Text, old.pieces().filter(differs));
            let added = new.pieces().filter(|(metric, _)| old.of(*metric).is_none());
            self.mark(Outdated::Text, added);
        }
    }

    fn mark<'a>(&mut self, how: Outdated, pieces: impl Iterator<Item = (Metric, &'a [u8])>) {
        for (metric, _) in pieces {
            let outdated = &mut self.outdated[metric];
            *outdated = how.max(*outdated);
        }
    }

    fn join(&mut self, now: Moment) {
        let mut outdated = self.outdated.values();
        if outdated.all(|outdated| *outdated == Outdated::Nothing) {
            return;
        }
        self.version += 1;
        let mut pieces = EnumMap::<Metric, Vec<Bytes>>::default();
        for slot in self.slots.values() {
            for part in slot.parts.iter().filter(|part| part.is_shown(now)) {
                for (metric, samples) in part.fragment.pieces() {
                    if self.outdated[metric] != Outdated::Nothing {
                        pieces[metric].push(part.fragment.share(samples));
                    }
                }
            }
        }
        for (metric, pieces) in pieces {
            let chunk = &mut self.chunks[metric];
            match std::mem::take(&mut self.outdated[metric]) {
                Outdated::Nothing => {}
                Outdated::Memory => *chunk = Arc::new(chunk.with_pieces(pieces)),
                Outdated::Text => *chunk = Arc::new(Chunk::of(pieces)),
            }
        }
    }
}

/// Returns when the first of these fragments begins or ends to be shown.
fn next_change<'a>(parts: impl IntoIterator<Item = &'a TimedFragment>, now: Moment) -> NextChange {
    let changes = parts.into_iter().map(|part| part.next_change(now));
    changes.fold(NextChange::default(), NextChange::or)
}

/// Returns the fragments that are not among the others. It uses a set, because an account may have
/// thousands of fragments of the past.
fn without<'a>(
    parts: &'a [TimedFragment],
    others: &[TimedFragment],
    now: Moment,
) -> impl Iterator<Item = &'a TimedFragment> {
    let address = move |part: &TimedFragment| (Arc::as_ptr(&part.fragment), part.is_shown(now));
    let others: HashSet<_> = others.iter().map(address).collect();
    let parts = parts.iter();
    parts.filter(move |part| !others.contains(&address(part)))
}
