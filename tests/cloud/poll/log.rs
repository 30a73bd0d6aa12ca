//! The log: a line when something is another way than before, and none while it is not.

use super::cloud::{AUDIT_ALL, AUDIT_ALL_OFF, Reply, WRITES, error, listing};
use super::world::{SECRET_ID, SECRET_KEY, TOKEN, World, intervals_after};

/// The lines of level `info` and above.
fn said(world: &World) -> Vec<String> {
    let lines = world.log().into_iter();
    lines
        .filter(|line| !line.starts_with("DEBUG") && !line.starts_with("TRACE"))
        .map(|line| line.replace("cloudaudit_exporter::poll::log: ", ""))
        .map(|line| line.replace("cloudaudit_exporter::poll::change_line: ", ""))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_line_for_each_change_of_state_and_none_for_a_poll() {
    let world = World::new(|_| error("UnauthorizedOperation"));
    let start = world.start("a", &["r"]);
    intervals_after(start, 5).await;
    let denied = r#"WARN target is failing account="a" region="r" reason="unauthorized" code="UnauthorizedOperation" request_id="ed93" error="it is\\nso""#;
    assert_eq!(said(&world), [denied]);

    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 10).await;
    let healthy = r#"INFO target is healthy again account="a" region="r""#;
    assert_eq!(said(&world), [denied, healthy]);

    // Another reason is another state; another code is not.
    world.cloud.play(|_| error("UnauthorizedOperation"));
    intervals_after(start, 15).await;
    world.cloud.play(|_| error("IpInBlacklist"));
    intervals_after(start, 20).await;
    world.cloud.play(|_| error("InvalidParameter"));
    intervals_after(start, 25).await;
    let rejected = r#"WARN target is failing account="a" region="r" reason="rejected" code="InvalidParameter" request_id="ed93" error="it is\\nso""#;
    assert_eq!(said(&world), [denied, healthy, denied, rejected]);

    // The first recovery had no listing to count from; the tests poll every minute.
    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 30).await;
    let again = r#"INFO target is healthy again account="a" region="r" after="16m""#;
    assert_eq!(said(&world)[4..], [again]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_was_well_from_the_beginning_says_so_once() {
    let world = World::new(|_| listing(&[AUDIT_ALL, WRITES]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 10).await;
    assert_eq!(
        said(&world),
        [r#"INFO target is healthy account="a" region="r" tracks=2"#]
    );
}

#[tokio::test(start_paused = true)]
async fn a_line_for_each_change_of_a_track_with_what_it_was_and_is() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    let before = said(&world).len();
    world.cloud.play(|_| listing(&[AUDIT_ALL_OFF, WRITES]));
    intervals_after(start, 4).await;
    world.cloud.play(|_| listing(&[WRITES]));
    intervals_after(start, 6).await;
    world
        .cloud
        .play(|_| listing(&[r#"{"TrackId":8,"Name":"reads","Status":0}"#]));
    intervals_after(start, 8).await;
    world
        .cloud
        .play(|_| listing(&[r#"{"TrackId":8,"Name":"reads","Status":1}"#]));
    intervals_after(start, 10).await;

    let said = &said(&world)[before..];
    let expected = [
        r#"WARN track disabled account="a" region="r" track_id=7 track="audit-all" change="disabled" Status.from="enabled" Status.to="disabled""#,
        r#"INFO track created account="a" region="r" track_id=8 track="wri\\ntes" change="created" Status.to="enabled" Name.to="wri\\ntes""#,
        r#"WARN track vanished account="a" region="r" track_id=7 track="audit-all" change="vanished" Status.from="disabled" Name.from="audit-all""#,
        r#"WARN track disabled account="a" region="r" track_id=8 track="reads" change="disabled" Status.from="enabled" Status.to="disabled""#,
        r#"WARN track modified account="a" region="r" track_id=8 track="reads" change="modified" Name.from="wri\\ntes" Name.to="reads""#,
        r#"INFO track enabled account="a" region="r" track_id=8 track="reads" change="enabled" Status.from="disabled" Status.to="enabled""#,
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (line, expected) in said.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_happened_in_the_dark_is_said_when_it_is_light_and_once() {
    let world = World::new(|_| listing(&[AUDIT_ALL, WRITES]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    world.cloud.play(|_| error("UnauthorizedOperation"));
    intervals_after(start, 40).await;
    let before = said(&world).len();
    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 200).await;
    let said = &said(&world)[before..];
    let vanished = r#"WARN track vanished account="a" region="r" track_id=8 track="wri\\ntes" change="vanished""#;
    assert_eq!(said.len(), 2, "{said:#?}");
    assert_eq!(
        said[0],
        r#"INFO target is healthy again account="a" region="r" after="39m""#
    );
    assert!(said[1].starts_with(vanished), "{said:#?}");
}

/// Of tracks beyond the limit nothing is said but their number.
#[tokio::test(start_paused = true)]
async fn all_tracks_are_counted_and_those_beyond_the_limit_not_named() {
    let mut world = World::new(|_| listing(&[AUDIT_ALL, WRITES]));
    world.retention.max_tracks = 1;
    let start = world.start("a", &["r"]);
    intervals_after(start, 3).await;
    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 6).await;
    assert_eq!(
        said(&world),
        [r#"INFO target is healthy account="a" region="r" tracks=2"#]
    );
}

/// Where much has changed, the end of the line tells as much as its beginning.
#[tokio::test(start_paused = true)]
async fn a_long_field_does_not_hide_the_others() {
    let track = |events: char, bucket: &str| {
        let names: Vec<String> = (0..10)
            .map(|number| {
                format!(
                    "{:?}",
                    format!("DescribeSomethingWithALongName{events}{number}")
                )
            })
            .collect();
        let names = names.join(",");
        format!(
            r#"{{"TrackId":7,"Status":1,"EventNames":[{names}],"Storage":{{"StorageName":"{bucket}"}}}}"#
        )
    };
    let (before, after) = (track('X', "ours"), track('Y', "theirs"));
    let world = World::new(move |_| listing(&[&before]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    world.cloud.play(move |_| listing(&[&after]));
    intervals_after(start, 4).await;
    let said = said(&world);
    let line = said.last().expect("it was said");
    for part in [
        "NameX0,",
        "NameX9",
        "NameY9",
        r#"StorageName.from="ours" StorageName.to="theirs""#,
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// A deleted track had ten fields. What it was called and where its log went is enough.
#[tokio::test(start_paused = true)]
async fn a_deletion_names_what_it_was_and_no_empty_field() {
    let track = r#"{"TrackId":7,"Name":"all","Status":1,"ActionType":"*","ResourceType":"*","EventNames":["*"],"Storage":{"StorageType":"cos","StorageRegion":"r","StorageName":"ours"}}"#;
    let world = World::new(move |_| listing(&[track]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    world.cloud.play(|_| listing(&[]));
    intervals_after(start, 4).await;
    let vanished = r#"WARN track vanished account="a" region="r" track_id=7 track="all" change="vanished" Status.from="enabled" Name.from="all" StorageType.from="cos" StorageRegion.from="r" StorageName.from="ours""#;
    assert_eq!(said(&world).last().unwrap(), vanished);
}

#[tokio::test(start_paused = true)]
async fn no_line_holds_a_secret() {
    let mut number = 0;
    let world = World::new(move |_| {
        number += 1;
        match number % 7 {
            0 => listing(&[AUDIT_ALL]),
            1 => Reply::Silence,
            2 => error("AuthFailure.SignatureFailure"),
            3 => Reply::Body("<html>".to_owned()),
            _ => listing(&[AUDIT_ALL_OFF, WRITES]),
        }
    });
    let start = world.start("a", &["r", "s"]);
    intervals_after(start, 40).await;
    let log = world.log();
    assert!(log.len() > 10, "{log:#?}");
    for line in &log {
        for secret in [
            SECRET_ID,
            SECRET_KEY,
            TOKEN,
            "Signature=",
            "TC3-HMAC-SHA256",
        ] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

/// 500 tracks that flap: the log stays readable, and says how much it left out.
#[tokio::test(start_paused = true)]
async fn tracks_that_flap_are_logged_so_often_a_minute_and_the_rest_is_counted() {
    let mut round = 0;
    let mut world = World::new(move |_| {
        round += 1;
        let tracks: Vec<String> = (0..500)
            .map(|id| {
                format!(
                    r#"{{"TrackId":{id},"Name":"t{id}","Status":{}}}"#,
                    round % 2
                )
            })
            .collect();
        let tracks: Vec<&str> = tracks.iter().map(String::as_str).collect();
        listing(&tracks)
    });
    world.options.page_size = 500;
    let start = world.start("a", &["r"]);
    let polls = 20;
    intervals_after(start, polls).await;
    let said = said(&world);
    let changes = said.iter().filter(|line| line.contains("track ")).count();
    let minutes = usize::try_from(polls).unwrap();
    assert!(changes <= 100 * (minutes + 1), "{changes}");
    assert!(changes >= 100, "{changes}");
    let counted: usize = said
        .iter()
        .filter(|line| line.contains("log lines were suppressed: changes of tracks"))
        .map(|line| {
            line.rsplit_once("lines=")
                .unwrap()
                .1
                .parse::<usize>()
                .unwrap()
        })
        .sum();
    let lines = said
        .iter()
        .filter(|line| line.contains("more changes"))
        .count();
    assert!(lines <= minutes + 1, "{lines}");
    let seen: u64 = world.target("r").counters.changes.values().sum();
    // What the present minute left out is not said yet.
    let told = (changes + counted) as u64;
    assert!(told <= seen && told + 1_000 >= seen, "{told} of {seen}");
}

/// Once for each kind of field, however many tracks and polls it is in.
#[tokio::test(start_paused = true)]
async fn a_line_for_a_kind_of_malformed_field_and_none_for_the_next_poll() {
    let odd = r#"{"TrackId":7,"Name":"a","Status":1,"Storage":{"StorageAccountId":[]}}"#;
    let other = r#"{"TrackId":8,"Name":"b","Status":1,"Storage":{"StorageAccountId":[1]}}"#;
    let world = World::new(move |call| {
        // Never the same twice, so that each is read.
        let name = format!(r#"{{"TrackId":{},"Name":"c","Status":1}}"#, call.page + 8);
        Reply::Body(super::cloud::page(3, &[odd, other, &name]))
    });
    let start = world.start("a\u{202e}", &["r"]);
    intervals_after(start, 10).await;
    assert_eq!(
        said(&world),
        [
            r#"WARN ignoring a malformed field of a response account="a\\u{202e}" action="DescribeAuditTracks" field="Tracks[0].Storage.StorageAccountId: expected text, found a list""#,
            r#"INFO target is healthy account="a\\u{202e}" region="r" tracks=3"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_is_written_out() {
    let world =
        World::new(|_| listing(&[r#"{"TrackId":7,"Name":"on\u202eno\u200b\u3164","Status":1}"#]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    world
        .cloud
        .play(|_| listing(&[r#"{"TrackId":7,"Name":"off\u2066\ufe0f","Status":0}"#]));
    intervals_after(start, 4).await;
    let said = said(&world).join("\n");
    assert!(said.contains(r"off\\u{2066}\\u{fe0f}"), "{said}");
    assert!(said.contains(r"u{3164}"), "{said}");
    let seen = |c: &char| !matches!(c, '\u{200b}'..='\u{206f}' | '\u{fe0f}' | '\u{3164}');
    assert!(said.chars().all(|c| seen(&c)), "{said}");
}
