//! Scrapes while thousands of clients send half a request, at a limit of 1024 open files.
//!
//! `CLOUDAUDIT_SIEGE_CLIENTS` sets the number of clients.

use std::collections::VecDeque;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Identity, Server, Track, World};
use reqwest::{Certificate, Client};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::attackers::Attackers;
use crate::support::address::free_address;
use crate::support::pki::Authority;
use crate::support::tls;

const CLIENTS: usize = 1_500;

/// How many of the clients use TLS. Handshakes cost the test more than the exporter.
const TLS_CLIENTS: usize = 100;

/// How long a client waits before it replaces a closed connection.
const PAUSE: Duration = Duration::from_millis(500);

const LIMIT: usize = 1024;

/// The cap on connections, plus the descriptors that the exporter needs otherwise.
const MOST_DESCRIPTORS: usize = 512 + 64;

/// The attackers have most connections below the cap.
const BESIEGED_DESCRIPTORS: usize = 400;

/// Below the timeout for a request head (ten seconds), which a scrape must never wait for. On a busy
/// machine a scrape waits for the processor.
const LONGEST_SCRAPE: Duration = Duration::from_secs(8);

/// The limit for the median scrape, in addition to the median of a bare listener.
const USUAL_SCRAPE: Duration = Duration::from_millis(100);

/// The exporter does more for a connection than a bare listener, and without optimization much
/// more.
const BARE_FACTOR: u32 = if cfg!(debug_assertions) { 100 } else { 10 };

const SCRAPES: usize = 20;

/// The cap on connections of the bare listener: about the exporter's at this limit.
const BARE_CONNECTIONS: usize = 500;

const HALVES: &[&[u8]] = &[
    b"",
    b"G",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    b"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
    // Its response is not read.
    b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    // Half a ClientHello.
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    // The preface of HTTP/2, and a head without its end.
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82",
];

/// More accounts than connections fit into a low limit of open files.
const ACCOUNTS: u64 = 40;

/// A latency after which no request waits for the response any more.
const HUNG: Duration = Duration::from_secs(5);

/// Starts a cloud in this process. Returns a configuration that polls each account every second.
async fn cloud(latency: Duration) -> String {
    let world = World::new(SystemTime::now());
    world.set_rate_limit(10_000);
    world.set_latency(latency);
    let mut accounts = String::new();
    for number in 0..ACCOUNTS {
        let account = world.add_account(&(100_000_000_000 + number).to_string());
        account.add_identity(Identity::permanent(&format!("AKID{number}"), "key"));
        account.replace(vec![Track::new(1, "audit")]);
        writeln!(
            accounts,
            "  a{number}: {{credentials: {{secret_id: AKID{number}, secret_key: key}}}}"
        )
        .unwrap();
    }
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(loopback, world).await.unwrap();
    let endpoint = server.local_addr();
    tokio::spawn(server.serve(std::future::pending::<()>()));
    format!(
        "endpoint: http://{endpoint}\npoll: {{interval: 1s, timeout: 900ms}}\naccounts:\n{accounts}"
    )
}

