//! The time of the latest change of a track, for each kind of change.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{ChangeKind, Status, Track};

use super::INTERVAL;
use super::polled::Polled;
use crate::support::tracks::track;

fn with_status(status: Status) -> Track {
    Track {
        status,
        ..track(1, "a")
    }
}

#[test]
fn the_first_listing_sets_no_change_time() {
    let mut target = Polled::new();
    target.failed(Reason::Unavailable);
    target.lists([with_status(Status::Disabled), track(2, "b")]);
    assert!(target.past().changes.is_empty());
    target.lists([with_status(Status::Disabled), track(2, "b")]);
    target.failed(Reason::Unavailable);
    assert!(target.past().changes.is_empty());
}

/// The time of a kind is the end of the poll that last saw such a change.
#[test]
fn each_kind_of_change_has_its_latest_time() {
    let mut target = Polled::new();
    let mut expected = BTreeMap::new();
    target.lists([]);
    let renamed = Track {
        name: "b".to_owned(),
        ..track(1, "a")
    };
    let steps: [(&str, Vec<Track>); 9] = [
        ("created", vec![track(1, "a")]),
        ("disabled", vec![with_status(Status::Disabled)]),
        ("enabled", vec![with_status(Status::Enabled)]),
        ("modified", vec![renamed]),
        ("modified", vec![track(1, "a")]),
        ("disabled", vec![with_status(Status::Unknown)]),
        ("enabled", vec![with_status(Status::Enabled)]),
        ("vanished", vec![]),
        ("created", vec![track(1, "a")]),
    ];
    for (kind, tracks) in steps {
        target.failed(Reason::Throttled);
        target.lists(tracks.clone());
        expected.insert(kind, target.now.wall);
        assert_eq!(target.changed(1), expected, "{kind}");
        target.lists(tracks);
        assert_eq!(target.changed(1), expected, "{kind} twice");
    }
    assert_eq!(expected.len(), 5);
}

#[test]
fn status_and_settings_that_change_together_have_the_same_time() {
    let mut target = Polled::new();
    target.lists([track(1, "a")]);
    let mut edited = with_status(Status::Disabled);
    edited.name = "b".to_owned();
    edited.storage.account = "7".to_owned();
    target.lists([edited]);
    let now = target.now.wall;
    assert_eq!(
        target.changed(1),
        [("disabled", now), ("modified", now)].into()
    );
    assert_eq!(target.past().changes[&1].name, "b", "the latest name");
}

#[test]
fn a_track_that_never_changed_has_no_time() {
    let mut target = Polled::new();
    target.lists([track(1, "a"), track(2, "b")]);
    target.lists([with_status(Status::Disabled), track(2, "b")]);
    assert!(target.changed(2).is_empty());
    assert_eq!(target.past().changes.len(), 1);
}

#[test]
fn a_difference_that_is_not_a_setting_sets_no_change_time() {
    let mut target = Polled::new();
    target.lists([track(1, "a")]);
    let mut same = track(1, "a");
    same.created = None;
    same.event_names = vec!["*".to_owned(), "*".to_owned()];
    target.lists([same]);
    assert!(target.past().changes.is_empty());
}

/// The past is rendered again only if its address changes.
#[test]
fn an_unchanged_past_is_not_reallocated() {
    let mut target = Polled::new();
    target.lists([track(1, "a"), track(2, "b")]);
    target.lists([with_status(Status::Disabled)]);
    let past = Arc::clone(&target.report().past);
    target.lists([with_status(Status::Disabled)]);
    target.failed(Reason::Unavailable);
    target.pass(10 * INTERVAL);
    target.lists([with_status(Status::Disabled)]);
    assert!(Arc::ptr_eq(&past, &target.report().past));
    target.lists([with_status(Status::Enabled)]);
    assert!(!Arc::ptr_eq(&past, &target.report().past));
    assert_eq!(
        past.changes[&1].at[ChangeKind::Enabled],
        None,
        "the published value is immutable"
    );
}
