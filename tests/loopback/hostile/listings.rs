//! Listings that hold more than a listing can.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::wire::{MAX_EVENT_NAMES, MAX_PAGE_TRACKS};
use cloudaudit_exporter::tencent::{
    MAX_LISTING_BYTES, MAX_PAGES, MAX_RESPONSE_BYTES, MAX_TEXT_BYTES,
};

use super::server::{Play, Server};
use super::{assert_malformed, poll};

/// A page of tracks as they are written, of `total`.
fn page(tracks: &[String], total: usize) -> String {
    let tracks = tracks.join(",");
    format!(r#"{{"Response":{{"Tracks":[{tracks}],"TotalCount":{total},"RequestId":"r-page"}}}}"#)
}

fn ids(ids: impl Iterator<Item = usize>) -> Vec<String> {
    ids.map(|id| format!(r#"{{"TrackId":{id}}}"#)).collect()
}

/// Ten are asked for. More are taken, up to a number that no server has a reason for.
#[tokio::test]
async fn a_page_has_a_number_of_tracks() {
    let server = Server::playing(Play::answer(&page(
        &ids(0..MAX_PAGE_TRACKS),
        MAX_PAGE_TRACKS,
    )))
    .await;
    assert_eq!(poll(&server).await.unwrap().tracks.len(), MAX_PAGE_TRACKS);

    let count = MAX_PAGE_TRACKS + 1;
    let server = Server::playing(Play::answer(&page(&ids(0..count), count))).await;
    assert_malformed(&server, "the page has 1001 tracks").await;
    let failure = poll(&server).await.unwrap_err();
    assert_eq!(failure.request_id.as_deref(), Some("r-page"));

    // As many as fit, and as little in each as there can be.
    let most = vec!["{}".to_owned(); MAX_RESPONSE_BYTES / 3 - 100];
    let server = Server::playing(Play::answer(&page(&most, most.len()))).await;
    assert_malformed(&server, "tracks (limit 1000)").await;
}

#[tokio::test]
async fn a_track_has_a_number_of_events() {
    let track = |events: usize| {
        let names = vec!["\"e\""; events].join(",");
        page(&[format!(r#"{{"TrackId":7,"EventNames":[{names}]}}"#)], 1)
    };
    let server = Server::playing(Play::answer(&track(MAX_EVENT_NAMES))).await;
    let listing = poll(&server).await.unwrap();
    assert_eq!(listing.tracks[0].event_names, ["e"], "they are a set");
    for events in [MAX_EVENT_NAMES + 1, 1_000_000] {
        let server = Server::playing(Play::answer(&track(events))).await;
        assert_malformed(&server, &format!("track 7 has {events} EventNames")).await;
    }
}

/// Each page brings as many new tracks as it may, and the total says that there are always more.
#[tokio::test]
async fn a_listing_has_a_number_of_tracks() {
    let server = Server::start(|number| {
        let first = number * MAX_PAGE_TRACKS;
        Play::answer(&page(&ids(first..first + MAX_PAGE_TRACKS), usize::MAX))
    })
    .await;
    assert_malformed(&server, "the listing is too large").await;
    // What the pages held that were asked for, ten on each.
    let most = MAX_PAGES as usize * 10;
    assert_eq!(server.requests(), most / MAX_PAGE_TRACKS + 1);
}

/// Each page is as large as it may be, and brings one new track.
#[tokio::test]
async fn a_listing_has_a_size() {
    let padding = "x".repeat(MAX_RESPONSE_BYTES - 200);
    let server = Server::start(move |number| {
        let track = format!(r#"{{"TrackId":{number},"Padding":"{padding}"}}"#);
        Play::answer(&page(&[track], 1_000))
    })
    .await;
    assert_malformed(&server, "the listing is too large").await;
    assert_eq!(
        server.requests(),
        MAX_LISTING_BYTES / MAX_RESPONSE_BYTES + 1
    );
}

/// A total that says nonsense is walked as far as there is something new.
#[tokio::test]
async fn a_total_that_cannot_be_ends_where_the_tracks_do() {
    for total in [
        "18446744073709551615",
        "99999999999999999999999999",
        "-1",
        "1e400",
        "1.5",
    ] {
        let body =
            page(&ids(0..1), 1).replace("\"TotalCount\":1", &format!("\"TotalCount\":{total}"));
        let server = Server::playing(Play::answer(&body)).await;
        let failure = poll(&server).await.unwrap_err();
        let expected = match total {
            "18446744073709551615" => Reason::Incomplete,
            _ => Reason::Malformed,
        };
        assert_eq!(failure.reason, expected, "{total}: {failure}");
        assert!(server.requests() <= 4, "{}", server.requests());
    }
}

/// A long text is cut; one like it that differs behind the cut still differs, and what is short is
/// what it was.
#[tokio::test]
async fn a_text_has_a_length() {
    let named = |name: &str| {
        let track =
            format!(r#"{{"TrackId":7,"Name":"{name}","Storage":{{"StorageName":"{name}"}}}}"#);
        page(&[track], 1)
    };
    let mut seen = Vec::new();
    for name in [
        "x".repeat(MAX_TEXT_BYTES),
        "x".repeat(MAX_TEXT_BYTES + 1),
        "x".repeat(1_000_000),
        format!("{}y", "x".repeat(1_000_000)),
        "轨".repeat(100_000),
        "\\u0000".repeat(100_000),
    ] {
        let server = Server::playing(Play::answer(&named(&name))).await;
        let track = poll(&server).await.unwrap().tracks[0].clone();
        assert!(track.name.len() <= MAX_TEXT_BYTES, "{}", track.name.len());
        assert!(
            track.name.len() > MAX_TEXT_BYTES - 4,
            "{}",
            track.name.len()
        );
        assert_eq!(track.name, track.storage.name);
        let again = poll(&server).await.unwrap().tracks[0].clone();
        assert_eq!(again, track, "the same is the same");
        seen.push(track.name);
    }
    assert_eq!(seen[0], "x".repeat(MAX_TEXT_BYTES));
    assert!(seen[1].contains('…'));
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "what differs differs");
}

/// What the API says of an error is for people, and not for a log without end.
#[tokio::test]
async fn an_error_has_a_length() {
    let long = "x".repeat(1_000_000);
    let body = format!(
        r#"{{"Response":{{"Error":{{"Code":"{long}","Message":"{long}"}},"RequestId":"{long}"}}}}"#
    );
    let server = Server::playing(Play::answer(&body)).await;
    let failure = poll(&server).await.unwrap_err();
    assert_eq!(failure.code, "other");
    assert!(
        failure.to_string().len() < 1_200,
        "{}",
        failure.to_string().len()
    );
}
