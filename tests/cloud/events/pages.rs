//! Pages, tokens, limits and failures.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::Fault;
use cloudaudit_exporter::tencent::{
    Client, EventsQuery, MAX_EVENT_PAGES, ResponseFuture, Transport,
};
use http::Request;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::support::scripted::{EVENING, Notes, SECRET_ID, answer, options, parts};
use super::{REGION, client, events, query, records, world};

#[tokio::test(start_paused = true)]
async fn all_pages_are_read_and_sorted() {
    let (world, account) = world();
    for _ in 0..60 {
        account.set_status(41, 0).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        account
            .recorded_after(Duration::from_secs(20))
            .set_status(41, 1)
            .unwrap();
    }
    tokio::time::advance(Duration::from_secs(20)).await;
    let read = events(&world, &query()).await.unwrap();
    assert_eq!(
        (read.records.len(), read.is_complete, read.requests),
        (120, true, 3)
    );
    assert!(
        read.records
            .is_sorted_by(|a, b| a.operation.at >= b.operation.at)
    );
}

#[tokio::test(start_paused = true)]
async fn the_page_cap_is_distinguished_from_the_end() {
    let (world, account) = world();
    for _ in 0..60 {
        account.set_status(41, 0).unwrap();
        account.set_status(41, 1).unwrap();
    }
    let capped = EventsQuery {
        max_pages: 2,
        ..query()
    };
    let read = events(&world, &capped).await.unwrap();
    assert_eq!(
        (read.records.len(), read.is_complete, read.requests),
        (100, false, 2)
    );
    assert_eq!(world.call_count_of("DescribeEvents"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_is_read_only_when_it_is_visible() {
    let (world, account) = world();
    world.set_record_delay(Duration::from_secs(20));
    account.set_status(41, 0).unwrap();
    assert_eq!(records(&world).await, []);
    tokio::time::advance(Duration::from_secs(19)).await;
    assert_eq!(records(&world).await, []);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(records(&world).await.len(), 1);
}

/// The exporter's own calls are recorded, too; the filter excludes them.
#[tokio::test(start_paused = true)]
async fn reads_are_recorded_with_their_outcome() {
    let (world, account) = world();
    let client = client(&world);
    let notes = Notes::default();
    client.list(REGION, Instant::now(), &notes).await.unwrap();
    account
        .deny_action(SECRET_ID, "cloudaudit:DescribeAuditTracks")
        .unwrap();
    client
        .list(REGION, Instant::now(), &notes)
        .await
        .unwrap_err();
    assert_eq!(records(&world).await, []);
    let everything = EventsQuery {
        attributes: Vec::new(),
        ..query()
    };
    let read = events(&world, &everything).await.unwrap();
    let shown = read.records.iter().map(|record| {
        let outcome = record.outcome.as_str();
        (&*record.operation.event_name, &*record.action_type, outcome)
    });
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(
        shown.contains(&("DescribeAuditTracks", "Read", "succeeded")),
        "{shown:?}"
    );
    assert!(
        shown.contains(&("DescribeAuditTracks", "Read", "denied")),
        "{shown:?}"
    );
    assert!(
        shown.contains(&("DescribeEvents", "Read", "succeeded")),
        "{shown:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn failures_are_classified_and_not_retried_after_the_deadline() {
    let (world, account) = world();
    world.inject(Fault::internal_error());
    let failure = events(&world, &query()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Unavailable);
    assert_eq!(world.call_count_of("DescribeEvents"), 1);
    account
        .deny_action(SECRET_ID, "cloudaudit:DescribeEvents")
        .unwrap();
    let failure = events(&world, &query()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Unauthorized);
    assert_eq!(world.call_count_of("DescribeEvents"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_api_rejects_queries_outside_the_documented_limits() {
    let (world, _) = world();
    let day = 86_400;
    for (from, until) in [
        (EVENING - 91 * day, EVENING - 90 * day),
        (EVENING - 30 * day, EVENING),
        (EVENING, EVENING - 1),
    ] {
        let wrong = EventsQuery {
            from,
            until,
            ..query()
        };
        let failure = events(&world, &wrong).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Rejected, "{from} {until}");
    }
    let wrong = EventsQuery {
        attributes: vec![("Username", "alice".to_owned())],
        ..query()
    };
    let failure = events(&world, &wrong).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Rejected);
}

/// Returns the pages in order, repeats the last one, and records the requests.
struct Pages {
    pages: Vec<Value>,
    requests: Mutex<Vec<Value>>,
}

impl Transport for Pages {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let mut requests = self.requests.lock().unwrap();
        let page = &self.pages[requests.len().min(self.pages.len() - 1)];
        requests.push(serde_json::from_slice(request.body()).unwrap());
        answer(json!({ "Response": page }).to_string())
    }
}

async fn walk(pages: Vec<Value>) -> (Result<(usize, bool), Reason>, Vec<Value>) {
    let pages = Arc::new(Pages {
        pages,
        requests: Mutex::default(),
    });
    let transport: Arc<dyn Transport> = Arc::clone(&pages) as _;
    let client = Client::new(parts(transport), options(50));
    let many = EventsQuery {
        max_pages: 1_000,
        ..query()
    };
    let notes = Notes::default();
    let read = client.events(REGION, &many, Instant::now(), &notes).await;
    let read = read.map(|read| (read.records.len(), read.is_complete));
    let requests = pages.requests.lock().unwrap().clone();
    (read.map_err(|failure| failure.reason), requests)
}

fn event(id: u64) -> Value {
    json!({"RequestID": format!("r-{id}"), "EventName": "DeleteAuditTrack", "EventTime": "1551139140"})
}

#[tokio::test(start_paused = true)]
async fn a_token_beyond_float_precision_is_sent_back_exactly() {
    const TOKEN: u64 = 16_805_138_109_322_957;
    let first = |token: Value| json!({"Events": [event(1)], "ListOver": false, "NextToken": token});
    let last = json!({"Events": [event(2)], "ListOver": true, "NextToken": 0});
    for token in [json!(TOKEN), json!(TOKEN.to_string())] {
        let (read, requests) = walk(vec![first(token), last.clone()]).await;
        assert_eq!(read, Ok((2, true)));
        let mut expected = json!({
            "StartTime": EVENING - 60, "EndTime": EVENING + 3_600, "MaxResults": 50,
            "IsReturnLocation": 0,
            "LookupAttributes": [
                {"AttributeKey": "ResourceType", "AttributeValue": "cloudaudit"},
                {"AttributeKey": "ActionType", "AttributeValue": "Write"},
            ],
        });
        assert_eq!(requests[0], expected);
        expected["NextToken"] = json!(TOKEN);
        assert_eq!(requests[1], expected);
        assert_eq!(requests.len(), 2);
    }
    // A token written as a float has lost digits.
    let (read, requests) = walk(vec![first(json!(1.680_513_810_932_295_6e16)), last]).await;
    assert_eq!((read, requests.len()), (Err(Reason::Malformed), 1));
}

#[tokio::test(start_paused = true)]
async fn a_walk_ends_whatever_the_api_returns() {
    let page =
        |id, token: u64| json!({"Events": [event(id)], "ListOver": false, "NextToken": token});
    // The same page again and again.
    let (read, requests) = walk(vec![page(1, 5)]).await;
    assert_eq!((read, requests.len()), (Err(Reason::Incomplete), 2));
    // Two pages in turn.
    let (read, requests) = walk(vec![page(1, 5), page(2, 6), page(3, 5)]).await;
    assert_eq!((read, requests.len()), (Err(Reason::Incomplete), 3));
    // No token for the next page.
    for token in [json!(0), Value::Null, json!(-3), json!({"a": 1})] {
        let page = json!({"Events": [event(1)], "ListOver": false, "NextToken": token});
        let (read, requests) = walk(vec![page]).await;
        assert_eq!((read, requests.len()), (Err(Reason::Malformed), 1));
    }
    // An empty page ends the walk without `ListOver`, and null is an empty list.
    for empty in [json!([]), Value::Null] {
        let empty = json!({"Events": empty, "ListOver": false, "NextToken": 9});
        let (read, _) = walk(vec![page(1, 5), empty]).await;
        assert_eq!(read, Ok((1, true)));
    }
    // A new token on every page.
    let pages = (1..=100).map(|id| page(id, id)).collect();
    let (read, requests) = walk(pages).await;
    assert_eq!(read, Ok((MAX_EVENT_PAGES as usize, false)));
    assert_eq!(requests.len(), MAX_EVENT_PAGES as usize);
}

#[tokio::test(start_paused = true)]
async fn a_record_on_two_pages_counts_once() {
    let first = json!({"Events": [event(1), event(2)], "ListOver": false, "NextToken": 5});
    let second = json!({"Events": [event(2), event(3)], "ListOver": true});
    let (read, _) = walk(vec![first, second]).await;
    assert_eq!(read, Ok((3, true)));
}

#[tokio::test(start_paused = true)]
async fn too_many_records_on_a_page_are_malformed() {
    let events: Vec<Value> = (0..501).map(event).collect();
    let (read, _) = walk(vec![json!({"Events": events, "ListOver": true})]).await;
    assert_eq!(read, Err(Reason::Malformed));
}
