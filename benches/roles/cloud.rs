//! A simulated API with prepared responses for one action, so that it takes little of the machine
//! that it shares with the measured program. Responses differ only in request id and time, and in the
//! status of one track if changes are enabled. Every bucket has an object for each five minutes.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::hash::stable_hash;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::pages::{page, pages};
use super::{bucket, number};
use crate::kit::account_name;

/// The largest request. The exporter's requests are far shorter.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// The most recorded delays, in case no part of the benchmark reads them.
const MAX_LATENESS_BYTES: usize = 16 * 1024 * 1024;

/// What STS says about every key: it belongs to the owner of the buckets.
const IDENTITY: &[u8] = br#"{"Response":{"Arn":"qcs::cam::uin/100000000001:uin/100000000001","AccountId":"100000000001","UserId":"100000000001","PrincipalId":"100000000001","Type":"RootAccount","RequestId":"r"}}"#;

struct Cloud {
    /// The pages up to their request ids.
    pages: Vec<Vec<u8>>,
    /// The first page with its first track switched off.
    switched_off: Vec<u8>,
    /// In milliseconds.
    latency: AtomicU64,
    interval: Duration,
    /// The place of each account in the interval.
    phases: Vec<Duration>,
    has_called: Vec<AtomicBool>,
    is_switched: Vec<AtomicBool>,
    change: AtomicU64,
    calls: AtomicU64,
    /// Listings of buckets.
    lists: AtomicU64,
    /// How late calls have come, in milliseconds, a line each.
    late: Mutex<String>,
}

/// What is read of a request.
enum Request {
    Page {
        account: usize,
        /// Starts with 1.
        number: usize,
    },
    /// `GetCallerIdentity`.
    Identity,
    /// The query of a listing of a bucket.
    Bucket(String),
    Other(String),
}

/// Arguments: tracks on a page, accounts, their interval in ms, pages of a listing, and the
/// detail of its tracks.
pub(super) fn run(arguments: &[String]) {
    let (tracks, accounts) = (number(arguments, 0), number::<usize>(arguments, 1));
    let interval = Duration::from_millis(number(arguments, 2));
    let none = || (0..accounts).map(|_| AtomicBool::new(false)).collect();
    let cloud = Cloud {
        pages: pages(number(arguments, 3), tracks, number(arguments, 4)),
        switched_off: page(tracks, 0),
        latency: AtomicU64::default(),
        interval,
        phases: (0..accounts)
            .map(|account| phase(account, interval))
            .collect(),
        has_called: none(),
        is_switched: none(),
        change: AtomicU64::default(),
        calls: AtomicU64::default(),
        lists: AtomicU64::default(),
        late: Mutex::default(),
    };
    let cloud: &'static Cloud = Box::leak(Box::new(cloud));
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("it is bound"));
        loop {
            let accepted = listener.accept().await;
            let (stream, _) = accepted.expect("there are descriptors left");
            tokio::spawn(cloud.serve(stream));
        }
    });
}

/// Where in the interval an account is due, which the exporter promises to derive from its name.
pub(super) fn phase(account: usize, interval: Duration) -> Duration {
    let phase = u128::from(stable_hash(&account_name(account))) % interval.as_nanos();
    Duration::from_nanos(u64::try_from(phase).expect("it is shorter than an interval"))
}

