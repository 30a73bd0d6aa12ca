//! What a cloud may cost that lists without measure: memory has a bound for every listing.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use tempfile::TempDir;

use crate::cloud::{loopback, secret_id, secret_key};
use crate::support::exporter::Exporter;

const ACCOUNTS: [&str; 3] = ["one", "two", "three"];

/// Tracks on a page: the most that are taken.
const PAGE: usize = 1_000;

/// What the exporter may have in memory at any time, in kB, built without optimization. The listings
/// here take 730 and 250 MB if they are kept as they come.
const MOST_KB: u64 = 200_000;

/// Answers each call with the page that it asks for.
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

    /// Serves them on loopback, as long as the test lasts.
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

/// The number in the next request; its body ends with its object.
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

/// The most that a process ever had in memory, in kB.
fn peak_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = peak.unwrap().split_whitespace().next();
    number.unwrap().parse().unwrap()
}

async fn polled(pages: Pages, max_tracks: usize, tracks: usize) {
    let address = pages.serve();
    let folder = TempDir::new().unwrap();
    let mut yaml = format!(
        "endpoint: http://{address}\n\
         poll: {{interval: 30m, page_size: 100, max_tracks: {max_tracks}}}\n\
         rate_limit: {{requests_per_second: 100}}\naccounts:\n"
    );
    for name in ACCOUNTS {
        let (id, key) = (secret_id(name), secret_key(name));
        writeln!(
            yaml,
            "  {name}: {{credentials: {{secret_id: {id}, secret_key: {key}}}}}"
        )
        .unwrap();
    }
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, yaml).unwrap();
    let exporter = Exporter::start(Some(&config), &[]);
    let samples = exporter
        .metrics_when("every account is up", |samples| {
            samples.sum("cloudaudit_up", &[]) == ACCOUNTS.len() as f64
        })
        .await;
    let all = (ACCOUNTS.len() * tracks) as f64;
    assert_eq!(
        samples.sum("cloudaudit_tracks", &[]),
        all,
        "all are counted"
    );
    let peak = peak_kb(exporter.pid());
    assert!(peak < MOST_KB, "{peak} kB");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_thousand_tracks_of_each_account() {
    let pages = Pages::of(200_000, |id| format!(r#"{{"TrackId":{id},"Status":1}}"#));
    polled(pages, 1_000, 200_000).await;
}

/// 25 MB of event names on the wire for each account, and none of the tracks is beyond the limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_event_names_of_each_track() {
    let pages = Pages::of(10_000, |id| {
        let names: Vec<String> = (0..100)
            .map(|n| format!(r#""Describe{id}Of{n}s""#))
            .collect();
        let names = names.join(",");
        format!(r#"{{"TrackId":{id},"Status":1,"EventNames":[{names}]}}"#)
    });
    polled(pages, 10_000, 10_000).await;
}