struct Exporter {
    address: SocketAddr,
    process: Child,
    folder: TempDir,
    client: Client,
    scheme: &'static str,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Exporter {
    async fn start(
        authority: Option<&Authority>,
        has_password: bool,
        limit: usize,
        latency: Duration,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let mut web = String::new();
        let mut client = Client::builder().no_proxy().pool_max_idle_per_host(0);
        if let Some(authority) = authority {
            authority.server(2040).write(folder.path(), "server");
            web += "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
            let authority = Certificate::from_pem(authority.pem.as_bytes()).unwrap();
            client = client.tls_certs_only([authority]);
        }
        if has_password {
            let hash = bcrypt::hash("secret", 4).unwrap();
            let users = format!("basic_auth_users: {{prometheus: '{hash}'}}\n");
            web += &users;
        }
        let file = folder.path().join("web.yaml");
        fs::write(&file, web).unwrap();
        let config = folder.path().join("config.yaml");
        fs::write(&config, cloud(latency).await).unwrap();
        let address = free_address();
        let process = Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -n {limit} && exec \"$@\""))
            .arg("sh")
            .arg(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--web.config.file={}", file.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let exporter = Self {
            address,
            process,
            folder,
            client: client.build().unwrap(),
            scheme: if authority.is_some() { "https" } else { "http" },
        };
        let began = Instant::now();
        while exporter.scrape().await.is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{}",
                exporter.log()
            );
            sleep(Duration::from_millis(100)).await;
        }
        exporter
    }

    /// How long a scrape on a connection of its own takes.
    async fn scrape(&self) -> Result<Duration, String> {
        let url = format!("{}://{}/metrics", self.scheme, self.address);
        let request = self
            .client
            .get(url)
            .basic_auth("prometheus", Some("secret"));
        let began = Instant::now();
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let response = response.error_for_status();
        let response = response.map_err(|error| error.to_string())?;
        response.bytes().await.map_err(|error| error.to_string())?;
        Ok(began.elapsed())
    }

    /// Waits until the attackers have most of the connections.
    async fn wait_until_besieged(&self) {
        let began = Instant::now();
        while self.descriptors() < BESIEGED_DESCRIPTORS {
            let waits = began.elapsed();
            assert!(waits < Duration::from_mins(1), "{}", self.descriptors());
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        fs::read_dir(folder).unwrap().count()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

/// Sends half a request and waits until it is closed; reads nothing if there is a response.
async fn send_half(mut stream: impl AsyncRead + AsyncWrite + Unpin, half: &[u8]) {
    drop(stream.write_all(half).await);
    drop(stream.flush().await);
    // One byte: whether it was closed is what it waits for.
    drop(stream.read(&mut [0; 1]).await);
    sleep(PAUSE).await;
}

fn besiege(address: SocketAddr, authority: Option<&Authority>, clients: usize) -> Attackers {
    let mut siege = Attackers::new();
    for client in 0..clients {
        let half = HALVES[client % HALVES.len()];
        let protocol = if half.starts_with(b"PRI") {
            "h2"
        } else {
            "http/1.1"
        };
        let connector = authority
            .filter(|_| client < TLS_CLIENTS)
            .map(|authority| tls::connector(authority, &[protocol]));
        siege.spawn(async move {
            loop {
                let Ok(stream) = TcpStream::connect(address).await else {
                    sleep(PAUSE).await;
                    continue;
                };
                match &connector {
                    None => send_half(stream, half).await,
                    Some(connector) => match connector.connect(address.ip().into(), stream).await {
                        Ok(stream) => send_half(stream, half).await,
                        Err(_) => sleep(PAUSE).await,
                    },
                }
            }
        });
    }
    siege
}

/// Closes its oldest connection for a new one and answers what ends like a request: the least that
/// a listener can do. The duration of its scrapes is the share of the machine and the clients.
async fn serve_bare(listener: TcpListener) {
    let mut connections = VecDeque::new();
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            continue;
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
                    return;
                }
            }
            let response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            drop(stream.write_all(response).await);
            drop(stream.read(&mut [0; 1]).await);
        });
        connections.push_back(tasks);
        if connections.len() > BARE_CONNECTIONS {
            connections.pop_front();
        }
    }
}

/// Returns the median and the longest time of scrapes while as many clients besiege a bare
/// listener.
async fn scrape_bare(clients: usize) -> (Duration, Duration) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve_bare(listener));
    let siege = besiege(address, None, clients);
    sleep(Duration::from_secs(1)).await;
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
    let client = client.build().unwrap();
    let url = format!("http://{address}/metrics");
    let mut times = Vec::new();
    for _ in 0..SCRAPES {
        let began = Instant::now();
        // The listener may close the scrape's connection, too: then retry.
        let answered = async { while client.get(&url).send().await.is_err() {} };
        drop(timeout(LONGEST_SCRAPE, answered).await);
        times.push(began.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    siege.stop().await;
    serving.abort();
    middle_and_most(times)
}

fn middle_and_most(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() - 1])
}

