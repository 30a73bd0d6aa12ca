//! Expected tracks: whether they are present and match.

use cloudaudit_exporter::snapshot::{
    AccountInfo, Expectation, ExpectedTrack, Listing, Status, Storage, Track,
};
use cloudaudit_exporter::tencent::wire::parse_page;
use jiff::tz::Offset;

use super::INTERVAL;
use super::overview::{now, of, of_listing};
use super::polled::Polled;
use crate::support::tracks::{listing, track};

fn named(name: &str) -> ExpectedTrack {
    ExpectedTrack {
        name: name.to_owned(),
        ..ExpectedTrack::default()
    }
}

fn expecting(tracks: impl IntoIterator<Item = ExpectedTrack>) -> AccountInfo {
    AccountInfo {
        expected_tracks: tracks.into_iter().collect(),
        ..AccountInfo::default()
    }
}

/// Returns whether the expected track is present and matches.
fn answer(expected: &ExpectedTrack, listing: Listing) -> (Option<bool>, Option<bool>) {
    let overview = of_listing(&expecting([expected.clone()]), listing);
    let [
        Expectation {
            name,
            present,
            matches,
        },
    ] = &overview.totals.expectations[..]
    else {
        panic!("{overview:?}");
    };
    assert_eq!(*name, expected.name);
    (*present, *matches)
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn an_expected_track_matches_if_it_is_listed_and_enabled() {
    let expected = named("audit-all");
    let off = |status| Track {
        status,
        ..track(1, "audit-all")
    };
    let all = |tracks: &[Track]| answer(&expected, listing(tracks.iter().cloned()));
    assert_eq!(all(&[track(1, "audit-all"), track(2, "x")]), (YES, YES));
    assert_eq!(all(&[off(Status::Disabled)]), (YES, NO));
    assert_eq!(all(&[off(Status::Unknown)]), (YES, NO));
    assert_eq!(all(&[track(1, "audit-al")]), (NO, NO));
    assert_eq!(all(&[]), (NO, NO));
    // A disabled track with the same name does not matter.
    let renewed = [off(Status::Disabled), track(2, "audit-all")];
    assert_eq!(all(&renewed), (YES, YES));
}

#[test]
fn every_configured_field_must_be_equal() {
    type Give = fn(&mut ExpectedTrack, &str);
    let found = Track {
        action_type: "Write".to_owned(),
        resource_type: "cam".to_owned(),
        storage: Storage {
            kind: "cls".to_owned(),
            region: "eu-frankfurt".to_owned(),
            name: "central".to_owned(),
            prefix: "trail".to_owned(),
            account: "100000000009".to_owned(),
            app_id: String::new(),
        },
        ..track(1, "a")
    };
    let fields: [(Give, &str); 7] = [
        (|it, to| it.action_type = Some(to.into()), "Write"),
        (|it, to| it.resource_type = Some(to.into()), "cam"),
        (|it, to| it.storage_type = Some(to.into()), "cls"),
        (|it, to| it.storage_region = Some(to.into()), "eu-frankfurt"),
        (|it, to| it.storage_name = Some(to.into()), "central"),
        (|it, to| it.storage_prefix = Some(to.into()), "trail"),
        (
            |it, to| it.storage_account = Some(to.into()),
            "100000000009",
        ),
    ];
    let mut whole = named("a");
    for (give, value) in fields {
        let mut expected = named("a");
        give(&mut expected, value);
        give(&mut whole, value);
        assert_eq!(answer(&expected, listing([found.clone()])), (YES, YES));
        for other in ["", "*", "cos", "CLS", "100000000009 "] {
            give(&mut expected, other);
            let answer = answer(&expected, listing([found.clone()]));
            assert_eq!(answer, (YES, NO), "{other:?} for {value}");
        }
    }
    assert_eq!(answer(&whole, listing([found.clone()])), (YES, YES));
    let off = Track {
        status: Status::Disabled,
        ..found
    };
    assert_eq!(answer(&whole, listing([off])), (YES, NO));
    // A field that must be empty differs from a field that may have any value.
    let mut without_prefix = named("a");
    without_prefix.storage_prefix = Some(String::new());
    assert_eq!(answer(&without_prefix, listing([track(1, "a")])), (YES, NO));
    let mut track = track(1, "a");
    track.storage.prefix = String::new();
    assert_eq!(answer(&without_prefix, listing([track])), (YES, YES));
}

#[test]
fn an_incomplete_listing_does_not_prove_that_a_track_is_missing() {
    let expected = named("audit-all");
    let short = |tracks: Vec<Track>| Listing {
        reported: tracks.len() as u64 + 1,
        ..listing(tracks)
    };
    assert_eq!(answer(&expected, short(vec![track(1, "x")])), (None, None));
    let listed = short(vec![track(1, "audit-all")]);
    assert_eq!(answer(&expected, listed), (YES, YES));
    let off = Track {
        status: Status::Disabled,
        ..track(1, "audit-all")
    };
    assert_eq!(answer(&expected, short(vec![off])), (YES, NO));
}

#[test]
fn a_track_that_is_not_listed_may_be_among_the_dropped_ones() {
    let account = expecting([named("kept"), named("dropped")]);
    let mut target = Polled::with_room_for(1);
    target.lists([track(1, "kept"), track(2, "dropped")]);
    let overviews = of(&account, &[&target]);
    let expectations = overviews[0].totals.expectations.iter();
    let answers: Vec<_> = expectations
        .map(|it| (it.name.as_str(), it.present, it.matches))
        .collect();
    assert_eq!(answers, [("kept", YES, YES), ("dropped", None, None)]);
}

#[test]
fn a_track_that_two_regions_show_differently_matches_if_both_match() {
    let mut moved = track(1, "audit-all");
    moved.storage.name = "elsewhere".to_owned();
    let renamed = track(1, "other");
    let expected = ExpectedTrack {
        storage_name: Some("audit-log".to_owned()),
        ..named("audit-all")
    };
    let account = expecting([expected]);
    for (one, other, answer) in [
        (track(1, "audit-all"), track(1, "audit-all"), (YES, YES)),
        (track(1, "audit-all"), moved, (YES, NO)),
        (track(1, "audit-all"), renamed, (YES, NO)),
    ] {
        for (older, younger) in [(&one, &other), (&other, &one)] {
            let (mut failing, mut well) = (Polled::new(), Polled::new());
            failing.lists([older.clone()]);
            well.pass(INTERVAL);
            well.lists([younger.clone()]);
            let it = &now(&account, &[&failing, &well]).totals.expectations[0];
            assert_eq!((it.present, it.matches), answer, "{older:?} {younger:?}");
        }
    }
}

#[test]
fn a_track_is_present_while_any_region_that_shows_it_is_fresh() {
    let account = expecting([named("a"), named("b")]);
    let (mut old, mut young) = (Polled::new(), Polled::new());
    old.lists([track(1, "a")]);
    young.pass(INTERVAL);
    young.lists([track(2, "b")]);
    let present: Vec<Vec<Option<bool>>> = of(&account, &[&old, &young])
        .iter()
        .rev()
        .map(|overview| {
            overview
                .totals
                .expectations
                .iter()
                .map(|it| it.present)
                .collect()
        })
        .collect();
    assert_eq!(present, [[YES, YES], [NO, YES]]);
}

/// Parses a response with one enabled track that has these fields.
fn parsed(fields: &str) -> Listing {
    let body = format!(
        r#"{{"Response":{{"TotalCount":1,"Tracks":[{{"TrackId":1,"Status":1,{fields}}}],"RequestId":"1"}}}}"#
    );
    listing(
        parse_page(body.as_bytes(), Offset::UTC)
            .expect("a valid page")
            .tracks,
    )
}

/// The result is unknown: the track may match.
#[test]
fn a_field_that_cannot_be_read_neither_matches_nor_differs() {
    let expected = ExpectedTrack {
        storage_name: Some("audit-log".to_owned()),
        ..named("a")
    };
    for (fields, expectation) in [
        (
            r#""Name":"a","Storage":{"StorageName":"audit-log"}"#,
            (YES, YES),
        ),
        (
            r#""Name":"a","Storage":{"StorageName":"elsewhere"}"#,
            (YES, NO),
        ),
        (r#""Name":"a","Storage":{"StorageName":null}"#, (YES, NO)),
        (
            r#""Name":"a","Storage":{"StorageName":["audit-log"]}"#,
            (YES, None),
        ),
        (r#""Name":"a","Storage":["audit-log"]"#, (YES, None)),
        // Another field of the storage cannot be read, and no value is expected for it.
        (
            r#""Name":"a","Storage":{"StorageName":"audit-log","StoragePrefix":{}}"#,
            (YES, YES),
        ),
        (
            r#""Name":[],"Storage":{"StorageName":"audit-log"}"#,
            (None, None),
        ),
    ] {
        assert_eq!(answer(&expected, parsed(fields)), expectation, "{fields}");
    }
    // A disabled track differs, whatever its storage is.
    let mut off = parsed(r#""Name":"a","Storage":[]"#);
    off.tracks[0].status = Status::Disabled;
    assert_eq!(answer(&expected, off), (YES, NO));
    let of_products = ExpectedTrack {
        resource_type: Some("*".to_owned()),
        ..named("a")
    };
    let unreadable = parsed(r#""Name":"a","ResourceType":{}"#);
    assert_eq!(answer(&of_products, unreadable), (YES, None));
}
