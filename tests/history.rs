//! What a target remembers: which differences are changes, what a failure leaves alone, and what a
//! listing that is not all there does not prove.

#[path = "support/tracks.rs"]
mod tracks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{Retention, TargetHistory, TrackChange};
use cloudaudit_exporter::snapshot::{Change, LastGood, Listing, Status, Track};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::tracks::{listing, track};

const INTERVAL: Duration = Duration::from_mins(1);
const STALE_AFTER: Duration = Duration::from_hours(1);
const TOOK: Duration = Duration::from_millis(120);
const RETENTION: Retention = Retention {
    stale_after: STALE_AFTER,
    tombstone_for: Duration::from_hours(168),
    max_tracks: 1_000,
};

/// A target whose polls end a minute apart.
struct Polled {
    history: TargetHistory,
    now: Moment,
}

impl Polled {
    fn new() -> Self {
        Self {
            history: TargetHistory::new("ap-guangzhou".to_owned(), INTERVAL, RETENTION),
            now: Moment {
                wall: UNIX_EPOCH + Duration::from_hours(498_720),
                steady: Instant::now(),
            },
        }
    }

    fn listed(&mut self, listing: Listing) -> Vec<TrackChange> {
        self.next();
        self.history.listed(listing, self.now, TOOK)
    }

    fn failed(&mut self, reason: Reason) {
        self.next();
        let failure = Failure::new(reason, "no");
        self.history.failed(failure, self.now, TOOK);
    }

    fn next(&mut self) {
        self.now.wall += INTERVAL;
        self.now.steady += INTERVAL;
    }

    fn last_good(&self) -> &LastGood {
        self.history
            .report()
            .last_good
            .as_ref()
            .expect("it was listed")
    }
}

/// The changes that a second listing shows after a first.
fn changes(before: impl Into<Vec<Track>>, after: impl Into<Vec<Track>>) -> Vec<TrackChange> {
    let mut target = Polled::new();
    target.listed(listing(before.into()));
    target.listed(listing(after.into()))
}

/// A change in a line: what, who, and every detail.
fn told(changes: &[TrackChange]) -> Vec<String> {
    let line = |change: &TrackChange| {
        let details: Vec<String> = change.details.iter().map(ToString::to_string).collect();
        format!(
            "{} {} {} [{}]",
            change.id,
            change.name,
            change.change.as_str(),
            details.join("; ")
        )
    };
    changes.iter().map(line).collect()
}

#[test]
fn nothing_is_known_before_the_first_poll() {
    let target = Polled::new();
    let report = target.history.report();
    assert!(!report.is_up());
    assert!(report.last_good.is_none());
    assert!(report.last_poll.is_none());
    assert_eq!(report.counters, <_>::default());
    assert_eq!(report.interval, INTERVAL);
}

#[test]
fn the_first_listing_changes_nothing_however_late_it_comes() {
    let mut target = Polled::new();
    target.failed(Reason::Unavailable);
    assert_eq!(target.listed(listing([track(1, "a"), track(2, "b")])), []);
    assert!(target.history.report().is_up());
    assert_eq!(target.history.report().counters.changes, [0; 5]);
}

#[test]
fn a_track_that_came_is_told_whole() {
    let changes = changes([track(1, "a")], [track(1, "a"), track(2, "b")]);
    assert_eq!(
        told(&changes),
        [
            r#"2 b created [Status: "" -> "enabled"; Name: "" -> "b"; ActionType: "" -> "*"; ResourceType: "" -> "*"; EventNames: "" -> "*"; StorageType: "" -> "cos"; StorageRegion: "" -> "ap-guangzhou"; StorageName: "" -> "audit-log"; StoragePrefix: "" -> "trail"; StorageAccountId: "" -> "100000000009"]"#
        ]
    );
}

#[test]
fn a_track_that_went_is_told_whole() {
    let mut gone = track(2, "b");
    gone.status = Status::Disabled;
    gone.event_names = vec!["Run".to_owned(), "Drop".to_owned()];
    let changes = changes([track(1, "a"), gone], [track(1, "a")]);
    assert_eq!(
        told(&changes),
        [
            r#"2 b vanished [Status: "disabled" -> ""; Name: "b" -> ""; ActionType: "*" -> ""; ResourceType: "*" -> ""; EventNames: "Drop,Run" -> ""; StorageType: "cos" -> ""; StorageRegion: "ap-guangzhou" -> ""; StorageName: "audit-log" -> ""; StoragePrefix: "trail" -> ""; StorageAccountId: "100000000009" -> ""]"#
        ]
    );
}