async fn scrapes_go_on(authority: Option<&Authority>, has_password: bool) {
    let clients = std::env::var("CLOUDAUDIT_SIEGE_CLIENTS").ok();
    let clients = clients.map_or(CLIENTS, |clients| clients.parse().unwrap());
    let exporter = Exporter::start(authority, has_password, LIMIT, Duration::ZERO).await;
    let alone = exporter.scrape().await.unwrap();
    let siege = besiege(exporter.address, authority, clients);
    exporter.wait_until_besieged().await;
    let (mut times, mut descriptors) = (Vec::new(), 0);
    for _ in 0..SCRAPES {
        let scrape = timeout(LONGEST_SCRAPE, exporter.scrape()).await;
        times.push(scrape.expect("a scrape waits for the siege").unwrap());
        descriptors = descriptors.max(exporter.descriptors());
        sleep(Duration::from_millis(100)).await;
    }
    siege.stop().await;
    let (middle, most) = middle_and_most(times);
    let (bare, bare_most) = scrape_bare(clients).await;
    println!(
        "TLS {}, password {has_password}, {clients} clients: {alone:?} alone, {middle:?} in the middle, {most:?} at the most, of a bare listener {bare:?} and {bare_most:?}; {descriptors} descriptors",
        authority.is_some()
    );
    assert!(
        middle < USUAL_SCRAPE + BARE_FACTOR * bare,
        "{middle:?}, bare {bare:?}"
    );
    assert!(descriptors <= MOST_DESCRIPTORS, "{descriptors}");
    let log = exporter.log();
    assert!(!log.contains("cannot accept"), "{log}");
    assert!(log.lines().count() < 100, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_requests_keep_no_scrape_waiting() {
    let _turn = crate::turn();
    let authority = Authority::new("ours");
    scrapes_go_on(None, false).await;
    scrapes_go_on(None, true).await;
    scrapes_go_on(Some(&authority), true).await;
}

/// Enough scrapes to show whether the exporter serves a scraper.
const MANY_SCRAPES: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_low_limit_of_open_files_is_logged_and_scrapes_succeed() {
    let _turn = crate::turn();
    let exporter = Exporter::start(None, false, 64, HUNG).await;
    let siege = besiege(exporter.address, None, 200);
    sleep(Duration::from_secs(1)).await;
    // The exporter closes half requests first. It drops a scrape only if clients that have sent
    // nothing hold all twenty connections before this test sends its request.
    let mut answered = 0;
    for _ in 0..MANY_SCRAPES {
        let scrape = timeout(LONGEST_SCRAPE, exporter.scrape()).await;
        let scrape = scrape.expect("a scrape waits for the siege");
        answered += usize::from(scrape.is_ok());
    }
    println!("at 64 open files: {answered} of {MANY_SCRAPES} scrapes are answered");
    assert!(
        answered >= MANY_SCRAPES * 3 / 4,
        "{answered} of {MANY_SCRAPES}"
    );
    assert!(exporter.descriptors() < 64, "{}", exporter.descriptors());
    siege.stop().await;
    let log = exporter.log();
    assert!(log.contains("RLIMIT_NOFILE"), "{log}");
    assert!(!log.contains("cannot accept"), "{log}");
    assert!(!log.contains("Too many open files"), "{log}");

    let too_few = Command::new("sh")
        .args(["-c", "ulimit -n 24 && exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
        .arg("demo")
        .arg(format!("--web.listen-address={}", free_address()))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&too_few.stderr).into_owned();
    assert!(
        !too_few.status.success() && log.contains("at least 32"),
        "{log}"
    );
}
