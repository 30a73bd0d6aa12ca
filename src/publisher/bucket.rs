//! Some accounts, joined metric by metric.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::chunk::{Chunk, Joint};
use crate::exposition::{Metric, Part};
use crate::snapshot::Report;

/// Accounts that share chunks.
#[derive(Debug)]
pub(super) struct Bucket {
    slots: BTreeMap<String, Slot>,
    /// One for each of [`Metric::ALL`].
    chunks: Vec<Arc<Chunk>>,
    /// Which of them do not show the slots any more.
    dirty: Vec<bool>,
    /// When parts begin or end to be shown, though nobody publishes anything.
    next_change: Option<Instant>,
    /// The latest time it was asked for. Scrapes and accounts read the clock before they get here
    /// and overtake each other; here time never goes back, so that what was hidden from a scrape is
    /// known to be hidden.
    latest: Option<Instant>,
}

/// What one account has published last.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) report: Arc<Report>,
    pub(super) parts: Vec<Part>,
    pub(super) since: Instant,
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self {
            slots: BTreeMap::new(),
            chunks: Metric::ALL.iter().map(|_| Arc::default()).collect(),
            dirty: vec![false; Metric::ALL.len()],
            next_change: None,
            latest: None,
        }
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values()
    }

    /// Replaces what the account has published before.
    pub(super) fn publish(&mut self, report: Arc<Report>, parts: Vec<Part>, now: Instant) {
        let now = self.take_note_of_time(now);
        let account = report.account.name.clone();
        let old = self.slots.remove(&account);
        let since = old.as_ref().map_or(now, |old| old.since);
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
        self.next_change = self.first_change_after(now);
    }

    /// Forgets the account and all that it has published.
    pub(super) fn withdraw(&mut self, account: &str, now: Instant) {
        let now = self.take_note_of_time(now);
        let parts = self.slots.remove(account).map(|slot| slot.parts);
        self.mark_differences(&parts.unwrap_or_default(), &[], now);
        self.next_change = self.first_change_after(now);
    }

    /// The chunks as of now, one for each of [`Metric::ALL`].
    pub(super) fn chunks(&mut self, now: Instant) -> &[Arc<Chunk>] {
        let now = self.take_note_of_time(now);
        self.join(now);
        &self.chunks
    }

    /// Marks everything where parts have come or gone by the passing of time alone, and tells what
    /// time it is here.
    fn take_note_of_time(&mut self, now: Instant) -> Instant {
        let now = self.latest.map_or(now, |latest| latest.max(now));
        self.latest = Some(now);
        if self.next_change.is_some_and(|change| change <= now) {
            self.dirty.fill(true);
            self.next_change = self.first_change_after(now);
        }
        now
    }

    /// Marks the metrics whose samples the two do not share. Where only the end of an unchanged
    /// fragment moves on, the text stays, and `next_change` takes care of its end.
    fn mark_differences(&mut self, old: &[Part], new: &[Part], now: Instant) {
        // Most parts are the very same.
        let (gone, come) = (without(old, new, now), without(new, old, now));
        if gone.len() != come.len() {
            for part in gone.into_iter().chain(come) {
                self.mark(part.fragment.pieces());
            }
            return;
        }
        // Of the others each stands in the place of one, and what reads the same in it does not have
        // to be joined or deflated again.
        for (gone, come) in gone.into_iter().zip(come) {
            let (old, new) = (&gone.fragment, &come.fragment);
            if gone.is_shown(now) == come.is_shown(now) {
                self.mark(
                    old.pieces()
                        .filter(|(metric, text)| new.of(*metric) != Some(text)),
                );
                self.mark(new.pieces().filter(|(metric, _)| old.of(*metric).is_none()));
            } else {
                self.mark(old.pieces().chain(new.pieces()));
            }
        }
    }

    fn mark<'a>(&mut self, pieces: impl Iterator<Item = (Metric, &'a [u8])>) {
        for (metric, _) in pieces {
            self.dirty[metric as usize] = true;
        }
    }

    fn join(&mut self, now: Instant) {
        if !self.dirty.contains(&true) {
            return;
        }
        let mut joints: Vec<Joint> = self.chunks.iter().map(|_| Joint::default()).collect();
        for slot in self.slots.values() {
            for part in slot.parts.iter().filter(|part| part.is_shown(now)) {
                for (metric, samples) in part.fragment.pieces() {
                    if self.dirty[metric as usize] {
                        joints[metric as usize].push(&part.fragment, samples);
                    }
                }
            }
        }
        for ((chunk, dirty), joint) in self.chunks.iter_mut().zip(&mut self.dirty).zip(joints) {
            if std::mem::take(dirty) {
                *chunk = Arc::new(joint.finish());
            }
        }
    }

    fn first_change_after(&self, now: Instant) -> Option<Instant> {
        let parts = self.slots.values().flat_map(|slot| &slot.parts);
        parts.filter_map(|part| part.next_change(now)).min()
    }
}

/// The parts that are not among the others. Through a set, for the past of an account whose tracks
/// come and go may have thousands of parts.
fn without<'a>(parts: &'a [Part], others: &[Part], now: Instant) -> Vec<&'a Part> {
    let address = |part: &Part| (Arc::as_ptr(&part.fragment), part.is_shown(now));
    let others: HashSet<_> = others.iter().map(address).collect();
    let parts = parts.iter();
    parts
        .filter(|part| !others.contains(&address(part)))
        .collect()
}
