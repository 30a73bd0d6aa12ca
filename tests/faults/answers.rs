//! What comes back in the place of a listing.

use std::time::Duration;

use cloudaudit_exporter::sim::Fault;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::memory::Memory;
use crate::play::Look;
use crate::row::Does::{DipBelow, Equal, Exceed, Grow, GrowBy};
use crate::row::{Numbers, Recovery, Row};

#[tokio::test(start_paused = true)]
async fn a_call_fails_once() {
    let row = Row::new("a_call_fails_once", "One call fails of what may pass")
        .also("cloudaudit_api_request_retries_total", GrowBy(1.0))
        .also(
            "cloudaudit_api_request_errors_total{code=\"InternalError\"}",
            GrowBy(1.0),
        )
        .remedy("nothing: the call is tried again within the poll");
    let begins = |stage: &Memory| {
        stage.world.inject(Fault::internal_error());
    };
    Memory::new().play(row, begins, |_| ()).await;
}

#[tokio::test(start_paused = true)]
async fn the_api_fails_inside() {
    let row = Row::new(
        "the_api_fails_inside",
        "Every call is answered with `InternalError`",
    )
    .fails("unavailable", "InternalError")
    .also("cloudaudit_api_request_retries_total", Grow)
    .remedy("wait; if it lasts, give the RequestId in the log to Tencent Cloud's support");
    Memory::new().play_fault(row, Fault::internal_error()).await;
}

