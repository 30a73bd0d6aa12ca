//! A server that sends given bytes until the client disconnects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server sends after a request.
#[derive(Clone)]
pub(crate) struct Play {
    beginning: Bytes,
    /// Sent repeatedly after the beginning, with a pause before each time.
    then: Option<(Bytes, Duration)>,
}

impl Play {
    /// Sends these bytes once.
    pub(crate) fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self {
            beginning: bytes.into(),
            then: None,
        }
    }

    /// Sends `beginning` once, and then `piece` repeatedly.
    pub(crate) fn endless(
        beginning: impl Into<Bytes>,
        piece: impl Into<Bytes>,
        pause: Duration,
    ) -> Self {
        Self {
            beginning: beginning.into(),
            then: Some((piece.into(), pause)),
        }
    }

    /// A response with status 200.
    pub(crate) fn response(body: &str) -> Self {
        Self::with_headers("", body)
    }

    /// A response with status 200 and more headers, each with its line end.
    pub(crate) fn with_headers(headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::bytes(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
    }
}

pub(crate) struct Server {
    pub(crate) authority: String,
    requests: Arc<AtomicUsize>,
    written: Arc<AtomicU64>,
}

impl Server {
    /// Starts a server that sends the same after every request.
    pub(crate) async fn playing(play: Play) -> Self {
        Self::start(move |_| play.clone()).await
    }

    /// Starts a server that chooses by the number of the request, counted from 1.
    pub(crate) async fn start(plays: impl Fn(usize) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            authority: listener.local_addr().unwrap().to_string(),
            requests: Arc::default(),
            written: Arc::default(),
        };
        let plays = Arc::new(plays);
        let (requests, written) = (Arc::clone(&server.requests), Arc::clone(&server.written));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let plays = Arc::clone(&plays);
                let (requests, written) = (Arc::clone(&requests), Arc::clone(&written));
                tokio::spawn(async move { serve(stream, &*plays, &requests, &written).await });
            }
        });
        server
    }

    /// Returns the number of requests.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes that the operating system accepted.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

async fn serve(
    mut stream: TcpStream,
    plays: &(impl Fn(usize) -> Play + Sync),
    requests: &AtomicUsize,
    written: &AtomicU64,
) {
    while request(&mut stream).await {
        let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
        let Play { beginning, then } = plays(number);
        if !write(&mut stream, &beginning, written).await {
            return;
        }
        while let Some((piece, pause)) = &then {
            if !pause.is_zero() {
                tokio::time::sleep(*pause).await;
            }
            if !write(&mut stream, piece, written).await {
                return;
            }
        }
    }
}

/// Writes bytes, and returns whether the connection is still open.
async fn write(stream: &mut TcpStream, bytes: &[u8], written: &AtomicU64) -> bool {
    for part in bytes.chunks(64 * 1024) {
        if stream.write_all(part).await.is_err() {
            return false;
        }
        written.fetch_add(part.len() as u64, Ordering::Relaxed);
    }
    true
}

/// Reads the head and the JSON body of a request.
async fn request(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    let mut part = [0; 4096];
    while !(read.windows(4).any(|end| end == b"\r\n\r\n") && read.ends_with(b"}")) {
        match stream.read(&mut part).await {
            Ok(count @ 1..) => read.extend_from_slice(&part[..count]),
            _ => return false,
        }
    }
    true
}
