//! Any bytes that a client sends to the listener: every response is complete and expected, and no
//! client keeps a connection open beyond its limits.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::http::{ConnectionServer, Content, Limits, Options, Reload};
use cloudaudit_exporter::snapshot::Report;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::input::Input;

const PLAIN: &[u8] = b"plain 1\n";
const ZIPPED: &[u8] = b"zipped";

/// Longer than a client may keep a connection open with the requests of one input.
const FOR_EVER: Duration = Duration::from_hours(24);

/// Sends the input to a connection, in pieces, and judges what comes back. An input that begins
/// with an odd byte is the value of `Accept-Encoding` instead.
pub fn request(input: &[u8]) {
    let mut input = Input::new(input);
    let how = input.byte();
    if how.is_multiple_of(2) {
        let bytes = input.rest();
        let talk = talk(&[bytes], &How::new(how));
        let sent = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        for reply in &talk.replies() {
            reply.is_one_of_ours(&sent);
        }
        assert!(talk.took <= longest(), "held for {:?}", talk.took);
    } else {
        the_last_word_counts(input.rest());
    }
}

/// Whatever a header says of gzip, what it says last is what holds.
fn the_last_word_counts(value: &[u8]) {
    let value = |more: &str| {
        let is_text = |byte: &&u8| !byte.is_ascii_control();
        let mut line = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ".to_vec();
        line.extend(value.iter().filter(is_text));
        line.extend(more.bytes());
        line.extend(b"\r\n\r\n");
        line
    };
    let (never, always) = (value(",gzip;q=0"), value(", GZIP ,identity; q=0.9"));
    let talk = talk(&[&never, &always], &How::whole());
    let replies = talk.replies();
    let bodies: Vec<&[u8]> = replies.iter().map(|reply| &reply.body[..]).collect();
    // A value may be too long for the listener; then there is nothing to agree on.
    if replies.iter().all(|reply| reply.status == 200) {
        // Bytes that are no text make the whole line one that names nothing.
        let is_text = value("").is_ascii();
        assert_eq!(bodies[0], PLAIN);
        assert_eq!(bodies[1], if is_text { ZIPPED } else { PLAIN });
    }
}

/// How the bytes are sent.
struct How {
    piece: usize,
    /// Whether the client closes its sending side.
    ends: bool,
}

impl How {
    fn new(byte: u8) -> Self {
        let piece = match byte / 4 {
            0 => usize::MAX,
            length => usize::from(length),
        };
        Self {
            piece,
            ends: byte & 2 != 0,
        }
    }

    fn whole() -> Self {
        Self {
            piece: usize::MAX,
            ends: true,
        }
    }
}

/// A connection from its beginning to its end.
struct Talk {
    received: Vec<u8>,
    /// From the last byte that was sent to the end.
    took: Duration,
}

fn talk(parts: &[&[u8]], how: &How) -> Talk {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let shown = Arc::new(Shown::new());
        let (here, there) = duplex(64 * 1024);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let content = Arc::clone(&shown) as Arc<dyn Content>;
        let options = Options::default();
        let (_running, stopped) = watch::channel(());
        let server = ConnectionServer::new(content, &options, stopped);
        let serving = tokio::spawn(async move {
            let permit = options.connections.admit(Some(peer.ip())).await;
            server.serve(there, peer, permit).await;
        });
        let (mut reading, mut writing) = split(here);
        let mut received = Vec::new();
        let sending = async {
            for piece in parts.iter().flat_map(|part| part.chunks(how.piece)) {
                // After a refusal, the listener closes the connection.
                if writing.write_all(piece).await.is_err() {
                    break;
                }
                sleep(Duration::from_micros(1)).await;
            }
            if how.ends {
                let _ = writing.shutdown().await;
            }
            Instant::now()
        };
        let both = async { tokio::join!(sending, reading.read_to_end(&mut received)) };
        let (sent_at, read) = timeout(FOR_EVER, both).await.expect("it ends");
        let took = sent_at.elapsed();
        read.expect("memory does not fail");
        serving.await.expect("no panic");
        let answered = shown
            .answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (handler, code) in answered.iter() {
            assert!(HANDLERS.contains(handler), "{handler}");
            assert!(CODES.contains(code), "{code}");
        }
        Talk { received, took }
    })
}

