//! Which differences between two listings are changes, and what a change contains.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::history::TrackChange;
use cloudaudit_exporter::snapshot::{ChangeKind, Status, Track};

use super::polled::Polled;
use crate::support::tracks::{listing, track};

/// Returns the changes from one listing to the next.
fn changes(before: impl Into<Vec<Track>>, after: impl Into<Vec<Track>>) -> Vec<TrackChange> {
    let mut target = Polled::new();
    target.listed(listing(before.into()));
    target.listed(listing(after.into()))
}

/// Formats each change as a line: the id, the name, the kind and every field.
pub(crate) fn lines_of(changes: &[TrackChange]) -> Vec<String> {
    let line = |change: &TrackChange| {
        let fields = change.fields.iter();
        let fields: Vec<String> = fields
            .map(|it| format!("{}: {:?} -> {:?}", it.field, it.from, it.to))
            .collect();
        format!(
            "{} {} {} [{}]",
            change.id,
            change.name,
            change.change.as_str(),
            fields.join("; ")
        )
    };
    changes.iter().map(line).collect()
}

#[test]
fn the_first_listing_changes_nothing_even_after_failures() {
    let mut target = Polled::new();
    target.failed(Reason::Unavailable);
    assert_eq!(target.listed(listing([track(1, "a"), track(2, "b")])), []);
    assert!(target.history.report().is_up());
    assert_eq!(
        target.history.report().counters.changes.into_array(),
        [0; 5]
    );
}

#[test]
fn a_creation_contains_every_field() {
    let changes = changes([track(1, "a")], [track(1, "a"), track(2, "b")]);
    assert_eq!(
        lines_of(&changes),
        [
            r#"2 b created [Status: "" -> "enabled"; Name: "" -> "b"; ActionType: "" -> "*"; ResourceType: "" -> "*"; EventNames: "" -> "*"; StorageType: "" -> "cos"; StorageRegion: "" -> "ap-guangzhou"; StorageName: "" -> "audit-log"; StoragePrefix: "" -> "trail"; StorageAccountId: "" -> "100000000009"]"#
        ]
    );
}

#[test]
fn a_deletion_contains_every_field() {
    let mut gone = track(2, "b");
    gone.status = Status::Disabled;
    gone.event_names = vec!["Run".to_owned(), "Drop".to_owned()];
    let changes = changes([track(1, "a"), gone], [track(1, "a")]);
    assert_eq!(
        lines_of(&changes),
        [
            r#"2 b vanished [Status: "disabled" -> ""; Name: "b" -> ""; ActionType: "*" -> ""; ResourceType: "*" -> ""; EventNames: "Drop,Run" -> ""; StorageType: "cos" -> ""; StorageRegion: "ap-guangzhou" -> ""; StorageName: "audit-log" -> ""; StoragePrefix: "trail" -> ""; StorageAccountId: "100000000009" -> ""]"#
        ]
    );
}

#[test]
fn all_tracks_may_vanish_at_once() {
    let changes = changes([track(1, "a"), track(2, "b")], []);
    let kinds: Vec<_> = changes.iter().map(|it| (it.id, it.change)).collect();
    assert_eq!(
        kinds,
        [(1, ChangeKind::Vanished), (2, ChangeKind::Vanished)]
    );
}

#[test]
fn an_id_that_reappears_is_created() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    target.listed(listing([]));
    let changes = target.listed(listing([track(1, "a")]));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].change, ChangeKind::Created);
}

#[test]
fn only_a_change_from_or_to_enabled_is_a_change_of_status() {
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
        assert_eq!(lines_of(&changes), expected, "{from:?} to {to:?}");
    }
}

#[test]
fn each_setting_is_a_modification_of_its_field() {
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
        assert_eq!(lines_of(&changes([track(1, "a")], [edited])), [expected]);
    }
}

#[test]
fn status_and_settings_that_change_together_are_two_changes() {
    let mut edited = track(1, "b");
    edited.status = Status::Disabled;
    edited.storage.name = "elsewhere".to_owned();
    assert_eq!(
        lines_of(&changes([track(1, "a")], [edited])),
        [
            r#"1 b disabled [Status: "enabled" -> "disabled"]"#,
            r#"1 b modified [Name: "a" -> "b"; StorageName: "audit-log" -> "elsewhere"]"#,
        ]
    );
}

#[test]
fn event_names_are_a_set_and_the_creation_time_is_not_a_setting() {
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
fn an_event_name_with_a_comma_is_not_two_names() {
    let with = |names: &[&str]| Track {
        event_names: names.iter().map(ToString::to_string).collect(),
        ..track(1, "a")
    };
    let changes = changes([with(&["Run,Stop"])], [with(&["Run", "Stop"])]);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].change, ChangeKind::Modified);
}

#[test]
fn each_long_value_is_truncated_separately() {
    let mut edited = track(1, "a");
    edited.storage.name = "長".repeat(1_001);
    edited.storage.prefix = "x".repeat(1_000);
    let lines = lines_of(&changes([track(1, "a")], [edited]));
    let cut = format!("\"{}…\"", "長".repeat(1_000));
    let whole = format!("\"{}\"", "x".repeat(1_000));
    let expected = format!(
        "1 a modified [StorageName: \"audit-log\" -> {cut}; StoragePrefix: \"trail\" -> {whole}]"
    );
    assert_eq!(lines, [expected]);
}