#[tokio::test(start_paused = true)]
async fn a_code_nobody_knows() {
    let row = Row::new(
        "a_code_nobody_knows",
        "The API answers with a code that is not documented",
    )
    .fails("unavailable", "other")
    .remedy("read the code in the log");
    let fault = Fault::error("SomethingNew.OfThisYear", "nobody has heard of it");
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn the_api_throttles() {
    let row = Row::new(
        "the_api_throttles",
        "Every call is refused for its frequency",
    )
    .fails("throttled", "RequestLimitExceeded")
    .also(
        "cloudaudit_rate_limiter_requests_per_second",
        DipBelow(10.0),
    )
    .afterwards("cloudaudit_rate_limiter_requests_per_second", Equal(10.0))
    .recovers(Recovery::Intervals(2))
    .remedy(
        "find who else calls with this key; poll more rarely, or set a lower \
             `rate_limit.requests_per_second`",
    );
    Memory::new().play_fault(row, Fault::throttled()).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_slow() {
    let row = Row::new(
        "an_answer_is_slow",
        "An answer takes long, and less than `poll.timeout`",
    )
    .also("cloudaudit_last_poll_duration_seconds", Exceed(5.0))
    .remedy("nothing");
    let fault = Fault::delay(Duration::from_secs(8));
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_never_comes() {
    let row = Row::new(
        "an_answer_never_comes",
        "Connections stay open and nothing comes",
    )
    .fails("unavailable", "timeout")
    .remedy("look at the way to the API: firewalls, proxies");
    Memory::new().play_fault(row, Fault::hang()).await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_answers_html() {
    let row = Row::new(
        "a_gateway_answers_html",
        "HTTP 502 and a page in HTML: a gateway answers for the API",
    )
    .fails("unavailable", "http_502")
    .remedy("wait; if it lasts, look for the proxy that it comes from");
    Memory::new().play_fault(row, Fault::bad_gateway()).await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_redirects() {
    let row = Row::new(
        "a_proxy_redirects",
        "HTTP 302: a proxy wants a log-in, or the endpoint is another server's",
    )
    .fails("rejected", "http_302")
    .remedy("check `endpoint` and `http.proxy`; a signed call is not sent anywhere else");
    let fault = Fault::raw(StatusCode::FOUND, "text/html", "log in");
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_throttles() {
    let row = Row::new("a_gateway_throttles", "HTTP 429")
        .fails("throttled", "http_429")
        .remedy("find who else calls from this address");
    let fault = Fault::raw(StatusCode::TOO_MANY_REQUESTS, "text/html", "");
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_not_json() {
    let row = Row::new(
        "an_answer_is_not_json",
        "HTTP 200 and a text that is no JSON",
    )
    .fails("malformed", "malformed")
    .remedy("look for the proxy that it comes from");
    Memory::new().play_fault(row, Fault::not_json()).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_another_shape() {
    let row = Row::new(
        "an_answer_has_another_shape",
        "JSON in which fields have other types than documented",
    )
    .fails("malformed", "malformed")
    .remedy("the API has changed: update the exporter, or report it");
    Memory::new().play_fault(row, Fault::wrong_shape()).await;
}

/// Changes each track of every answer.
fn each_track(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Fault {
    Fault::edit(move |answer| {
        let tracks = answer["Response"]["Tracks"].as_array_mut();
        tracks.into_iter().flatten().for_each(&change);
    })
}

#[tokio::test(start_paused = true)]
async fn numbers_come_as_text() {
    let row = Row::new(
        "numbers_come_as_text",
        "Whole numbers are text or have a fraction of zero: `\"Status\": \"1\"`, `1.0`",
    )
    .remedy("nothing: they are read as what they mean");
    let fault = each_track(|track| {
        track["Status"] = Value::from(track["Status"].as_f64());
        track["TrackId"] = Value::from(track["TrackId"].to_string());
    });
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn a_field_cannot_be_read() {
    let row = Row::new(
        "a_field_cannot_be_read",
        "A field that only describes a track has another type: `CreateTime` is a list",
    )
    .numbers(Numbers::AsListed)
    .remedy("read the log: one line names the field; series that rest on it are absent");
    let fault = each_track(|track| track["CreateTime"] = Value::Array(Vec::new()));
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn one_id_comes_twice() {
    let row = Row::new(
        "one_id_comes_twice",
        "One track is listed twice, enabled and disabled",
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
    .remedy("look at the track in the console: the worse entry counts");
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
async fn an_answer_is_deep() {
    const LEVELS: usize = 1_000_000;
    let row = Row::new("an_answer_is_deep", "A million lists within one another")
        .fails("malformed", "malformed")
        .remedy("find out who answers in the API's place");
    let mut body = String::from(r#"{"Response":{"Tracks":"#);
    body.push_str(&"[".repeat(LEVELS));
    let fault = Fault::raw(StatusCode::OK, "application/json", body);
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_compressed() {
    let row = Row::new(
        "an_answer_is_compressed",
        "Answers with `Content-Encoding: gzip`, which nobody has asked for",
    )
    .fails("malformed", "malformed")
    .remedy("find the proxy that does it");
    let begins = |stage: &Memory| {
        stage.way.change_headers(|headers| {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        });
    };
    let ends = |stage: &Memory| stage.way.change_headers(|_| ());
    Memory::new().play(row, begins, ends).await;
}

#[tokio::test(start_paused = true)]
async fn tracks_are_null() {
    let row = Row::new(
        "tracks_are_null",
        "`Tracks` is null and `TotalCount` above 0",
    )
    .fails("malformed", "malformed")
    .remedy("wait; it is never taken for \"no tracks\"");
    Memory::new().play_fault(row, Fault::null_tracks()).await;
}

#[tokio::test(start_paused = true)]
async fn a_track_has_no_id() {
    let row = Row::new("a_track_has_no_id", "A track comes without its `TrackId`")
        .fails("malformed", "malformed")
        .remedy("report it");
    let fault = Fault::edit(|answer| answer["Response"]["Tracks"][2]["TrackId"] = Value::Null);
    Memory::new().play_fault(row, fault).await;
}

#[tokio::test(start_paused = true)]
async fn fields_are_null() {
    let row = Row::new(
        "fields_are_null",
        "Every field of a track is null, but for its id",
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
    .remedy("look at the tracks in the console: a status that is not known counts as off");
    Memory::new().play_fault(row, Fault::null_fields()).await;
}

#[tokio::test(start_paused = true)]
async fn the_api_denies_once() {
    let row = Row::new(
        "the_api_denies_once",
        "CAM says no to one call, though nothing was changed",
    )
    .fails("unauthorized", "UnauthorizedOperation")
    .remedy("nothing: a denial is not tried again before the next poll");
    let begins = |stage: &Memory| {
        stage.world.inject(Fault::unauthorized());
    };
    let look = Look {
        seen_for: 0,
        ..Look::default()
    };
    Memory::new().play_seen(row, look, begins, |_| ()).await;
}
