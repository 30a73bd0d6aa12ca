//! Responses that are not a valid listing.

use std::time::Duration;

use cloudaudit_exporter::sim::Fault;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::memory::Memory;
use crate::play::Look;
use crate::row::Does::{DipBelow, Equal, Exceed, Grow, GrowBy};
use crate::row::{Numbers, Recovery, Row};

#[tokio::test(start_paused = true)]
async fn a_request_fails_once() {
    let row = Row::new(
        "a_request_fails_once",
        "One request fails with a transient error",
    )
    .also("cloudaudit_api_request_retries_total", GrowBy(1.0))
    .also(
        "cloudaudit_api_request_errors_total{code=\"InternalError\"}",
        GrowBy(1.0),
    )
    .remedy("nothing: the exporter retries");
    let begins = |stage: &Memory| {
        stage.world.inject(Fault::internal_error());
    };
    Memory::new().play(row, begins, |_| ()).await;
}

#[tokio::test(start_paused = true)]
async fn the_api_has_internal_errors() {
    let row = Row::new(
        "the_api_has_internal_errors",
        "Every request fails with `InternalError`",
    )
    .fails("unavailable", "InternalError")
    .also("cloudaudit_api_request_retries_total", Grow)
    .remedy("wait; if the fault lasts, give Tencent Cloud's support the `RequestId` from the log");
    Memory::new().play_fault(row, Fault::internal_error()).await;
}

