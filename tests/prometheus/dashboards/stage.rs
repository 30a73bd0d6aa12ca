//! Scrape targets: a demo, or an exposition that never changes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long the demo may take until it prints its address.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running demo. Dropping it kills the process.
pub(crate) struct Demo {
    /// When its timetable began.
    pub(crate) began: SystemTime,
    _process: Child,
}

impl Demo {
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
            .args(["demo", "--web.listen-address", &address.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the demo can be started");
        let stdout = process.stdout.take().expect("it was piped");
        let mut lines = BufReader::new(stdout).lines();
        let said = async {
            while let Some(line) = lines.next_line().await.expect("the demo prints text") {
                if line.starts_with("The metrics are on ") {
                    return;
                }
            }
            panic!("the demo ended without saying where its metrics are");
        };
        timeout(START_LIMIT, said)
            .await
            .expect("it says so in time");
        // Keeps reading the demo's output, so that a full pipe never blocks the demo.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            began: SystemTime::now(),
            _process: process,
        }
    }
}

/// A golden exposition.
pub(crate) fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read_to_string(path.join(file)).expect("the golden file is there")
}

/// Serves an exposition that never changes.
pub(crate) async fn serve(exposition: String) -> SocketAddr {
    let text = Bytes::from(exposition);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has one");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let text = text.clone();
            let service = service_fn(move |_| {
                let response = Response::builder()
                    .header(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
                    .body(Full::new(text.clone()))
                    .expect("a response");
                async { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}
