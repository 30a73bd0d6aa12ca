//! A server with something to show, and a client that sends and reads exactly what a test says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::http::{Content, Limits, Listener, Options, Reload};
use cloudaudit_exporter::snapshot::{ChangeRecord, ExporterInfo, Report};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// Longer than anything takes here; a test that hangs fails by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Content that a test sets.
pub(crate) struct Shown {
    pub(crate) plain: Vec<Bytes>,
    pub(crate) gzip: Vec<Bytes>,
    pub(crate) reports: Vec<Arc<Report>>,
    pub(crate) info: ExporterInfo,
    pub(crate) changes: Arc<[Arc<ChangeRecord>]>,
    pub(crate) ready: Result<(), Vec<String>>,
    pub(crate) healthy: Result<(), String>,
    pub(crate) reloaded: Option<Result<(), String>>,
    pub(crate) answered: Mutex<Vec<(&'static str, u16)>>,
    pub(crate) clock: Clock,
    /// While this is set, the exposition and readiness block their threads.
    pub(crate) scrapes_hang: AtomicBool,
    /// While this is set, the reports block their threads.
    pub(crate) pages_hang: AtomicBool,
}

/// Blocks the thread while `hangs` is set; not so long that a test never ends.
#[expect(
    clippy::disallowed_methods,
    reason = "blocking is what the test is about"
)]
fn block(hangs: &AtomicBool) {
    let began = Instant::now();
    while hangs.load(Ordering::Relaxed) && began.elapsed() < PATIENCE / 4 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            plain: vec![
                Bytes::from_static(b"a 1\n"),
                Bytes::new(),
                Bytes::from_static(b"b 2\n"),
            ],
            gzip: vec![Bytes::from_static(b"zip"), Bytes::from_static(b"ped")],
            reports: Vec::new(),
            info: ExporterInfo::default(),
            changes: Arc::from([]),
            ready: Ok(()),
            healthy: Ok(()),
            reloaded: None,
            answered: Mutex::default(),
            clock: Clock::system(),
            scrapes_hang: AtomicBool::new(false),
            pages_hang: AtomicBool::new(false),
        }
    }
}

impl Content for Shown {
    fn exposition(&self, gzip: bool) -> Vec<Bytes> {
        block(&self.scrapes_hang);
        if gzip {
            self.gzip.clone()
        } else {
            self.plain.clone()
        }
    }

    fn reports(&self) -> Vec<Arc<Report>> {
        block(&self.pages_hang);
        self.reports.clone()
    }

    fn exporter_info(&self) -> ExporterInfo {
        self.info.clone()
    }

    fn changes(&self) -> Arc<[Arc<ChangeRecord>]> {
        Arc::clone(&self.changes)
    }

    fn ready(&self) -> Result<(), Vec<String>> {
        block(&self.scrapes_hang);
        self.ready.clone()
    }

    fn healthy(&self) -> Result<(), String> {
        assert_ne!(self.healthy, Err("panic".to_owned()), "as the test wants");
        self.healthy.clone()
    }

    fn reload(&self) -> Option<Reload> {
        let reloaded = self.reloaded.clone()?;
        Some(Box::pin(std::future::ready(reloaded)))
    }

    fn record_request(&self, handler: &'static str, code: u16) {
        self.answered.lock().unwrap().push((handler, code));
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}

/// A running listener.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) content: Arc<Shown>,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(content: Shown) -> Self {
        Self::with(content, Options::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        let options = Options {
            limits,
            ..Options::default()
        };
        Self::with(Shown::default(), options).await
    }

    pub(crate) async fn with(content: Shown, options: Options) -> Self {
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, content, options)
    }

    pub(crate) fn on(listener: Listener, content: Shown, options: Options) -> Self {
        let content = Arc::new(content);
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel();
        let shown = Arc::clone(&content);
        let serving = tokio::spawn(async move {
            listener
                .serve(shown, options, async {
                    let _ = stopped.await;
                })
                .await;
        });
        Self {
            address,
            content,
            shutdown,
            serving,
        }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.connect().await.get(path).await
    }

    /// Asks it to stop; the handle ends when it has.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        let _ = self.shutdown.send(());
        self.serving
    }
}

/// A client on one connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
    /// When it last began to connect or to send: no later than the server's times begin.
    touched: Instant,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let touched = Instant::now();
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await;
        Self {
            stream: stream.unwrap().unwrap(),
            read: Vec::new(),
            touched,
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.touched = Instant::now();
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send(request("GET", path, "")).await;
        self.reply().await
    }

    pub(crate) async fn reply(&mut self) -> Reply {
        self.reply_to("GET").await
    }

    /// The next response, exactly as long as it says it is.
    pub(crate) async fn reply_to(&mut self, method: &str) -> Reply {
        let end = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => assert!(self.more().await, "no head in {:?}", self.read),
            }
        };
        let mut reply = Reply::parse(&self.read[..end]);
        self.read.drain(..end);
        let length = match method {
            "HEAD" => 0,
            _ => reply.header("content-length").parse().unwrap_or(0),
        };
        while self.read.len() < length {
            assert!(self.more().await, "{} of {length} bytes", self.read.len());
        }
        reply.body = self.read.drain(..length).collect();
        reply
    }

    /// Reads on until the server ends the connection; how many bytes came.
    pub(crate) async fn read_to_end(&mut self) -> usize {
        while self.more().await {}
        self.read.len()
    }

    /// How long after the last thing that was sent the server closes the connection. It must send
    /// nothing more.
    pub(crate) async fn closed_after(&mut self) -> Duration {
        assert!(!self.more().await, "unexpected {:?}", self.read);
        self.touched.elapsed()
    }

    /// Whether the server has left the connection open so far.
    pub(crate) async fn is_open(&mut self) -> bool {
        timeout(Duration::from_millis(50), self.more())
            .await
            .is_err()
    }

    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
        // A connection that is cut with bytes unread is reset.
        !matches!(read.expect("the server answers or closes"), Ok(0) | Err(_))
    }
}

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    fn parse(head: &[u8]) -> Self {
        let head = str::from_utf8(head).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines.next().unwrap()["HTTP/1.1 ".len()..][..3]
            .parse()
            .unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: Vec::new(),
        }
    }

    /// Returns the value of a header, or an empty string if the header is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// A request without a body. `headers` are whole lines.
pub(crate) fn request(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n")
}

/// Limits that none of the tests runs into unless it shortens them.
pub(crate) fn patient() -> Limits {
    Limits {
        headers: PATIENCE,
        idle: PATIENCE,
        write_stall: PATIENCE,
        response: PATIENCE,
        drain: PATIENCE,
    }
}

/// An exposition that does not fit into the buffers of a loopback connection.
pub(crate) fn large() -> Shown {
    let piece = Bytes::from(vec![b'#'; 1024 * 1024]);
    Shown {
        plain: vec![piece; LARGE / (1024 * 1024)],
        ..Shown::default()
    }
}

/// The size of [`large`].
pub(crate) const LARGE: usize = 64 * 1024 * 1024;
