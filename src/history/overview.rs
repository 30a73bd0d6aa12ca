//! The figures of an account over its targets.
//!
//! Regions usually list the same tracks, so tracks are distinguished by their ids, and each id counts
//! once. A listing counts as long as it may be shown, so there is one overview for each period until
//! the next listing is too old. The coverage by the organization's own tracks ends at its own time,
//! which divides these periods again.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use enum_map::EnumMap;

use crate::clock::Moment;
use crate::snapshot::{
    AccountInfo, DroppedTrack, Expectation, ExpectedTrack, LastGood, Listing, OrganizationCoverage,
    Overview, Status, TargetReport, Totals, Track, all_of, any_of,
};

/// Computes the overviews of one account, and keeps the totals as long as the listings stay the
/// same.
#[derive(Debug, Default)]
pub struct OverviewCache {
    /// In descending order of the time until which they may be shown; whether each is complete.
    listings: Vec<(Arc<Listing>, bool)>,
    /// The totals of each listing and those before it.
    totals: Vec<Arc<Totals>>,
}

impl OverviewCache {
    /// Returns the overviews from now on, the last one first. `organization` is what is known of
    /// the tracks of the account's organization.
    pub fn overviews<'a>(
        &mut self,
        account: &AccountInfo,
        organization: Option<OrganizationCoverage>,
        targets: impl IntoIterator<Item = &'a TargetReport>,
    ) -> Vec<Overview> {
        let own = self.own_overviews(account, targets).into_iter();
        own.flat_map(|own| with_organization(organization, own))
            .flatten()
            .collect()
    }

    /// Returns the overviews without the tracks of the organization.
    pub(super) fn own_overviews<'a>(
        &mut self,
        account: &AccountInfo,
        targets: impl IntoIterator<Item = &'a TargetReport>,
    ) -> Vec<Overview> {
        let mut known: Vec<&LastGood> = targets
            .into_iter()
            .filter_map(|target| target.last_good.as_ref())
            .collect();
        known.sort_by_key(|good| Reverse(good.show_until.steady));
        self.update(account, &known);
        let mut overviews = Vec::new();
        let mut known = known.into_iter().peekable();
        let mut ends: Option<(Moment, SystemTime)> = None;
        for totals in &self.totals {
            let Some(good) = known.next() else { break };
            // If the wall clock was set back, it may reach the end of the first region before the
            // others.
            let (until, checked) = match ends {
                Some((until, checked)) => (until.or(good.show_until), checked.min(good.at)),
                None => (good.show_until, good.at),
            };
            ends = Some((until, checked));
            let from = known.peek().map(|next| until.or(next.show_until));
            if from != Some(until) {
                overviews.push(Overview {
                    from,
                    until,
                    coverage_checked: totals.covered.map(|_| checked),
                    totals: Arc::clone(totals),
                });
            }
        }
        overviews
    }

    /// Computes the totals if the listings are not the same as before.
    fn update(&mut self, account: &AccountInfo, known: &[&LastGood]) {
        let is_same = |(good, (listing, is_complete)): (&&LastGood, &(Arc<Listing>, bool))| {
            Arc::ptr_eq(&good.listing, listing) && good.is_complete == *is_complete
        };
        let mut pairs = known.iter().zip(&self.listings);
        if known.len() == self.listings.len() && pairs.all(is_same) {
            return;
        }
        let mut union = Union::default();
        let totals = known.iter().map(|good| {
            union.add(good);
            Arc::new(union.totals(account))
        });
        self.totals = totals.collect();
        let listings = known.iter();
        self.listings = listings
            .map(|good| (Arc::clone(&good.listing), good.is_complete))
            .collect();
    }
}

/// Splits the overview of an account that its own tracks do not cover, at the end of the validity of
/// what is known about the organization's tracks. After that, coverage is unknown, and the time of the
/// listing that decided it stays. The later part comes first. A part without time is `None`.
fn with_organization(
    organization: Option<OrganizationCoverage>,
    own: Overview,
) -> [Option<Overview>; 2] {
    let Some(organization) = organization.filter(|_| own.totals.covered != Some(true)) else {
        return [Some(own), None];
    };
    let OrganizationCoverage { checked, until, .. } = organization;
    let (covered, coverage_checked) = if organization.is_covered {
        (Some(true), Some(checked))
    } else {
        let own_checked = own.coverage_checked;
        (own.totals.covered, own_checked.map(|own| own.min(checked)))
    };
    let before = Overview {
        until: own.until.or(until),
        coverage_checked,
        totals: with_covered(&own.totals, covered),
        ..own.clone()
    };
    let after = Overview {
        from: Some(own.from.map_or(until, |from| latest(from, until))),
        coverage_checked,
        totals: with_covered(&own.totals, None),
        ..own
    };
    let lasts = |it: &Overview| {
        let from = it.from.map(|from| from.steady);
        from.is_none_or(|from| from < it.until.steady)
    };
    [after, before].map(|overview| Some(overview).filter(lasts))
}

