//! HTTP/2 frames that a well-behaved client does not send (RFC 9113, section 4.1).

use std::time::{Duration, Instant};

use cloudaudit_exporter::http::{Connections, Limits, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use super::listener::{LARGE, PATIENCE, Secure, long_limits};
use crate::support::http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, frame, get, window,
};

const SHORT: Duration = Duration::from_millis(500);

struct Raw(TlsStream<TcpStream>);

impl Raw {
    /// Connects, and sends the preface and these frames.
    async fn begin(secure: &Secure, frames: &[u8]) -> Self {
        let mut raw = Self(secure.connect(&["h2"]).await);
        assert!(raw.send(&[PREFACE, frames].concat()).await);
        raw
    }

    async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        };
        sent.await.is_ok()
    }

    /// Returns the kind and the payload of the next frame, or `None` at the end.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 9];
        let read = timeout(PATIENCE / 2, self.0.read_exact(&mut head)).await;
        read.expect("a response or an end in time").ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], payload))
    }

    /// Reads until a frame of this kind, and returns its payload.
    async fn until(&mut self, kind: u8) -> Vec<u8> {
        loop {
            let (next, payload) = self.next().await.expect("the connection ended");
            if next == kind {
                return payload;
            }
        }
    }

    /// Reads to the end, and returns the number of content bytes and the error codes of GOAWAY.
    async fn rest(&mut self) -> (usize, Vec<u8>) {
        let (mut content, mut errors) = (0, Vec::new());
        while let Some((kind, payload)) = self.next().await {
            match kind {
                DATA => content += payload.len(),
                GOAWAY => errors.push(payload[7]),
                _ => {}
            }
        }
        (content, errors)
    }
}

/// Checks that a new client is served, and returns its open connection.
async fn serves(secure: &Secure) -> Raw {
    let mut raw = Raw::begin(secure, &[window(65_535), get(1, "/-/healthy")].concat()).await;
    let content = timeout(PATIENCE / 2, raw.until(DATA)).await;
    assert_eq!(content.unwrap(), b"healthy\n");
    raw
}