#[test]
fn all_tracks_may_go_at_once() {
    let changes = changes([track(1, "a"), track(2, "b")], []);
    let kinds: Vec<_> = changes.iter().map(|it| (it.id, it.change)).collect();
    assert_eq!(kinds, [(1, Change::Vanished), (2, Change::Vanished)]);
}

#[test]
fn an_id_that_returns_is_created() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    target.listed(listing([]));
    let changes = target.listed(listing([track(1, "a")]));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].change, Change::Created);
}

#[test]
fn only_crossing_enabled_is_a_change_of_status() {
    use Status::{Disabled, Enabled, Unknown};
    let cases = [
        (Enabled, Enabled, None),
        (
            Enabled,
            Disabled,
            Some("1 a disabled [Status: \"enabled\" -> \"disabled\"]"),
        ),
        (
            Enabled,
            Unknown,
            Some("1 a disabled [Status: \"enabled\" -> \"unknown\"]"),
        ),
        (
            Disabled,
            Enabled,
            Some("1 a enabled [Status: \"disabled\" -> \"enabled\"]"),
        ),
        (
            Unknown,
            Enabled,
            Some("1 a enabled [Status: \"unknown\" -> \"enabled\"]"),
        ),
        (Disabled, Disabled, None),
        (Disabled, Unknown, None),
        (Unknown, Disabled, None),
        (Unknown, Unknown, None),
    ];
    for (from, to, expected) in cases {
        let with = |status| Track {
            status,
            ..track(1, "a")
        };
        let changes = changes([with(from)], [with(to)]);
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(told(&changes), expected, "{from:?} to {to:?}");
    }
}

#[test]
fn each_setting_is_a_modification_by_its_field() {
    type Edit = fn(&mut Track);
    let cases: [(Edit, &str); 9] = [
        (
            |it| it.name = "b".into(),
            r#"1 b modified [Name: "a" -> "b"]"#,
        ),
        (
            |it| it.action_type = "Read".into(),
            r#"1 a modified [ActionType: "*" -> "Read"]"#,
        ),
        (
            |it| it.resource_type = "cam".into(),
            r#"1 a modified [ResourceType: "*" -> "cam"]"#,
        ),
        (
            |it| it.event_names = vec!["Run".into()],
            r#"1 a modified [EventNames: "*" -> "Run"]"#,
        ),
        (
            |it| it.storage.kind = "cls".into(),
            r#"1 a modified [StorageType: "cos" -> "cls"]"#,
        ),
        (
            |it| it.storage.region = "eu-frankfurt".into(),
            r#"1 a modified [StorageRegion: "ap-guangzhou" -> "eu-frankfurt"]"#,
        ),
        (
            |it| it.storage.name = String::new(),
            r#"1 a modified [StorageName: "audit-log" -> ""]"#,
        ),
        (
            |it| it.storage.prefix = "x\n\"y\"".into(),
            r#"1 a modified [StoragePrefix: "trail" -> "x\n\"y\""]"#,
        ),
        (
            |it| it.storage.account = "7".into(),
            r#"1 a modified [StorageAccountId: "100000000009" -> "7"]"#,
        ),
    ];
    for (edit, expected) in cases {
        let mut edited = track(1, "a");
        edit(&mut edited);
        assert_eq!(told(&changes([track(1, "a")], [edited])), [expected]);
    }
}

#[test]
fn status_and_settings_at_once_are_two_changes() {
    let mut edited = track(1, "b");
    edited.status = Status::Disabled;
    edited.storage.name = "elsewhere".to_owned();
    assert_eq!(
        told(&changes([track(1, "a")], [edited])),
        [
            r#"1 b disabled [Status: "enabled" -> "disabled"]"#,
            r#"1 b modified [Name: "a" -> "b"; StorageName: "audit-log" -> "elsewhere"]"#,
        ]
    );
}

#[test]
fn event_names_are_a_set_and_a_creation_time_is_no_setting() {
    let with = |names: &[&str], created| Track {
        event_names: names.iter().map(ToString::to_string).collect(),
        created,
        ..track(1, "a")
    };
    let changes = changes(
        [with(&["Run", "Stop", "Drop"], Some(1_610_606_618))],
        [with(&["Drop", "Run", "Stop", "Run"], None)],
    );
    assert_eq!(changes, []);
}