fn with_covered(totals: &Arc<Totals>, covered: Option<bool>) -> Arc<Totals> {
    if totals.covered == covered {
        return Arc::clone(totals);
    }
    Arc::new(Totals {
        covered,
        ..(**totals).clone()
    })
}

/// Returns the later of two moments, by each clock.
fn latest(one: Moment, other: Moment) -> Moment {
    Moment {
        wall: one.wall.max(other.wall),
        steady: one.steady.max(other.steady),
    }
}

/// The tracks of several listings, each id once.
#[derive(Default)]
struct Union<'a> {
    /// The tracks that a region shows in full.
    tracks: BTreeMap<u64, Seen<'a>>,
    /// What each listing drops. Apart from their status, these tracks decide no more than
    /// [`Self::has_gaps`] does.
    dropped: Vec<&'a [DroppedTrack]>,
    /// Whether there may be tracks that no listing shows in full.
    has_gaps: bool,
    /// Whether a listing may have tracks that no longer exist.
    has_leftovers: bool,
}

/// A track as the regions show it. If they differ, the worse status counts.
struct Seen<'a> {
    status: Status,
    /// At least one.
    views: Vec<&'a Track>,
}

impl<'a> Union<'a> {
    fn add(&mut self, good: &'a LastGood) {
        let listing = &*good.listing;
        self.has_gaps |= !good.is_complete || !listing.proves_absence();
        self.has_leftovers |= !good.is_complete;
        for track in &listing.tracks {
            let seen = self.tracks.entry(track.id).or_insert(Seen {
                status: track.status,
                views: Vec::new(),
            });
            seen.status = worse(seen.status, track.status);
            seen.views.push(track);
        }
        self.dropped.push(&listing.dropped);
        for track in self.dropped.iter().copied().flatten() {
            if let Some(seen) = self.tracks.get_mut(&track.id) {
                seen.status = worse(seen.status, track.status);
            }
        }
    }

    /// Returns the tracks that no listing shows in full, each with its worst status.
    fn only_dropped(&self) -> Vec<DroppedTrack> {
        let dropped = self.dropped.iter().copied().flatten();
        let dropped = dropped.filter(|track| !self.tracks.contains_key(&track.id));
        let mut dropped: Vec<DroppedTrack> = dropped.copied().collect();
        dropped.sort_unstable_by_key(|track| (track.id, Reverse(track.status.badness())));
        dropped.dedup_by_key(|track| track.id);
        dropped
    }

    fn totals(&self, account: &AccountInfo) -> Totals {
        let mut tracks = EnumMap::default();
        let dropped = self.only_dropped().into_iter().map(|track| track.status);
        for status in self.tracks.values().map(|seen| seen.status).chain(dropped) {
            tracks[status] += 1;
        }
        let expected = account.expected_tracks.iter();
        Totals {
            tracks,
            covered: self.covered(),
            expectations: expected
                .map(|expected| self.expectation(expected))
                .collect(),
        }
    }

    /// Returns whether the enabled tracks record all read and all write actions.
    fn covered(&self) -> Option<bool> {
        if self.has_leftovers {
            return None;
        }
        let covers = |action_type| {
            let tracks = self.tracks.values().map(|seen| seen.covers(action_type));
            any_of(tracks.chain(self.has_gaps.then_some(None)))
        };
        all_of(["Read", "Write"].map(covers))
    }

    fn expectation(&self, expected: &ExpectedTrack) -> Expectation {
        let tracks = self.tracks.values();
        let absent = if self.has_gaps { None } else { Some(false) };
        let present = any_of(tracks.clone().map(|seen| seen.is_named(expected)));
        let present = if present == Some(false) {
            absent
        } else {
            present
        };
        let matches = any_of(tracks.map(|seen| seen.meets(expected)));
        Expectation {
            name: expected.name.clone(),
            present,
            matches: if matches == Some(false) && present != Some(true) {
                present
            } else {
                matches
            },
        }
    }
}

impl Seen<'_> {
    fn covers(&self, action_type: &str) -> Option<bool> {
        if self.status == Status::Disabled {
            return Some(false);
        }
        let is_certain = self.status == Status::Enabled;
        let views = self.views.iter().map(|track| track.covers(action_type));
        all_of(views.chain((!is_certain).then_some(None)))
    }

    fn is_named(&self, expected: &ExpectedTrack) -> Option<bool> {
        any_of(self.views.iter().map(|track| expected.is_named_by(track)))
    }

    fn meets(&self, expected: &ExpectedTrack) -> Option<bool> {
        let views = self.views.iter();
        all_of(views.map(|track| expected.is_met_by(track, self.status)))
    }
}

/// Returns the more urgent of two statuses.
fn worse(one: Status, other: Status) -> Status {
    std::cmp::max_by_key(one, other, |status| status.badness())
}
