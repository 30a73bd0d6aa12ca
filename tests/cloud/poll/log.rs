//! The log: one line per change of state, and none while the state stays the same.

use super::cloud::{AUDIT_ALL, AUDIT_ALL_OFF, Reply, WRITES, error, listing};
use super::world::{SECRET_ID, SECRET_KEY, TOKEN, World, intervals_after};

/// Returns the lines of level `info` and above.
fn log_lines(world: &World) -> Vec<String> {
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
    assert_eq!(log_lines(&world), [denied]);

    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 10).await;
    let healthy = r#"INFO target is healthy again account="a" region="r""#;
    assert_eq!(log_lines(&world), [denied, healthy]);

    // Another reason changes the state; another code does not.
    world.cloud.play(|_| error("UnauthorizedOperation"));
    intervals_after(start, 15).await;
    world.cloud.play(|_| error("IpInBlacklist"));
    intervals_after(start, 20).await;
    world.cloud.play(|_| error("InvalidParameter"));
    intervals_after(start, 25).await;
    let rejected = r#"WARN target is failing account="a" region="r" reason="rejected" code="InvalidParameter" request_id="ed93" error="it is\\nso""#;
    assert_eq!(log_lines(&world), [denied, healthy, denied, rejected]);

    // The first recovery had no listing to count from; the tests poll every minute.
    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 30).await;
    let again = r#"INFO target is healthy again account="a" region="r" after="16m""#;
    assert_eq!(log_lines(&world)[4..], [again]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_healthy_from_the_start_is_logged_once() {
    let world = World::new(|_| listing(&[AUDIT_ALL, WRITES]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 10).await;
    assert_eq!(
        log_lines(&world),
        [r#"INFO target is healthy account="a" region="r" tracks=2"#]
    );
}

#[tokio::test(start_paused = true)]
async fn a_line_for_each_change_of_a_track_with_its_old_and_new_values() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    let before = log_lines(&world).len();
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

    let log_lines = &log_lines(&world)[before..];
    let expected = [
        r#"WARN track disabled account="a" region="r" track_id=7 track="audit-all" change="disabled" Status.from="enabled" Status.to="disabled""#,
        r#"INFO track created account="a" region="r" track_id=8 track="wri\\ntes" change="created" Status.to="enabled" Name.to="wri\\ntes""#,
        r#"WARN track vanished account="a" region="r" track_id=7 track="audit-all" change="vanished" Status.from="disabled" Name.from="audit-all""#,
        r#"WARN track disabled account="a" region="r" track_id=8 track="reads" change="disabled" Status.from="enabled" Status.to="disabled""#,
        r#"WARN track modified account="a" region="r" track_id=8 track="reads" change="modified" Name.from="wri\\ntes" Name.to="reads""#,
        r#"INFO track enabled account="a" region="r" track_id=8 track="reads" change="enabled" Status.from="disabled" Status.to="enabled""#,
    ];
    assert_eq!(log_lines.len(), expected.len(), "{log_lines:#?}");
    for (line, expected) in log_lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_during_an_outage_are_logged_once_after_it() {
    let world = World::new(|_| listing(&[AUDIT_ALL, WRITES]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    world.cloud.play(|_| error("UnauthorizedOperation"));
    intervals_after(start, 40).await;
    let before = log_lines(&world).len();
    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 200).await;
    let log_lines = &log_lines(&world)[before..];
    let vanished = r#"WARN track vanished account="a" region="r" track_id=8 track="wri\\ntes" change="vanished""#;
    assert_eq!(log_lines.len(), 2, "{log_lines:#?}");
    assert_eq!(
        log_lines[0],
        r#"INFO target is healthy again account="a" region="r" after="39m""#
    );
    assert!(log_lines[1].starts_with(vanished), "{log_lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn all_tracks_are_counted_and_those_beyond_the_limit_not_named() {
    let mut world = World::new(|_| listing(&[AUDIT_ALL, WRITES]));
    world.retention.max_tracks = 1;
    let start = world.start("a", &["r"]);
    intervals_after(start, 3).await;
    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 6).await;
    assert_eq!(
        log_lines(&world),
        [r#"INFO target is healthy account="a" region="r" tracks=2"#]
    );
}

/// If many fields change, the end of the line says as much as its beginning.
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
    let log_lines = log_lines(&world);
    let line = log_lines.last().expect("a line was logged");
    for part in [
        "NameX0,",
        "NameX9",
        "NameY9",
        r#"StorageName.from="ours" StorageName.to="theirs""#,
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_has_each_setting_that_had_a_value() {
    let track = r#"{"TrackId":7,"Name":"all","Status":1,"ActionType":"Write","ResourceType":"cam","EventNames":["DeleteUser","CreateUser"],"Storage":{"StorageType":"cos","StorageRegion":"r","StorageName":"ours"}}"#;
    let world = World::new(move |_| listing(&[track]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    world.cloud.play(|_| listing(&[]));
    intervals_after(start, 4).await;
    let vanished = r#"WARN track vanished account="a" region="r" track_id=7 track="all" change="vanished" Status.from="enabled" Name.from="all" ActionType.from="Write" ResourceType.from="cam" EventNames.from="CreateUser,DeleteUser" StorageType.from="cos" StorageRegion.from="r" StorageName.from="ours""#;
    assert_eq!(log_lines(&world).last().unwrap(), vanished);
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

/// The log stays readable while 500 tracks flap, and counts the lines that it suppresses.
#[tokio::test(start_paused = true)]
async fn lines_about_flapping_tracks_are_rate_limited_and_the_rest_is_counted() {
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
    let log_lines = log_lines(&world);
    let changes = log_lines
        .iter()
        .filter(|line| line.contains("track "))
        .count();
    let minutes = usize::try_from(polls).unwrap();
    assert!(changes <= 100 * (minutes + 1), "{changes}");
    assert!(changes >= 100, "{changes}");
    let counted: usize = log_lines
        .iter()
        .filter(|line| line.contains("log lines were suppressed: changes to tracks"))
        .map(|line| {
            line.rsplit_once("lines=")
                .unwrap()
                .1
                .parse::<usize>()
                .unwrap()
        })
        .sum();
    let lines = log_lines
        .iter()
        .filter(|line| line.contains("more changes"))
        .count();
    assert!(lines <= minutes + 1, "{lines}");
    let seen: u64 = world.target("r").counters.changes.values().sum();
    // The lines suppressed in the current minute are not logged yet.
    let reported = (changes + counted) as u64;
    assert!(
        reported <= seen && reported + 1_000 >= seen,
        "{reported} of {seen}"
    );
}

/// One line per kind of field, regardless of the number of tracks and polls.
#[tokio::test(start_paused = true)]
async fn each_kind_of_malformed_field_is_logged_once() {
    let odd = r#"{"TrackId":7,"Name":"a","Status":1,"Storage":{"StorageAccountId":[]}}"#;
    let other = r#"{"TrackId":8,"Name":"b","Status":1,"Storage":{"StorageAccountId":[1]}}"#;
    let world = World::new(move |call| {
        // Every response differs, so that the client parses each one.
        let name = format!(r#"{{"TrackId":{},"Name":"c","Status":1}}"#, call.page + 8);
        Reply::Body(super::cloud::page(3, &[odd, other, &name]))
    });
    let start = world.start("a\u{202e}", &["r"]);
    intervals_after(start, 10).await;
    assert_eq!(
        log_lines(&world),
        [
            r#"WARN ignoring a malformed field of a response account="a\\u{202e}" action="DescribeAuditTracks" field="Tracks[0].Storage.StorageAccountId: expected text, found a list""#,
            r#"INFO target is healthy account="a\\u{202e}" region="r" tracks=3"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn invisible_characters_are_escaped() {
    let world =
        World::new(|_| listing(&[r#"{"TrackId":7,"Name":"on\u202eno\u200b\u3164","Status":1}"#]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    world
        .cloud
        .play(|_| listing(&[r#"{"TrackId":7,"Name":"off\u2066\ufe0f","Status":0}"#]));
    intervals_after(start, 4).await;
    let log_lines = log_lines(&world).join("\n");
    assert!(log_lines.contains(r"off\\u{2066}\\u{fe0f}"), "{log_lines}");
    assert!(log_lines.contains(r"u{3164}"), "{log_lines}");
    let seen = |c: &char| !matches!(c, '\u{200b}'..='\u{206f}' | '\u{fe0f}' | '\u{3164}');
    assert!(log_lines.chars().all(|c| seen(&c)), "{log_lines}");
}
