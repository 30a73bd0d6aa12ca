//! The least that a page can cost: the exporter's HTTP client with the exporter's settings, at the exporter's
//! pace, and nothing but sending and parsing. It signs nothing, compares nothing, and keeps nothing.

use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::redirect::Policy;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::cloud::phase;
use super::{count, number, runtime};

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
    total_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "that they are parsed is what is measured")]
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
    let page_size = count(arguments, 3);
    runtime().block_on(async {
        let client = client();
        for account in 0..count(arguments, 1) {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move {
                let mut due = interval_at(first(account, interval), interval);
                due.set_missed_tick_behavior(MissedTickBehavior::Skip);
                loop {
                    due.tick().await;
                    walk(&client, &url, account, page_size).await;
                }
            });
        }
        println!("ready");
        std::future::pending::<()>().await;
    });
}

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

/// The exporter's schedule.
fn first(account: usize, interval: Duration) -> Instant {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let into = now.unwrap_or_default().as_nanos() % interval.as_nanos();
    let wait =
        (phase(account, interval).as_nanos() + interval.as_nanos() - into) % interval.as_nanos();
    Instant::now() + Duration::from_nanos(u64::try_from(wait).expect("it is below the interval"))
}

/// All pages of an account, one after another.
async fn walk(client: &reqwest::Client, url: &str, account: usize, page_size: usize) {
    let mut collected = 0;
    for page in 1.. {
        let answer = client
            .post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("authorization", format!("TC3-HMAC-SHA256 Credential=AKID{account:05}/2026-01-01/cloudaudit/tc3_request, SignedHeaders=content-type;host, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"))
            .header("x-tc-action", "DescribeAuditTracks")
            .header("x-tc-version", "2019-03-19")
            .header("x-tc-timestamp", "1760000000")
            .header("x-tc-region", "ap-guangzhou")
            .header("x-tc-language", "en-US")
            .body(format!(r#"{{"PageNumber":{page},"PageSize":{page_size}}}"#))
            .send()
            .await;
        let Ok(answer) = answer else { return };
        let Ok(body) = answer.bytes().await else {
            return;
        };
        let parsed: Envelope<'_> = serde_json::from_slice(&body).expect("the cloud sends pages");
        collected += black_box(&parsed.response.tracks).len() as u64;
        if parsed.response.tracks.is_empty() || collected >= parsed.response.total_count {
            return;
        }
    }
}