#[test]
fn a_name_with_a_comma_is_not_two_names() {
    let with = |names: &[&str]| Track {
        event_names: names.iter().map(ToString::to_string).collect(),
        ..track(1, "a")
    };
    let changes = changes([with(&["Run,Stop"])], [with(&["Run", "Stop"])]);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].change, Change::Modified);
}

#[test]
fn a_long_value_is_cut_for_itself() {
    let mut edited = track(1, "a");
    edited.storage.name = "長".repeat(1_001);
    edited.storage.prefix = "x".repeat(1_000);
    let told = told(&changes([track(1, "a")], [edited]));
    let cut = format!("\"{}…\"", "長".repeat(1_000));
    let whole = format!("\"{}\"", "x".repeat(1_000));
    let expected = format!(
        "1 a modified [StorageName: \"audit-log\" -> {cut}; StoragePrefix: \"trail\" -> {whole}]"
    );
    assert_eq!(told, [expected]);
}

#[test]
fn while_fewer_are_listed_than_reported_nobody_vanishes() {
    let all = || [track(1, "a"), track(2, "b"), track(3, "c")];
    let one_hidden = |reported| Listing {
        reported,
        ..listing([track(1, "a")])
    };
    let mut target = Polled::new();
    target.listed(listing(all()));
    assert_eq!(target.listed(one_hidden(3)), [], "two are not shown");
    target.failed(Reason::Incomplete);
    assert_eq!(target.listed(one_hidden(2)), [], "one is still not shown");

    // One comes back, switched off meanwhile, which is no creation; the other one is proved gone.
    let mut back = track(2, "b");
    back.status = Status::Disabled;
    assert_eq!(
        told(&target.listed(listing([track(1, "a"), back.clone()])))
            .iter()
            .map(|line| line.split(" [").next().unwrap())
            .collect::<Vec<_>>(),
        ["2 b disabled", "3 c vanished"]
    );
    assert_eq!(target.listed(listing([track(1, "a"), back])), [], "once");
}

#[test]
fn a_new_track_is_created_even_in_a_listing_that_is_not_all_there() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    let changes = target.listed(Listing {
        reported: 3,
        ..listing([track(2, "b")])
    });
    let kinds: Vec<_> = changes.iter().map(|it| (it.id, it.change)).collect();
    assert_eq!(kinds, [(2, Change::Created)]);
}

#[test]
fn more_listed_than_reported_proves_who_is_gone() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a"), track(2, "b")]));
    let changes = target.listed(Listing {
        reported: 0,
        ..listing([track(1, "a")])
    });
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].id, changes[0].change), (2, Change::Vanished));
}

#[test]
fn a_failure_leaves_the_last_listing_and_its_times_alone() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    let good = target.last_good().clone();
    let listed_at = target.now;
    assert_eq!(good.at, listed_at.wall);
    assert_eq!(good.show_until, listed_at.steady + STALE_AFTER);

    for reason in [Reason::Unauthorized, Reason::Throttled, Reason::Throttled] {
        target.failed(reason);
        let report = target.history.report();
        let still = report.last_good.as_ref().unwrap();
        assert!(!report.is_up());
        assert_eq!(report.failure.as_ref().unwrap().reason, reason);
        assert_eq!(report.last_poll.unwrap().at, target.now.wall);
        assert!(Arc::ptr_eq(&still.listing, &good.listing));
        assert_eq!((still.at, still.show_until), (good.at, good.show_until));
    }

    target.listed(listing([track(1, "a")]));
    assert!(target.history.report().is_up());
    assert_eq!(target.last_good().at, target.now.wall);
}

#[test]
fn changes_count_from_the_last_listing_however_old_it_is() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a"), track(2, "b")]));
    for _ in 0..200 {
        target.failed(Reason::Unavailable);
    }
    let changes = target.listed(listing([track(1, "a")]));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].change, Change::Vanished);
}

#[test]
fn an_unchanged_listing_stays_the_same_allocation_and_is_shown_longer() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    let first = target.last_good().clone();
    target.failed(Reason::Unavailable);
    target.listed(listing([track(1, "a")]));
    let second = target.last_good().clone();
    assert!(Arc::ptr_eq(&first.listing, &second.listing));
    assert_eq!(second.show_until, first.show_until + 2 * INTERVAL);

    // What is shown of a listing is more than its changes: the total, too.
    target.listed(Listing {
        reported: 2,
        ..listing([track(1, "a")])
    });
    assert!(!Arc::ptr_eq(&second.listing, &target.last_good().listing));
    assert_eq!(target.last_good().listing.reported, 2);
}