impl Cloud {
    async fn serve(&self, mut stream: TcpStream) {
        let (mut request, mut response) = (Vec::new(), Vec::new());
        drop(stream.set_nodelay(true));
        loop {
            // No client pipelines requests.
            request.clear();
            let read = loop {
                match stream.read_buf(&mut request).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) if request.len() > MAX_REQUEST_BYTES => return,
                    Ok(_) => {}
                }
                if let Some(read) = read(&request) {
                    break read;
                }
            };
            response.clear();
            match read {
                Request::Page { account, number } => {
                    self.take_note_of(account);
                    let latency = self.latency.load(Ordering::Relaxed);
                    // A sleep of zero would still last up to a millisecond.
                    if latency > 0 {
                        sleep(Duration::from_millis(latency)).await;
                    }
                    self.write_page(&mut response, account, number);
                    self.calls.fetch_add(1, Ordering::Relaxed);
                }
                Request::Identity => write(&mut response, &[IDENTITY]),
                Request::Bucket(query) => {
                    self.lists.fetch_add(1, Ordering::Relaxed);
                    write(&mut response, &[bucket::listing(&query).as_bytes()]);
                }
                Request::Other(path) => write(&mut response, &[self.response(&path).as_bytes()]),
            }
            if stream.write_all(&response).await.is_err() {
                return;
            }
        }
    }

    fn write_page(&self, response: &mut Vec<u8>, account: usize, number: usize) {
        let change = self.change.load(Ordering::Relaxed);
        let switched = self.is_switched.get(account).is_some_and(|switched| {
            let changes = change > 0 && fastrand::u64(0..1000) < change;
            switched.fetch_xor(changes, Ordering::Relaxed) ^ changes
        });
        let text = if switched {
            &self.switched_off
        } else {
            &self.pages[(number - 1).min(self.pages.len() - 1)]
        };
        let id = format!("{:032x}", fastrand::u128(..));
        write(response, &[text, id.as_bytes(), br#""}}"#]);
    }

    /// That the account has called, and how long after its place in the schedule.
    fn take_note_of(&self, account: usize) {
        if let Some(phase) = self.phases.get(account) {
            self.has_called[account].store(true, Ordering::Relaxed);
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let since = now.unwrap_or_default().saturating_sub(*phase);
            let late = (since.as_nanos() % self.interval.as_nanos()) as f64 / 1e6;
            let mut all = self
                .late
                .lock()
                .expect("no thread panics while it holds the lock");
            if all.len() < MAX_LATENESS_BYTES {
                writeln!(all, "{late:.3}").expect("a String takes everything");
            }
        }
    }

    fn response(&self, path: &str) -> String {
        for (prefix, number) in [("/change/", &self.change), ("/latency/", &self.latency)] {
            if let Some(given) = path.strip_prefix(prefix).and_then(|text| text.parse().ok()) {
                number.store(given, Ordering::Relaxed);
            }
        }
        match path {
            "/calls" => self.calls.load(Ordering::Relaxed).to_string(),
            "/lists" => self.lists.load(Ordering::Relaxed).to_string(),
            "/accounts" => {
                let called = self.has_called.iter();
                let called = called.filter(|called| called.load(Ordering::Relaxed));
                called.count().to_string()
            }
            "/lateness" => std::mem::take(
                &mut self
                    .late
                    .lock()
                    .expect("no thread panics while it holds the lock"),
            ),
            _ => String::new(),
        }
    }
}

fn write(response: &mut Vec<u8>, body: &[&[u8]]) {
    let length: usize = body.iter().map(|part| part.len()).sum();
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    write!(
        response,
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    .expect("a Vec takes everything");
    for part in body {
        response.extend_from_slice(part);
    }
}

/// A request that is there as a whole.
fn read(bytes: &[u8]) -> Option<Request> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    if let Some(get) = head.strip_prefix("GET ") {
        let path = get.split(' ').next()?;
        if let Some(query) = path.strip_prefix("/?") {
            return Some(Request::Bucket(query.replace("%2F", "/")));
        }
        return Some(Request::Other(path.to_owned()));
    }
    // Every client writes these few in its own way of capital letters and spaces.
    let after = |text: &str, name: &str| {
        let text = text.get(text.find(name)? + name.len()..)?.trim_start();
        let digits = text.find(|c: char| !c.is_ascii_digit());
        text[..digits.unwrap_or(text.len())].parse::<usize>().ok()
    };
    let length = after(head, "ontent-length:").or_else(|| after(head, "ontent-Length:"))?;
    (body.len() >= length).then(|| {
        if head.contains("GetCallerIdentity") {
            return Request::Identity;
        }
        Request::Page {
            account: after(head, "Credential=AKID").unwrap_or(usize::MAX),
            number: after(body, "\"PageNumber\":").unwrap_or(1).max(1),
        }
    })
}
