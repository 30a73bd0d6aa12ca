//! What an API might say, within its types and without its manners.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::overviews;
use cloudaudit_exporter::snapshot::{
    AccountInfo, LastGood, Listing, PollEnd, Report, Status, Storage, TargetCounters, TargetReport,
    Track,
};
use proptest::prelude::*;

use crate::tracks::listing;
use crate::{INTERVAL, STALE_AFTER};

/// One account with anything that an API may say, at any age.
#[derive(Clone, Debug)]
pub(crate) struct Anything {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) targets: Vec<AnyTarget>,
}

#[derive(Clone, Debug)]
pub(crate) struct AnyTarget {
    listing: Option<Listing>,
    /// Of the last listing, at the time of the scrape.
    age: Duration,
    pub(crate) failure: Option<Failure>,
    pub(crate) counters: TargetCounters,
}

impl AnyTarget {
    /// The listing, if it is young enough to be shown.
    pub(crate) fn shown(&self) -> Option<&Listing> {
        self.listing.as_ref().filter(|_| self.age < STALE_AFTER)
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
        settings in prop::array::uniform6(any_text()),
        kind in prop_oneof![any_text(), prop::sample::select(&["cos", "cls", "ckafka"][..]).prop_map(str::to_owned)],
        status in prop::sample::select(&Status::ALL[..]),
        created in proptest::option::of(-9_000_000_000..9_000_000_000_i64),
    ) -> Track {
        let [action_type, resource_type, region, bucket, prefix, account] = settings;
        Track {
            id,
            name,
            action_type,
            resource_type,
            event_names: Vec::new(),
            status,
            storage: Storage { kind, region, name: bucket, prefix, account },
            created,
        }
    }
}

prop_compose! {
    fn any_target()(
        tracks in proptest::option::of(prop::collection::vec(any_track(), 0..6)),
        hidden in 0..3_u64,
        age in 0..7_200_u64,
        failure in proptest::option::of((prop::sample::select(&Reason::ALL[..]), any_text())),
        counts in prop::array::uniform15(0..1_u64 << 50),
    ) -> AnyTarget {
        let listing = tracks.map(|tracks| {
            let by_id: BTreeMap<u64, Track> =
                tracks.into_iter().map(|track| (track.id, track)).collect();
            let listing = listing(by_id.into_values());
            Listing { reported: listing.reported + hidden, ..listing }
        });
        AnyTarget {
            listing,
            age: Duration::from_secs(age),
            failure: failure.map(|(reason, code)| Failure::with_code(reason, code, "no")),
            counters: TargetCounters {
                polls: counts[0],
                skipped: counts[1],
                failures: std::array::from_fn(|index| counts[2 + index]),
                changes: std::array::from_fn(|index| counts[10 + index]),
            },
        }
    }
}

prop_compose! {
    pub(crate) fn anything()(
        labels in prop::collection::btree_map("own_[a-z]{1,3}", any_text(), 0..3),
        targets in prop::collection::vec(any_target(), 1..4),
    ) -> Anything {
        Anything { labels, targets }
    }
}

impl Anything {
    pub(crate) fn report(&self, now: Moment) -> Report {
        let target = |(index, it): (usize, &AnyTarget)| TargetReport {
            region: format!("region-{index}"),
            interval: INTERVAL,
            last_poll: (it.listing.is_some() || it.failure.is_some()).then_some(PollEnd {
                at: now.wall,
                took: Duration::from_millis(120),
            }),
            failure: it.failure.clone(),
            last_good: it.listing.as_ref().map(|listing| LastGood {
                listing: Arc::new(listing.clone()),
                at: now.wall - it.age,
                show_until: now.steady + STALE_AFTER - it.age,
            }),
            counters: it.counters.clone(),
            ..TargetReport::default()
        };
        let account = AccountInfo {
            name: "any".to_owned(),
            labels: self.labels.clone(),
            site: "china",
            provider: "inline",
            ..AccountInfo::default()
        };
        let targets: Vec<TargetReport> = self.targets.iter().enumerate().map(target).collect();
        Report {
            overviews: overviews(&account, &targets),
            account: Arc::new(account),
            targets,
            requests_per_second: 12.5,
            ..Report::default()
        }
    }
}