#[test]
fn counters_count() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a"), track(2, "b")]));
    target.history.skipped();
    target.failed(Reason::Throttled);
    target.history.skipped();
    target.failed(Reason::Incomplete);
    target.failed(Reason::Throttled);
    let mut edited = track(1, "c");
    edited.status = Status::Disabled;
    target.listed(listing([edited, track(3, "d"), track(4, "e")]));

    let counters = &target.history.report().counters;
    assert_eq!(counters.polls, 5);
    assert_eq!(counters.skipped, 2);
    let failures: BTreeMap<&str, u64> = Reason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .zip(counters.failures)
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(failures, [("throttled", 2), ("incomplete", 1)].into());
    let changes: BTreeMap<&str, u64> = Change::ALL
        .iter()
        .map(|change| change.as_str())
        .zip(counters.changes)
        .collect();
    assert_eq!(
        changes,
        [
            ("created", 2),
            ("vanished", 1),
            ("enabled", 0),
            ("disabled", 1),
            ("modified", 1)
        ]
        .into()
    );
}

/// Up to six ids in three states and two names, and up to two more reported than listed.
fn any_listing() -> impl Strategy<Value = Listing> {
    let states = prop::sample::select(&Status::ALL[..]);
    let one = (1..=6_u64, states, prop::sample::select(&["a", "b"][..]));
    (prop::collection::btree_set(one, 0..5), 0..=2_u64).prop_map(|(tracks, hidden)| {
        let by_id: BTreeMap<u64, Track> = tracks
            .into_iter()
            .map(|(id, status, name)| {
                let track = Track {
                    status,
                    ..track(id, name)
                };
                (id, track)
            })
            .collect();
        let listing = listing(by_id.into_values());
        Listing {
            reported: listing.reported + hidden,
            ..listing
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever replays the changes knows what is there: nothing is told twice, nothing is left out.
    #[test]
    fn changes_add_up_to_what_is_listed(listings in prop::collection::vec(any_listing(), 1..12)) {
        let mut target = Polled::new();
        let state = |track: &Track| (track.status == Status::Enabled, track.name.clone());
        let mut replayed: BTreeMap<u64, (bool, String)> = BTreeMap::new();
        let mut was_whole = true;
        for (number, listing) in listings.into_iter().enumerate() {
            let listed: BTreeMap<u64, (bool, String)> =
                listing.tracks.iter().map(|track| (track.id, state(track))).collect();
            let is_whole = listing.reported == listing.tracks.len() as u64;
            let changes = target.listed(listing);
            if number == 0 {
                prop_assert_eq!(&changes, &[]);
                replayed = listed;
                was_whole = is_whole;
                continue;
            }
            for change in changes {
                let to = |field: &str| {
                    change.details.iter().find(|it| it.field == field).map(|it| it.to.clone())
                };
                let known = replayed.get(&change.id).cloned();
                match (change.change, known) {
                    (Change::Created, None) => {
                        let on = to("Status").unwrap() == "enabled";
                        replayed.insert(change.id, (on, to("Name").unwrap()));
                    }
                    (Change::Vanished, Some(_)) => {
                        prop_assert!(is_whole);
                        replayed.remove(&change.id);
                    }
                    (Change::Enabled, Some((false, name))) => {
                        replayed.insert(change.id, (true, name));
                    }
                    (Change::Disabled, Some((true, name))) => {
                        replayed.insert(change.id, (false, name));
                    }
                    (Change::Modified, Some((on, _))) => {
                        replayed.insert(change.id, (on, to("Name").unwrap()));
                    }
                    (_, known) => prop_assert!(false, "{:?} of {:?}", change, known),
                }
            }
            if !was_whole {
                // They may have been there all the time: nobody is told of them.
                for (id, state) in &listed {
                    replayed.entry(*id).or_insert_with(|| state.clone());
                }
            }
            was_whole = is_whole;
            if is_whole {
                prop_assert_eq!(&replayed, &listed);
            } else {
                for (id, state) in &listed {
                    prop_assert_eq!(replayed.get(id), Some(state));
                }
            }
        }
    }
}
