//! Memory is bounded for every listing, even if the cloud lists without limit.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::cloud::{loopback, secret_id, secret_key};
use crate::support::exporter::{Exporter, Samples};

const ACCOUNTS: usize = 3;

/// Tracks on a page: the most that the exporter accepts.
const PAGE: usize = 1_000;

/// The limit for the exporter's peak memory, in kB, without optimization. The listings here need
/// 730 and 250 MB if they are kept unreduced.
const MOST_KB: u64 = 200_000;

/// The limits without accounts, and for each account with 200,000 tracks of which 10,000 have
/// series.
const MOST_IDLE_KB: u64 = 60_000;
const MOST_KB_AN_ACCOUNT: u64 = 24_000;

const PROCESSOR: &str = "process_cpu_seconds_total";

/// The most processor time in seconds for the listings here, which take three without optimization.
const MOST_PROCESSOR: f64 = 30.0;

/// The exporter is stuck if it has had less processor time by then.
const STUCK: Duration = Duration::from_mins(10);

/// The pages of a listing, by number.
struct Pages(Vec<String>);

impl Pages {
    /// `count` tracks, each as it is written.
    fn of(count: usize, track: impl Fn(usize) -> String) -> Self {
        let page = |first: usize| {
            let tracks: Vec<String> = (first..first + PAGE).map(&track).collect();
            let tracks = tracks.join(",");
            format!(
                r#"{{"Response":{{"Tracks":[{tracks}],"TotalCount":{count},"RequestId":"r"}}}}"#
            )
        };
        Self(
            (0..count / PAGE)
                .map(|number| page(number * PAGE))
                .collect(),
        )
    }

    /// Serves the pages on loopback until the test ends.
    fn serve(self) -> SocketAddr {
        let listener = TcpListener::bind(loopback()).unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Arc::new(self.0);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let pages = Arc::clone(&pages);
                std::thread::spawn(move || serve(stream, &pages));
            }
        });
        address
    }
}

fn serve(mut stream: TcpStream, pages: &[String]) {
    while let Some(number) = page_asked(&mut stream) {
        let body = &pages[number - 1];
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()));
        if sent.is_err() {
            return;
        }
    }
}

/// Returns the page number in the next request. The body ends with its JSON object.
fn page_asked(stream: &mut TcpStream) -> Option<usize> {
    let mut read = String::new();
    let mut part = [0; 4096];
    while !read.ends_with('}') {
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        read.push_str(std::str::from_utf8(&part[..count]).unwrap());
    }
    let (_, number) = read.split_once(r#""PageNumber":"#)?;
    number.split(',').next()?.parse().ok()
}

/// Returns the peak memory of a process, in kB.
fn peak_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = peak.unwrap().split_whitespace().next();
    number.unwrap().parse().unwrap()
}

/// Polls so many accounts, which take at most so many kB.
async fn polled(accounts: usize, pages: Pages, max_tracks: usize, tracks: usize, most_kb: u64) {
    let address = pages.serve();
    let folder = TempDir::new().unwrap();
    let mut yaml = format!(
        "endpoint: http://{address}\n\
         poll: {{interval: 30m, page_size: 100, max_tracks: {max_tracks}}}\n\
         rate_limit: {{requests_per_second: 100}}\naccounts:\n"
    );
    for number in 0..accounts {
        let name = format!("account-{number}");
        let (id, key) = (secret_id(&name), secret_key(&name));
        writeln!(
            yaml,
            "  {name}: {{credentials: {{secret_id: {id}, secret_key: {key}}}}}"
        )
        .unwrap();
    }
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, yaml).unwrap();
    let exporter = Exporter::start(Some(&config), &[]);
    let are_up = |it: &Samples| it.sum("cloudaudit_up", &[]) == accounts as f64;
    // The time that parsing takes depends on the load of the machine; its processor time does not.
    let is_over = |it: &Samples| are_up(it) || it.sum(PROCESSOR, &[]) > MOST_PROCESSOR;
    let samples = exporter
        .metrics_within(STUCK, "every account is up", is_over)
        .await;
    assert!(are_up(&samples), "{}", exporter.log());
    let all = (accounts * tracks) as f64;
    assert_eq!(
        samples.sum("cloudaudit_tracks", &[]),
        all,
        "all are counted"
    );
    let peak = peak_kb(exporter.pid());
    assert!(peak < most_kb, "{peak} kB");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_thousand_tracks_of_each_account() {
    let pages = Pages::of(200_000, |id| format!(r#"{{"TrackId":{id},"Status":1}}"#));
    polled(ACCOUNTS, pages, 1_000, 200_000, MOST_KB).await;
}

/// Every account lists an excessive number of tracks, at the default of `max_tracks`. Each account
/// may need the same amount of memory. `MAD_ACCOUNTS` sets the number of accounts.
#[tokio::test(flavor = "multi_thread")]
async fn excessive_listings_need_bounded_memory_for_each_account() {
    let accounts = std::env::var("MAD_ACCOUNTS").map_or(2, |count| count.parse().unwrap());
    let pages = Pages::of(200_000, |id| format!(r#"{{"TrackId":{id},"Status":1}}"#));
    let most = MOST_IDLE_KB + accounts as u64 * MOST_KB_AN_ACCOUNT;
    polled(accounts, pages, 10_000, 200_000, most).await;
}

/// Each account has 25 MB of event names on the wire, and no track exceeds `max_tracks`.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_event_names_of_each_track() {
    let pages = Pages::of(10_000, |id| {
        let names: Vec<String> = (0..100)
            .map(|n| format!(r#""Describe{id}Of{n}s""#))
            .collect();
        let names = names.join(",");
        format!(r#"{{"TrackId":{id},"Status":1,"EventNames":[{names}]}}"#)
    });
    polled(ACCOUNTS, pages, 10_000, 10_000, MOST_KB).await;
}
