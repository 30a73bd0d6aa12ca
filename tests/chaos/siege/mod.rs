//! Misbehaving clients of every kind at once; the exporter still answers scrapes.
//!
//! The test prints the time of a scrape. Its limit is generous, so that a busy machine does not
//! fail the test. The figures in docs/web.md come from `cargo test --release --test chaos siege --
//! --nocapture` on an idle machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes live in real time"
)]
#![allow(unreachable_pub, reason = "a test program has no outside")]
#![allow(clippy::print_stdout, reason = "the figures are the point")]

mod attackers;
mod half_requests;

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Identity, Server, Track, World};
use reqwest::Client;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use self::attackers::Attackers;
use crate::support::address::free_address;

const UIN: &str = "100000000001";

/// Enough tracks for an exposition of about ten megabytes.
const TRACKS: u64 = 15_000;

const IDLE: usize = 2_000;
const SLOW_HEADS: usize = 300;
const SLOW_READERS: usize = 100;
const GARBAGE: usize = 100;

/// Below the timeout for a request head (ten seconds), which a scrape must never wait for. On a busy
/// machine a scrape waits for the processor.
const LONGEST_SCRAPE: Duration = Duration::from_secs(8);

/// How much memory the siege may cost, in bytes: 512 connections, the cap, each with hyper's read
/// and write buffers.
const MOST_MEMORY: u64 = 512 * 192 * 1024;

struct Exporter {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Exporter {
    async fn start() -> Self {
        let world = World::new(SystemTime::now());
        let account = world.add_account(UIN);
        account.add_identity(Identity::permanent("AKIDlarge", "large-key"));
        account.replace(
            (1..=TRACKS)
                .map(|id| Track::new(id, &format!("track-{id}")))
                .collect(),
        );
        world.set_rate_limit(10_000);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(loopback, world).await.unwrap();
        let endpoint = server.local_addr();
        tokio::spawn(server.serve(std::future::pending::<()>()));
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        let config = format!(
            "endpoint: http://{endpoint}\npoll: {{interval: 5m, page_size: 100, max_tracks: {TRACKS}}}\nrate_limit: {{requests_per_second: 1000}}\n\
             accounts: {{large: {{credentials: {{secret_id: AKIDlarge, secret_key: large-key}}}}}}\n"
        );
        fs::write(&file, config).unwrap();
        let address = free_address();
        let process = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let exporter = Self {
            address,
            process,
            _folder: folder,
        };
        let began = Instant::now();
        while exporter.scrape().await.1 < 10_000_000 {
            assert!(
                began.elapsed() < Duration::from_mins(2),
                "the exporter does not expose the tracks"
            );
            sleep(Duration::from_millis(100)).await;
        }
        exporter
    }

    /// Returns how long a scrape takes, and the size of the response in bytes.
    async fn scrape(&self) -> (Duration, usize) {
        let client = Client::builder().no_proxy().build().unwrap();
        let began = Instant::now();
        let response = client
            .get(format!("http://{}/metrics", self.address))
            .send()
            .await;
        let length = match response {
            Ok(response) => response.bytes().await.map_or(0, |bytes| bytes.len()),
            Err(_) => 0,
        };
        (began.elapsed(), length)
    }

    /// Resident memory, in bytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    }
}

/// Opens `count` connections, each of which runs `act` and stays open.
fn besiege<F: Future<Output = ()> + Send + 'static>(
    siege: &mut Attackers,
    address: SocketAddr,
    count: usize,
    connected: &Arc<AtomicUsize>,
    act: impl Fn(TcpStream) -> F + Send + Sync + Copy + 'static,
) {
    for _ in 0..count {
        let connected = Arc::clone(connected);
        siege.spawn(async move {
            if let Ok(stream) = TcpStream::connect(address).await {
                connected.fetch_add(1, Ordering::Relaxed);
                act(stream).await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_is_answered_through_a_siege() {
    let _turn = crate::turn();
    let exporter = Exporter::start().await;
    let address = exporter.address;
    let (alone, length) = exporter.scrape().await;
    let memory_before = exporter.memory();

    let mut siege = Attackers::new();
    let connected = Arc::new(AtomicUsize::new(0));
    besiege(
        &mut siege,
        address,
        SLOW_READERS,
        &connected,
        |mut stream| async move {
            let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
            drop(stream.write_all(request).await);
            let mut few = [0; 512];
            while stream.read(&mut few).await.is_ok_and(|read| read > 0) {
                sleep(Duration::from_secs(1)).await;
            }
        },
    );
    besiege(
        &mut siege,
        address,
        SLOW_HEADS,
        &connected,
        |mut stream| async move {
            for byte in b"GET /metrics HTTP/1.1\r\nHost: slow\r\nX-Slow: "
                .iter()
                .cycle()
            {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(500)).await;
            }
        },
    );
    besiege(
        &mut siege,
        address,
        GARBAGE,
        &connected,
        |mut stream| async move {
            drop(
                stream
                    .write_all(&[0xff, 0, 13, 10, 0x16, 3, 1].repeat(1_000))
                    .await,
            );
            let mut rest = Vec::new();
            drop(stream.read_to_end(&mut rest).await);
        },
    );
    besiege(
        &mut siege,
        address,
        IDLE,
        &connected,
        |mut stream| async move {
            let mut nothing = [0; 1];
            drop(stream.read(&mut nothing).await);
        },
    );
    let began = Instant::now();
    while connected.load(Ordering::Relaxed) < IDLE {
        let waits = began.elapsed();
        assert!(waits < Duration::from_mins(1), "too few attackers");
        sleep(Duration::from_millis(50)).await;
    }

    let mut times = Vec::new();
    let mut memory = memory_before;
    for _ in 0..20 {
        let scrape = timeout(LONGEST_SCRAPE, exporter.scrape()).await;
        let (took, got) = scrape.expect("a scrape waits for the siege");
        assert!(got >= length / 2, "{got} bytes of {length}");
        times.push(took);
        memory = memory.max(exporter.memory());
        sleep(Duration::from_millis(100)).await;
    }
    let first = times[0];
    times.sort_unstable();
    println!(
        "{} connections, {length} bytes: a scrape took {alone:?} alone; besieged {first:?} at first, {:?} in the middle of {}, \
         and {:?} at the most; memory {} MB, then {} MB",
        connected.load(Ordering::Relaxed),
        times[times.len() / 2],
        times.len(),
        times[times.len() - 1],
        memory_before >> 20,
        memory >> 20
    );
    assert!(
        memory < memory_before + MOST_MEMORY,
        "{memory} bytes, and {memory_before} before"
    );
    siege.stop().await;
}
