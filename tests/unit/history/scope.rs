//! What one track records, and whether it delivers to foreign storage.

use std::sync::Arc;

use cloudaudit_exporter::snapshot::{AccountInfo, Storage, Track};

use crate::support::tracks::track;

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

fn scoped(action_type: &str, resource_type: &str, event_names: &[&str]) -> Track {
    Track {
        action_type: action_type.to_owned(),
        resource_type: resource_type.to_owned(),
        event_names: event_names.iter().map(ToString::to_string).collect(),
        ..track(1, "a")
    }
}

/// Each row has the action, product and events, and whether the track records all operations, all
/// reads and all writes.
#[test]
fn the_scope_of_a_track_is_derived_from_its_fields() {
    let table = [
        ("*", "*", &["*"][..], YES, YES, YES),
        ("Read", "*", &["*"], NO, YES, NO),
        ("Write", "*", &["*"], NO, NO, YES),
        ("", "*", &["*"], None, None, None),
        // An undocumented type may include anything.
        ("ReadWrite", "*", &["*"], None, None, None),
        ("read", "*", &["*"], None, None, None),
        ("*", "cos", &["*"], NO, NO, NO),
        ("*", "", &["*"], None, None, None),
        ("*", "*", &["Run"], NO, NO, NO),
        ("*", "*", &["Run", "*"], YES, YES, YES),
        ("*", "*", &[""], NO, NO, NO),
        ("*", "*", &[], None, None, None),
        ("", "", &[], None, None, None),
        // One restricted field is enough to know that the track does not record everything.
        ("Read", "", &[], NO, None, NO),
        ("", "cos", &[], NO, NO, NO),
        ("", "", &["Run"], NO, NO, NO),
        ("ReadWrite", "cos", &["*"], NO, NO, NO),
    ];
    for (action, resource, events, all, read, written) in table {
        let track = scoped(action, resource, events);
        let found = (
            track.has_full_coverage(),
            track.covers("Read"),
            track.covers("Write"),
        );
        let what = format!("{action:?} {resource:?} {events:?}");
        assert_eq!(found, (all, read, written), "{what}");
    }
}

#[test]
fn storage_is_foreign_unless_the_owner_is_the_account_or_trusted() {
    const OWN: &str = "100000000001";
    const TRUSTED: &str = "100000000009";
    const OTHER: &str = "100000000666";
    let account = |uin: &str, trusted: &[&str]| AccountInfo {
        uin: uin.to_owned(),
        trusted_storage_accounts: Arc::new(trusted.iter().map(ToString::to_string).collect()),
        ..AccountInfo::default()
    };
    let table = [
        // The account's own UIN, the trusted UINs, the owner of the storage.
        (OWN, &[TRUSTED][..], OWN, NO),
        (OWN, &[TRUSTED], TRUSTED, NO),
        (OWN, &[TRUSTED], OTHER, YES),
        (OWN, &[], TRUSTED, YES),
        (OWN, &[TRUSTED], "", None),
        // If the own UIN is unknown, only a trusted owner is known not to be foreign.
        ("", &[TRUSTED], TRUSTED, NO),
        ("", &[TRUSTED], OTHER, None),
        ("", &[], "", None),
    ];
    for (uin, trusted, owner, expected) in table {
        let storage = Storage {
            account: owner.to_owned(),
            ..Storage::default()
        };
        let found = account(uin, trusted).is_foreign(&storage);
        assert_eq!(found, expected, "{uin:?} {trusted:?} {owner:?}");
    }
}
