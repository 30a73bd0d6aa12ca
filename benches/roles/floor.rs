//! The minimal cost of a page: the exporter's HTTP client with the exporter's settings and pace, which
//! only sends and parses. It does not sign, compare or keep anything.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::tencent::MAX_IN_FLIGHT;
use reqwest::redirect::Policy;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::cloud::phase;
use super::{number, runtime};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    response: Response<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    #[serde(borrow)]
    tracks: Vec<Track<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "that they are parsed is what is measured")]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct Track<'a> {
    track_id: u64,
    name: &'a str,
    action_type: &'a str,
    resource_type: &'a str,
    status: u64,
    #[serde(borrow)]
    event_names: Vec<&'a str>,
    #[serde(borrow)]
    storage: Storage<'a>,
    create_time: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "that they are parsed is what is measured")]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct Storage<'a> {
    storage_type: &'a str,
    storage_region: &'a str,
    storage_name: &'a str,
    storage_prefix: &'a str,
    storage_account_id: &'a str,
}

/// Arguments: where the cloud is, accounts, their interval in ms, tracks on a page.
pub(super) fn run(arguments: &[String]) {
    let url = format!("http://{}/", arguments[0]);
    let interval = Duration::from_millis(number(arguments, 2));
    let page_size: u32 = number(arguments, 3);
    let accounts = (0..number(arguments, 1)).map(|account| Account {
        url: url.clone(),
        secret_id: format!("AKID{account:05}"),
        body: format!(r#"{{"PageNumber":1,"PageSize":{page_size}}}"#),
        phase: phase(account, interval),
    });
    runtime().block_on(async {
        let client = client();
        let in_flight = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        for account in accounts {
            let (client, in_flight) = (client.clone(), Arc::clone(&in_flight));
            tokio::spawn(async move {
                let mut due = interval_at(first(account.phase, interval), interval);
                due.set_missed_tick_behavior(MissedTickBehavior::Skip);
                loop {
                    due.tick().await;
                    let place = in_flight.acquire().await;
                    account.poll(&client).await;
                    drop(place);
                }
            });
        }
        println!("ready");
        std::future::pending::<()>().await;
    });
}

struct Account {
    url: String,
    secret_id: String,
    body: String,
    phase: Duration,
}

impl Account {
    /// The headers that a call has to have, as long as they are there.
    async fn poll(&self, client: &reqwest::Client) {
        let secret_id = &self.secret_id;
        let authorization = format!(
            "TC3-HMAC-SHA256 Credential={secret_id}/2026-01-01/cloudaudit/tc3_request, SignedHeaders=content-type;host, Signature={SIGNATURE}"
        );
        let answer = client
            .post(&self.url)
            .header("content-type", "application/json; charset=utf-8")
            .header("authorization", authorization)
            .header("x-tc-action", "DescribeAuditTracks")
            .header("x-tc-version", "2019-03-19")
            .header("x-tc-timestamp", "1760000000")
            .header("x-tc-region", "ap-guangzhou")
            .header("x-tc-language", "en-US")
            .body(self.body.clone())
            .send()
            .await;
        let answer = answer.expect("the cloud answers");
        let body = answer.bytes().await.expect("the cloud ends what it begins");
        let page: Envelope<'_> = serde_json::from_slice(&body).expect("the cloud sends pages");
        black_box(page.response.tracks);
    }
}

/// One of a signature's length.
const SIGNATURE: &str = "fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024";

/// As `src/tencent/transport.rs` makes the one for plain HTTP.
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(45))
        .pool_max_idle_per_host(16)
        .http1_max_headers(64)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .expect("a client")
}

/// When an account is due for the first time, by the exporter's schedule.
fn first(phase: Duration, interval: Duration) -> Instant {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let into = now.unwrap_or_default().as_nanos() % interval.as_nanos();
    let wait = (phase.as_nanos() + interval.as_nanos() - into) % interval.as_nanos();
    Instant::now() + Duration::from_nanos(u64::try_from(wait).expect("it is below the interval"))
}
