//! Listings that exceed the limits of a listing.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::wire::{MAX_EVENT_NAMES, MAX_PAGE_TRACKS};
use cloudaudit_exporter::tencent::{
    MAX_LISTING_BYTES, MAX_PAGES, MAX_RESPONSE_BYTES, MAX_TEXT_BYTES,
};

use super::server::{Play, Server};
use super::{assert_malformed, poll};

/// Formats a page with these tracks and this total.
fn page(tracks: &[String], total: usize) -> String {
    let tracks = tracks.join(",");
    format!(r#"{{"Response":{{"Tracks":[{tracks}],"TotalCount":{total},"RequestId":"r-page"}}}}"#)
}

fn ids(ids: impl Iterator<Item = usize>) -> Vec<String> {
    ids.map(|id| format!(r#"{{"TrackId":{id}}}"#)).collect()
}

/// The client requests ten tracks. It accepts more, up to a number that no server should exceed.
#[tokio::test]
async fn the_number_of_tracks_on_a_page_is_limited() {
    let server = Server::playing(Play::response(&page(
        &ids(0..MAX_PAGE_TRACKS),
        MAX_PAGE_TRACKS,
    )))
    .await;
    assert_eq!(poll(&server).await.unwrap().tracks.len(), MAX_PAGE_TRACKS);

    let count = MAX_PAGE_TRACKS + 1;
    let server = Server::playing(Play::response(&page(&ids(0..count), count))).await;
    assert_malformed(&server, "the page has 1001 tracks").await;
    let failure = poll(&server).await.unwrap_err();
    assert_eq!(failure.request_id.as_deref(), Some("r-page"));

    // As many empty tracks as fit in a response.
    let most = vec!["{}".to_owned(); MAX_RESPONSE_BYTES / 3 - 100];
    let server = Server::playing(Play::response(&page(&most, most.len()))).await;
    assert_malformed(&server, "tracks (limit 1000)").await;
}

#[tokio::test]
async fn the_number_of_event_names_of_a_track_is_limited() {
    let track = |events: usize| {
        let names = vec!["\"e\""; events].join(",");
        page(&[format!(r#"{{"TrackId":7,"EventNames":[{names}]}}"#)], 1)
    };
    let server = Server::playing(Play::response(&track(MAX_EVENT_NAMES))).await;
    let listing = poll(&server).await.unwrap();
    assert_eq!(
        listing.tracks[0].event_names,
        ["e"],
        "event names are a set"
    );
    for events in [MAX_EVENT_NAMES + 1, 1_000_000] {
        let server = Server::playing(Play::response(&track(events))).await;
        assert_malformed(&server, &format!("track 7 has {events} EventNames")).await;
    }
}

/// Each page contains the maximum number of new tracks, and the total is always larger.
#[tokio::test]
async fn the_number_of_tracks_in_a_listing_is_limited() {
    let server = Server::start(|number| {
        let first = number * MAX_PAGE_TRACKS;
        Play::response(&page(&ids(first..first + MAX_PAGE_TRACKS), usize::MAX))
    })
    .await;
    assert_malformed(&server, "the listing is too large").await;
    // The limit is that of all pages with the requested ten tracks each.
    let most = MAX_PAGES as usize * 10;
    assert_eq!(server.requests(), most / MAX_PAGE_TRACKS + 1);
}

/// Each page has the maximum size and contains one new track.
#[tokio::test]
async fn the_size_of_a_listing_is_limited() {
    let padding = "x".repeat(MAX_RESPONSE_BYTES - 200);
    let server = Server::start(move |number| {
        let track = format!(r#"{{"TrackId":{number},"Padding":"{padding}"}}"#);
        Play::response(&page(&[track], 1_000))
    })
    .await;
    assert_malformed(&server, "the listing is too large").await;
    assert_eq!(
        server.requests(),
        MAX_LISTING_BYTES / MAX_RESPONSE_BYTES + 1
    );
}

/// With an invalid total, the client reads pages only while they contain new tracks.
#[tokio::test]
async fn an_invalid_total_does_not_cause_endless_requests() {
    for total in [
        "18446744073709551615",
        "99999999999999999999999999",
        "-1",
        "1e400",
        "1.5",
    ] {
        let body =
            page(&ids(0..1), 1).replace("\"TotalCount\":1", &format!("\"TotalCount\":{total}"));
        let server = Server::playing(Play::response(&body)).await;
        let failure = poll(&server).await.unwrap_err();
        let expected = match total {
            "18446744073709551615" => Reason::Incomplete,
            _ => Reason::Malformed,
        };
        assert_eq!(failure.reason, expected, "{total}: {failure}");
        assert!(server.requests() <= 4, "{}", server.requests());
    }
}

/// A long text is truncated, and texts that differ only after the limit stay different.
#[tokio::test]
async fn the_length_of_a_text_is_limited() {
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
        let server = Server::playing(Play::response(&named(&name))).await;
        let track = poll(&server).await.unwrap().tracks[0].clone();
        assert!(track.name.len() <= MAX_TEXT_BYTES, "{}", track.name.len());
        assert!(
            track.name.len() > MAX_TEXT_BYTES - 4,
            "{}",
            track.name.len()
        );
        assert_eq!(track.name, track.storage.name);
        let again = poll(&server).await.unwrap().tracks[0].clone();
        assert_eq!(again, track, "the same text is truncated differently");
        seen.push(track.name);
    }
    assert_eq!(seen[0], "x".repeat(MAX_TEXT_BYTES));
    assert!(seen[1].contains('…'));
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!(
        distinct.len(),
        seen.len(),
        "different texts are truncated to the same text"
    );
}

/// The message of an error is truncated to keep log lines short.
#[tokio::test]
async fn the_length_of_an_error_is_limited() {
    let long = "x".repeat(1_000_000);
    let body = format!(
        r#"{{"Response":{{"Error":{{"Code":"{long}","Message":"{long}"}},"RequestId":"{long}"}}}}"#
    );
    let server = Server::playing(Play::response(&body)).await;
    let failure = poll(&server).await.unwrap_err();
    assert_eq!(failure.code, "other");
    assert!(
        failure.to_string().len() < 1_200,
        "{}",
        failure.to_string().len()
    );
}