#[tokio::test(start_paused = true)]
async fn an_undocumented_code() {
    let row = Row::new(
        "an_undocumented_code",
        "The part of an error code before the dot is undocumented",
    )
    .fails("unavailable", "other")
    .remedy("read the code in the log");
    let fault = Fault::error("SomethingNew.OfThisYear", "a new error");
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn the_api_throttles() {
    let row = Row::new("the_api_throttles", "The API throttles every request")
        .fails("throttled", "RequestLimitExceeded")
        .also(
            "cloudaudit_rate_limiter_requests_per_second",
            DipBelow(10.0),
        )
        .afterwards("cloudaudit_rate_limiter_requests_per_second", Equal(10.0))
        .recovers(Recovery::Intervals(2))
        .remedy(
            "find other clients that use this key, lengthen `poll.interval`, or lower `rate_limit.requests_per_second`",
        );
    Memory::new().play_fault(row, Fault::throttled()).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_is_slow() {
    let row = Row::new(
        "a_response_is_slow",
        "A response takes 8 s, less than `poll.timeout`",
    )
    .also("cloudaudit_last_poll_duration_seconds", Exceed(5.0))
    .remedy("nothing");
    let fault = Fault::delay(Duration::from_secs(8));
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn no_response_arrives() {
    let row = Row::new(
        "no_response_arrives",
        "Connections stay open, but no response arrives",
    )
    .fails("unavailable", "timeout")
    .remedy("check firewalls and proxies");
    Memory::new().play_fault(row, Fault::hang()).await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_answers_html() {
    let row = Row::new(
        "a_gateway_answers_html",
        "A gateway returns HTTP 502 and an HTML page",
    )
    .fails("unavailable", "http_502")
    .remedy("wait; if the fault lasts, find the gateway");
    Memory::new().play_fault(row, Fault::bad_gateway()).await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_redirects() {
    let row = Row::new(
        "a_proxy_redirects",
        "A proxy with a login page, or a wrong server, returns HTTP 302",
    )
    .fails("rejected", "http_302")
    .remedy("check `endpoint` and `http.proxy`");
    let fault = Fault::raw(StatusCode::FOUND, "text/html", "log in");
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_throttles() {
    let row = Row::new("a_gateway_throttles", "A gateway returns HTTP 429")
        .fails("throttled", "http_429")
        .remedy("find other clients that use this key or source address");
    let fault = Fault::raw(StatusCode::TOO_MANY_REQUESTS, "text/html", "");
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_is_not_json() {
    let row = Row::new("a_response_is_not_json", "An HTTP 200 response is not JSON")
        .fails("malformed", "malformed")
        .remedy("find the proxy or server that responds");
    Memory::new().play_fault(row, Fault::not_json()).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_has_another_shape() {
    let row = Row::new("a_response_has_another_shape", "`Tracks` is not a list")
        .fails("malformed", "malformed")
        .remedy("update the exporter, or open an issue");
    Memory::new().play_fault(row, Fault::wrong_shape()).await;
}

/// Changes each track of every response.
fn each_track(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Fault {
    Fault::edit(move |answer| {
        let tracks = answer["Response"]["Tracks"].as_array_mut();
        tracks.into_iter().flatten().for_each(&change);
    })
}

#[tokio::test(start_paused = true)]
async fn numbers_are_text() {
    let row = Row::new(
        "numbers_are_text",
        "The API writes whole numbers as `\"1\"` or `1.0`",
    )
    .remedy("nothing");
    let fault = each_track(|track| {
        track["Status"] = Value::from(track["Status"].as_f64());
        track["TrackId"] = Value::from(track["TrackId"].to_string());
    });
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn a_field_has_another_type() {
    let row = Row::new(
        "a_field_has_another_type",
        "`CreateTime` is a list instead of text",
    )
    .numbers(Numbers::AsListed)
    .remedy("open an issue; `cloudaudit_track_created_timestamp_seconds` is absent");
    let fault = each_track(|track| track["CreateTime"] = Value::Array(Vec::new()));
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn one_track_is_listed_twice() {
    let row = Row::new(
        "one_track_is_listed_twice",
        "A response lists a track twice: as enabled and as disabled",
    )
    .numbers(Numbers::AsListed)
    .also(
        "cloudaudit_track_changes_total{change=\"disabled\"}",
        GrowBy(1.0),
    )
    .afterwards(
        "cloudaudit_track_changes_total{change=\"enabled\"}",
        GrowBy(1.0),
    )
    .remedy("check the track in the console; the exporter uses the disabled entry");
    let fault = Fault::edit(|answer| {
        let tracks = answer["Response"]["Tracks"].as_array_mut();
        if let Some(tracks) = tracks {
            let mut twin = tracks[0].clone();
            twin["Status"] = Value::from(0);
            tracks.insert(0, twin);
        }
    });
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_is_deep() {
    const LEVELS: usize = 1_000_000;
    let row = Row::new(
        "a_response_is_deep",
        "A response contains a million nested lists",
    )
    .fails("malformed", "malformed")
    .remedy("find the server that responds");
    let mut body = String::from(r#"{"Response":{"Tracks":"#);
    body.push_str(&"[".repeat(LEVELS));
    let fault = Fault::raw(StatusCode::OK, "application/json", body);
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_is_compressed() {
    let row = Row::new(
        "a_response_is_compressed",
        "A response has `Content-Encoding: gzip`",
    )
    .fails("malformed", "malformed")
    .remedy("find the proxy that compresses responses");
    let begins = |stage: &Memory| {
        stage.transport.change_headers(|headers| {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        });
    };
    let ends = |stage: &Memory| stage.transport.change_headers(|_| ());
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn tracks_are_null() {
    let row = Row::new(
        "tracks_are_null",
        "`Tracks` is null, although `TotalCount` is above 0",
    )
    .fails("malformed", "malformed")
    .remedy("wait");
    Memory::new().play_fault(row, Fault::null_tracks()).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_has_no_id() {
    let row = Row::new("a_track_has_no_id", "A track has no `TrackId`")
        .fails("malformed", "malformed")
        .remedy("open an issue");
    let fault = Fault::edit(|answer| answer["Response"]["Tracks"][2]["TrackId"] = Value::Null);
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn fields_are_null() {
    let row = Row::new(
        "fields_are_null",
        "All fields of the tracks, except the ids, are null",
    )
    .numbers(Numbers::AsListed)
    .also(
        "cloudaudit_tracks{status=\"unknown\",storage_type=\"other\"}",
        Equal(5.0),
    )
    .also("cloudaudit_account_tracks{status=\"enabled\"}", Equal(0.0))
    .also(
        "cloudaudit_track_changes_total{change=\"disabled\"}",
        GrowBy(5.0),
    )
    .afterwards(
        "cloudaudit_track_changes_total{change=\"enabled\"}",
        GrowBy(5.0),
    )
    .remedy(
        "check the tracks in the console; a change from enabled to unknown counts as `disabled`",
    );
    Memory::new().play_fault(row, Fault::null_fields()).await;
}

#[tokio::test(start_paused = true)]
async fn the_api_denies_once() {
    let row = Row::new("the_api_denies_once", "CAM denies one request")
        .fails("unauthorized", "UnauthorizedOperation")
        .remedy("nothing");
    let begins = |stage: &Memory| {
        stage.world.inject(Fault::unauthorized());
    };
    let look = Look {
        seen_for: 0,
        ..Look::default()
    };
    Memory::new().play_seen(row, look, begins, |_| ()).await;
}