/// A client that has fallen silent is in the middle of headers, of a body, or idle; and whatever it
/// sent before has been answered.
fn longest() -> Duration {
    let limits = Limits::default();
    limits.idle + limits.headers + limits.headers + Duration::from_secs(1)
}

const HANDLERS: [&str; 6] = ["metrics", "page", "healthy", "ready", "reload", "other"];

/// The status codes of the routes.
const CODES: [u16; 9] = [200, 204, 400, 403, 404, 405, 408, 413, 503];

/// The status codes that hyper sends before a route is called.
const CODES_OF_HYPER: [u16; 3] = [400, 414, 431];

impl Talk {
    fn replies(&self) -> Vec<Reply> {
        let mut rest = &self.received[..];
        let mut replies = Vec::new();
        while !rest.is_empty() {
            replies.push(Reply::read(&mut rest));
        }
        replies
    }
}

/// A response, parsed according to the specification.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn read(bytes: &mut &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("a head has its end");
        let head = str::from_utf8(&bytes[..end]).expect("a head is text");
        *bytes = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first
            .strip_prefix("HTTP/1.1 ")
            .or_else(|| first.strip_prefix("HTTP/1.0 "))
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .unwrap_or_else(|| panic!("no status: {first}"));
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let mut reply = Self {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        // A response to HEAD has the length and not the content, and no content begins like a head.
        let has_body = !bytes.is_empty() && !bytes.starts_with(b"HTTP/1.");
        if has_body {
            let length = reply.header("content-length").expect("a length");
            let length: usize = length.parse().expect("a number");
            assert!(length <= bytes.len(), "{length} of {} bytes", bytes.len());
            reply.body = bytes[..length].to_vec();
            *bytes = &bytes[length..];
        }
        reply
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    fn is_one_of_ours(&self, sent: &str) {
        if self.header("x-content-type-options").is_none() {
            assert!(CODES_OF_HYPER.contains(&self.status), "{}", self.status);
            assert!(self.body.is_empty());
            return;
        }
        assert!(CODES.contains(&self.status), "{}", self.status);
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let is_exposition = self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4"));
        assert!(!is_exposition || sent.contains("/metrics"), "unasked");
        let is_zipped = self.header("content-encoding").is_some();
        assert!(!is_zipped || (is_exposition && sent.contains(['*', 'z'])));
        if is_exposition && !self.body.is_empty() {
            assert_eq!(self.body, if is_zipped { ZIPPED } else { PLAIN });
        }
    }
}

/// Something to show.
struct Shown {
    answered: Mutex<Vec<(&'static str, u16)>>,
    clock: Clock,
}

impl Shown {
    fn new() -> Self {
        Self {
            answered: Mutex::default(),
            clock: Clock::system(),
        }
    }
}

impl Content for Shown {
    fn exposition(&self, gzip: bool) -> Vec<Bytes> {
        vec![Bytes::from_static(if gzip { ZIPPED } else { PLAIN })]
    }

    fn reports(&self) -> Vec<Arc<Report>> {
        Vec::new()
    }

    fn ready(&self) -> Result<(), Vec<String>> {
        Err(vec!["prod/ap-guangzhou: not yet".to_owned()])
    }

    fn healthy(&self) -> Result<(), String> {
        Ok(())
    }

    fn reload(&self) -> Option<Reload> {
        Some(Box::pin(ready(Ok(()))))
    }

    fn record_request(&self, handler: &'static str, code: u16) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.push((handler, code));
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}