/// Connections with an incomplete request or an unread response are closed for new clients.
#[tokio::test]
async fn incomplete_requests_are_closed_for_new_clients() {
    let settings = window(65_535);
    let mut head = get(1, "/metrics");
    head[4] = END_STREAM; // without END_HEADERS
    let mut without_body = get(1, "/metrics");
    without_body[4] = END_HEADERS;
    let streams: Vec<u8> = (0..16).flat_map(|it| get(2 * it + 1, "/metrics")).collect();
    for (case, frames) in [
        ("a preface", Vec::new()),
        ("settings", settings.clone()),
        ("half a head", [&*settings, &head].concat()),
        (
            "a head without its body",
            [&*settings, &without_body].concat(),
        ),
        ("an empty window", [window(0), streams.clone()].concat()),
        (
            "responses that are not read",
            [&*settings, &streams].concat(),
        ),
    ] {
        let options = Options {
            limits: long_limits(),
            connections: Connections::new(2),
            ..Options::default()
        };
        let secure = Secure::start("", options).await;
        let mut connections = Vec::new();
        let began = Instant::now();
        for _ in 0..6 {
            connections.push(Raw::begin(&secure, &frames).await);
        }
        serves(&secure).await;
        assert!(
            began.elapsed() < PATIENCE / 4,
            "{case}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn invalid_frames_end_only_their_connection() {
    let secure = Secure::with(long_limits()).await;
    let settings = window(65_535);
    for (case, bytes) in [
        (
            "a frame that is too large",
            frame(DATA, 0, 1, &vec![0; 16_385]),
        ),
        ("DATA on no stream", frame(DATA, 0, 0, b"x")),
        ("HEADERS on an even stream", get(2, "/metrics")),
        ("SETTINGS of five bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        ("PING of seven bytes", frame(PING, 0, 0, &[0; 7])),
        ("a window that is too large", window(u32::MAX)),
        (
            "CONTINUATION without HEADERS",
            frame(CONTINUATION, 4, 1, b""),
        ),
        ("invalid HPACK", frame(HEADERS, 5, 1, &[0xff; 8])),
    ] {
        let mut raw = Raw::begin(&secure, &[settings.clone(), bytes].concat()).await;
        let (_, errors) = raw.rest().await;
        assert!(errors.last() > Some(&0), "{case}: {errors:?}");
    }
    let mut no_preface = Raw(secure.connect(&["h2"]).await);
    assert!(
        no_preface
            .send(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
            .await
    );
    assert_eq!(no_preface.rest().await.0, 0);
    serves(&secure).await;
}

/// The h2 crate ends connections with endless headers or many reset streams. This test ensures that
/// it does.
#[tokio::test]
async fn floods_of_headers_and_resets_end_the_connection() {
    let secure = Secure::with(long_limits()).await;
    let mut endless = Raw::begin(&secure, &window(65_535)).await;
    endless.send(&frame(HEADERS, END_STREAM, 1, &[0x82])).await;
    let piece = frame(CONTINUATION, 0, 1, &[0; 1024]);
    let began = Instant::now();
    while endless.send(&piece).await {
        assert!(began.elapsed() < PATIENCE, "endless headers are accepted");
    }

    let mut resets = Raw::begin(&secure, &window(65_535)).await;
    let mut bytes = Vec::new();
    for stream in (1..4_000).step_by(2) {
        bytes.extend(get(stream, "/metrics"));
        bytes.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    resets.send(&bytes).await;
    let (_, errors) = resets.rest().await;
    assert!(errors.is_empty() || errors.contains(&11), "{errors:?}");
    serves(&secure).await;
}

/// The client reads none of the responses that it requests. The unread responses block the flood,
/// and the blocked connection counts as idle.
#[tokio::test]
async fn floods_of_frames_that_require_a_reply_are_blocked_and_closed() {
    let limits = Limits {
        idle: SHORT * 2,
        ..long_limits()
    };
    let secure = Secure::with(limits).await;
    for flood in [frame(PING, 0, 0, &[7; 8]), window(65_535)] {
        let mut raw = Raw::begin(&secure, &window(65_535)).await;
        let began = Instant::now();
        let flood = flood.repeat(1024);
        let writing = async { while raw.send(&flood).await {} };
        let meanwhile = async {
            sleep(SHORT).await;
            serves(&secure).await
        };
        timeout(PATIENCE / 2, async { tokio::join!(writing, meanwhile) })
            .await
            .expect("the flood continues");
        assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
    }
}

/// The client reads nothing, or only a part: by then, h2 has buffered the only piece.
#[tokio::test]
async fn the_connection_of_a_stalled_reader_is_closed() {
    let limits = Limits {
        write_stall: SHORT,
        ..long_limits()
    };
    let secure = Secure::with(limits).await;
    for taken in [0, 1, 60_000] {
        let frames = [window(taken), get(1, "/metrics")].concat();
        let mut raw = Raw::begin(&secure, &frames).await;
        let began = Instant::now();
        let (got, _) = raw.rest().await;
        assert_eq!(got, taken as usize);
        assert!(began.elapsed() < PATIENCE / 4, "{:?}", began.elapsed());
    }
    serves(&secure).await;
}

/// 800 pending responses of eight megabytes share their memory.
#[tokio::test]
async fn slow_readers_share_the_memory_of_a_response() {
    const READERS: usize = 50;
    const EACH: usize = 1 << 20;
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kilobytes.parse::<usize>().unwrap() * 1024
    };
    let secure = Secure::with(long_limits()).await;
    let before = memory();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        // The window of the connection blocks all responses except the first.
        let mut frames = window(1 << 30);
        for stream in (1..32).step_by(2) {
            frames.extend(get(stream, "/metrics"));
        }
        frames.extend(frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 29).to_be_bytes()));
        readers.push(Raw::begin(&secure, &frames).await);
    }
    sleep(SHORT * 2).await;
    let held = memory().saturating_sub(before);
    assert!(held < READERS * EACH, "{held} bytes");
    serves(&secure).await;
}

/// The server sends GOAWAY before it closes a connection. A client that does not reply delays
/// neither new clients nor the shutdown.
#[tokio::test]
async fn a_client_that_ignores_goaway_is_closed_anyway() {
    let options = Options {
        limits: long_limits(),
        connections: Connections::new(2),
        ..Options::default()
    };
    let secure = Secure::start("", options).await;
    let mut without_preface = secure.connect(&["h2"]).await;
    let mut silent = Raw::begin(&secure, &window(65_535)).await;
    silent.until(SETTINGS).await;
    let _new_clients = [serves(&secure).await, serves(&secure).await];
    let began = Instant::now();
    let (_, errors) = silent.rest().await;
    assert_eq!(errors.first(), Some(&0), "GOAWAY without an error");
    drop(timeout(PATIENCE, without_preface.read_to_end(&mut Vec::new())).await);
    assert!(began.elapsed() < PATIENCE / 4, "{:?}", began.elapsed());

    let mut idle = Raw::begin(&secure, &window(65_535)).await;
    idle.until(SETTINGS).await;
    let mut busy = Raw::begin(&secure, &[window(1), get(1, "/metrics")].concat()).await;
    assert_eq!(busy.until(DATA).await, b"#");
    let stopped = secure.stop();
    assert_eq!(idle.until(GOAWAY).await.get(7), Some(&0));
    assert_eq!(idle.rest().await.0, 0);
    // h2 has buffered the last piece and not sent it.
    sleep(SHORT * 4).await;
    assert!(!stopped.is_finished(), "a response was truncated");
    let more = 1_u32 << 29;
    let update = |stream| frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes());
    assert!(busy.send(&[update(0), update(1)].concat()).await);
    assert_eq!(busy.rest().await.0, LARGE - 1);
    timeout(PATIENCE / 2, stopped).await.unwrap().unwrap();
}
