//! Checks the parsers that judge our exposition: a real Prometheus, promtool and the Python client.
//! Each gets a valid text and texts with a known fault. A fault that a parser misses here, it would
//! miss in our exposition, too.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::support::judges::{promtool, python_client};
use crate::support::prometheus::Prometheus;

const SOUND: &str = "\
# HELP tracks Tracks of the last complete listing.
# TYPE tracks gauge
tracks{account=\"prod\",status=\"enabled\"} 2
tracks{account=\"prod\",status=\"disabled\"} 1
# HELP polls_total Polls that ended.
# TYPE polls_total counter
polls_total{account=\"prod\"} 7
";

/// Two values for one series. Prometheus before 2.52 and promtool miss it; the Python client does
/// not.
const DUPLICATE: &str = "\
# HELP tracks Tracks of the last complete listing.
# TYPE tracks gauge
tracks{account=\"prod\"} 2
tracks{account=\"prod\"} 3
";

/// A sample with a timestamp of 1970 among current samples.
const TOO_OLD: &str = "\
# HELP tracks Tracks of the last complete listing.
# TYPE tracks gauge
tracks{account=\"prod\"} 2
tracks{account=\"test\"} 3 1000
";

/// A family in two places.
const TORN: &str = "\
# HELP tracks Tracks of the last complete listing.
# TYPE tracks gauge
tracks{account=\"one\"} 2
# HELP polls_total Polls that ended.
# TYPE polls_total counter
polls_total{account=\"one\"} 7
tracks{account=\"two\"} 3
";

/// A label value without a closing quote.
const BROKEN: &str = "\
# HELP tracks Tracks of the last complete listing.
# TYPE tracks gauge
tracks{account=\"prod} 2
";

/// A counter without the suffix `_total`.
const MISNAMED: &str = "\
# HELP polls Polls that ended.
# TYPE polls counter
polls 7
";

#[tokio::test]
async fn a_sound_exposition_is_scraped_compressed_and_without_complaint() {
    let prometheus = Prometheus::scraping(serve(SOUND).await).await;
    let target = prometheus.target().await;
    assert_eq!((&*target.health, &*target.last_error), ("up", ""));
    let names = prometheus.names().await;
    assert!(names.contains("tracks") && names.contains("polls_total"));
    assert_eq!(prometheus.query("sum(tracks)").await, [3.0]);
    assert_eq!(prometheus.query("scrape_samples_scraped").await, [3.0]);
    assert_eq!(prometheus.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn prometheus_complains_of_a_sample_that_it_drops() {
    let prometheus = Prometheus::scraping(serve(TOO_OLD).await).await;
    prometheus.target().await;
    let complaints = prometheus.complaints().join("\n");
    assert!(complaints.contains("too old"), "{complaints}");
}

#[tokio::test]
async fn prometheus_cannot_scrape_what_is_broken() {
    let prometheus = Prometheus::scraping(serve(BROKEN).await).await;
    let target = prometheus.target().await;
    assert_eq!(target.health, "down");
    assert_ne!(target.last_error, "");
    assert_ne!(prometheus.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn promtool_objects_to_a_misnamed_counter_and_to_broken_text() {
    assert_eq!(promtool(SOUND).await, Ok(()));
    let objection = promtool(MISNAMED).await.expect_err("it is misnamed");
    assert!(objection.contains("_total"), "{objection}");
    promtool(BROKEN).await.expect_err("it is broken");
}

#[tokio::test]
async fn the_python_client_objects_to_duplicates_and_to_a_torn_family() {
    assert_eq!(python_client(SOUND).await, Ok(3));
    let objection = python_client(DUPLICATE).await.expect_err("there are two");
    assert!(objection.contains("is there twice"), "{objection}");
    let objection = python_client(TORN).await.expect_err("it is torn");
    assert!(objection.contains("do not stand together"), "{objection}");
    python_client(BROKEN).await.expect_err("it is broken");
}

/// Serves one text, compressed, and only to clients that accept compression.
async fn serve(exposition: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has one");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |request| async move {
                Ok::<_, Infallible>(response(&request, exposition))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

fn response<B>(request: &Request<B>, exposition: &str) -> Response<Full<Bytes>> {
    let accepted = request.headers().get(ACCEPT_ENCODING);
    let mut response = Response::new(Full::default());
    if accepted.is_some_and(|accepted| accepted.as_bytes().starts_with(b"gzip")) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(exposition.as_bytes()).expect("memory");
        *response.body_mut() = Full::from(encoder.finish().expect("memory"));
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, "gzip".parse().expect("a value"));
        let text_format = "text/plain; version=0.0.4; charset=utf-8";
        headers.insert(CONTENT_TYPE, text_format.parse().expect("a value"));
    } else {
        *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
    }
    response
}
