//! Arbitrary accounts, with any data that the types of the API allow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{OverviewCache, Retention, TargetHistory};
use cloudaudit_exporter::snapshot::{
    AccountInfo, ChangeKind, Details, ExpectedTrack, Listing, PollEnd, Report, Status, Storage,
    TargetCounters, TargetReport, Track,
};
use enum_map::EnumMap;
use proptest::prelude::*;

use super::{INTERVAL, STALE_AFTER};
use crate::support::tracks::{listing, track};

/// Keeps few tracks, and tombstones for longer than listings.
const RETENTION: Retention = Retention {
    stale_after: STALE_AFTER,
    tombstone_for: Duration::from_mins(90),
    max_tracks: 4,
};

/// The maximum age of a listing.
pub(crate) const OLDEST: Duration = Duration::from_hours(3);

/// An account with any listings, of any age.
#[derive(Clone, Debug)]
pub(crate) struct ArbitraryAccount {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) expected: BTreeSet<String>,
    pub(crate) targets: Vec<AnyTarget>,
}

#[derive(Clone, Debug)]
pub(crate) struct AnyTarget {
    /// Consecutive listings, each with the number of intervals since the previous one.
    listings: Vec<(u32, Listing)>,
    /// The age of the last listing at the time of the scrape.
    age: Duration,
    pub(crate) failure: Option<Failure>,
    pub(crate) counters: TargetCounters,
}

impl AnyTarget {
    /// Returns the last listing with all its tracks, if it is recent enough to be shown.
    pub(crate) fn shown(&self) -> Option<&Listing> {
        let (_, listing) = self.listings.last()?;
        (self.age < STALE_AFTER).then_some(listing)
    }

    /// Splits the tracks of a listing into those with series and the others.
    pub(crate) fn kept(listing: &Listing) -> (&[Track], &[Track]) {
        let tracks = &listing.tracks;
        tracks.split_at(tracks.len().min(RETENTION.max_tracks))
    }

    fn report(&self, region: String, now: Moment) -> TargetReport {
        let mut history = TargetHistory::new(region, INTERVAL, RETENTION);
        let mut age = self.age
            + self
                .listings
                .iter()
                .map(|it| it.0 * INTERVAL)
                .sum::<Duration>();
        for (gap, listing) in &self.listings {
            age -= *gap * INTERVAL;
            let then = Moment {
                wall: now.wall - age,
                steady: now.steady.checked_sub(age).expect("in range"),
            };
            history.listed(listing.clone(), then, Duration::ZERO);
        }
        TargetReport {
            last_poll: (!self.listings.is_empty() || self.failure.is_some()).then_some(PollEnd {
                at: now.wall,
                took: Duration::from_millis(120),
            }),
            failure: self.failure.clone(),
            counters: self.counters.clone(),
            ..history.report().clone()
        }
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\\\\"\n\r\t{},= #a审🎉]{0,12}",
        "[n\\\\\"é]{250,262}",
    ]
}

prop_compose! {
    fn any_track()(
        id in prop_oneof![0..12_u64, Just(u64::MAX)],
        name in any_text(),
        settings in prop::array::uniform6(prop_oneof![any_text(), Just("*".to_owned())]),
        event_names in prop::collection::vec(prop_oneof![Just("*"), Just("Run")], 0..3),
        kind in prop_oneof![any_text(), prop::sample::select(&["cos", "cls", "ckafka"][..]).prop_map(str::to_owned)],
        status in prop::sample::select(Status::ALL),
        created in proptest::option::of(-9_000_000_000..9_000_000_000_i64),
        wide in proptest::option::of(any::<Option<bool>>()),
    ) -> Track {
        let [action_type, resource_type, region, bucket, prefix, account] = settings;
        Track {
            id,
            name,
            action_type,
            resource_type,
            event_names: event_names.into_iter().map(str::to_owned).collect(),
            status,
            storage: Storage { kind, region, name: bucket, prefix, account, app_id: String::new() },
            created,
            is_partial: false,
            details: wide.map(|for_all_members| Details { for_all_members, filters: Vec::new() }),
        }
    }
}

prop_compose! {
    fn any_listing()(
        tracks in prop::collection::vec(any_track(), 0..8),
        hidden in prop_oneof![3 => Just(0), 1 => 1..3_u64],
    ) -> Listing {
        let by_id: BTreeMap<u64, Track> =
            tracks.into_iter().map(|track| (track.id, track)).collect();
        let listing = listing(by_id.into_values());
        Listing { reported: listing.reported + hidden, ..listing }
    }
}

/// An earlier listing: some ids with the same name.
fn any_earlier_listing() -> impl Strategy<Value = Listing> {
    let ids = prop::collection::btree_set(0..12_u64, 0..8);
    (ids, any_text()).prop_map(|(ids, name)| listing(ids.into_iter().map(|id| track(id, &name))))
}

prop_compose! {
    fn any_target()(
        earlier in prop::collection::vec((1..20_u32, any_earlier_listing()), 0..4),
        last in proptest::option::of((1..20_u32, any_listing())),
        age in 0..7_200_u64,
        failure in proptest::option::of((prop::sample::select(Reason::ALL), any_text())),
        counts in prop::array::uniform15(0..1_u64 << 50),
    ) -> AnyTarget {
        AnyTarget {
            // Without a last listing, there are no earlier ones.
            listings: match last {
                Some(last) => earlier.into_iter().chain([last]).collect(),
                None => Vec::new(),
            },
            age: Duration::from_secs(age),
            failure: failure.map(|(reason, code)| Failure::with_code(reason, code, "no")),
            counters: TargetCounters {
                polls: counts[0],
                skipped: counts[1],
                failures: EnumMap::from_fn(|reason: Reason| counts[2 + reason as usize]),
                changes: EnumMap::from_fn(|change: ChangeKind| counts[10 + change as usize]),
            },
        }
    }
}

prop_compose! {
    pub(crate) fn arbitrary_account()(
        labels in prop::collection::btree_map("own_[a-z]{1,3}", any_text(), 0..3),
        expected in prop::collection::btree_set(any_text(), 0..4),
        targets in prop::collection::vec(any_target(), 1..4),
    ) -> ArbitraryAccount {
        // Some of the expected tracks exist.
        let names = targets.iter().filter_map(AnyTarget::shown);
        let names = names.flat_map(|listing| &listing.tracks).map(|track| track.name.clone());
        let expected = expected.into_iter().chain(names.step_by(3)).collect();
        ArbitraryAccount { labels, expected, targets }
    }
}

impl ArbitraryAccount {
    pub(crate) fn report(&self, now: Moment) -> Report {
        let named = |name: &String| ExpectedTrack {
            name: name.clone(),
            ..ExpectedTrack::default()
        };
        let account = AccountInfo {
            name: "any".to_owned(),
            labels: self.labels.clone(),
            site: "china",
            provider: "inline",
            expected_tracks: self.expected.iter().map(named).collect(),
            ..AccountInfo::default()
        };
        let targets = self.targets.iter().enumerate();
        let targets: Vec<TargetReport> = targets
            .map(|(index, target)| target.report(format!("region-{index}"), now))
            .collect();
        Report {
            overviews: OverviewCache::default().overviews(&account, None, &targets),
            account: Arc::new(account),
            targets,
            requests_per_second: 12.5,
            ..Report::default()
        }
    }
}
