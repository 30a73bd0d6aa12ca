//! Time limits: of headers, of silence, of readers that do not read.

use std::time::Duration;

use cloudaudit_exporter::http::{Limits, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use super::support::{LARGE, Server, large, patient, request};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_millis(2500);

/// Between the two, whatever else the machine is doing.
const MIDDLE: Duration = Duration::from_millis(1500);

fn quick_headers() -> Limits {
    Limits {
        headers: SHORT,
        idle: LONG,
        ..patient()
    }
}

#[tokio::test]
async fn headers_that_drip_are_cut() {
    let server = Server::with_limits(quick_headers()).await;
    let mut client = server.connect().await;
    let start = Instant::now();
    let (mut reading, mut writing) = client.stream.split();
    let drip = async {
        loop {
            if writing.write_all(b"G").await.is_err() {
                break;
            }
            sleep(SHORT / 10).await;
        }
    };
    tokio::select! {
        () = drip => {}
        _ = reading.read_u8() => {}
    }
    let took = start.elapsed();
    assert!((SHORT..MIDDLE).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_fresh_connection_may_be_silent_as_long_as_an_idle_one() {
    let server = Server::with_limits(quick_headers()).await;
    let took = server.connect().await.closed_after().await;
    assert!(took >= LONG, "{took:?}");

    let mut client = server.connect().await;
    sleep(SHORT * 2).await;
    assert_eq!(client.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn an_idle_connection_is_kept_and_then_closed() {
    let server = Server::with_limits(quick_headers()).await;
    let mut client = server.connect().await;
    client.get("/metrics").await;
    sleep(SHORT * 2).await;
    client.get("/metrics").await;
    let took = client.closed_after().await;
    assert!((LONG..LONG * 3).contains(&took), "{took:?}");
}

#[tokio::test]
async fn the_first_byte_of_any_request_starts_its_time() {
    let server = Server::with_limits(quick_headers()).await;
    let mut client = server.connect().await;
    client.get("/metrics").await;
    sleep(SHORT * 2).await;
    client.send("G").await;
    let took = client.closed_after().await;
    assert!((SHORT..MIDDLE).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_request_begun_together_with_the_one_before_has_the_same_time() {
    let server = Server::with_limits(quick_headers()).await;
    let mut client = server.connect().await;
    let begun = request("GET", "/metrics", "") + "GET /metr";
    client.send(&begun).await;
    assert_eq!(client.reply().await.status, 200);
    let took = client.closed_after().await;
    assert!((SHORT..MIDDLE).contains(&took), "{took:?}");

    let mut client = server.connect().await;
    client.send(&begun).await;
    client.reply().await;
    client.send("ics HTTP/1.1\r\nHost: here\r\n\r\n").await;
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test]
async fn blank_lines_are_no_request() {
    let server = Server::with_limits(quick_headers()).await;
    let mut client = server.connect().await;
    client.send("\r\n\r\n").await;
    sleep(SHORT * 2).await;
    assert_eq!(client.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_and_leave_an_idle_connection() {
    let server = Server::with_limits(quick_headers()).await;
    let mut client = server.connect().await;
    let paths = ["/-/healthy", "/metrics", "/-/ready", "/nope"];
    let all: String = paths.map(|path| request("GET", path, "")).concat();
    client.send(all).await;
    let mut statuses = Vec::new();
    for _ in paths {
        statuses.push(client.reply().await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 404]);
    let took = client.closed_after().await;
    assert!((MIDDLE..LONG * 3).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_body_has_as_long_as_headers() {
    let server = Server::with_limits(quick_headers()).await;
    let mut client = server.connect().await;
    let start = Instant::now();
    client
        .send(request("POST", "/-/reload", "Content-Length: 9\r\n"))
        .await;
    assert_eq!(client.reply().await.status, 408);
    let took = start.elapsed();
    assert!((SHORT..MIDDLE).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_reader_that_stalls_is_cut() {
    let options = Options {
        limits: Limits {
            write_stall: SHORT,
            ..patient()
        },
        ..Options::default()
    };
    let server = Server::with(large(), options).await;
    let mut client = server.connect().await;
    client.send(request("GET", "/metrics", "")).await;
    sleep(SHORT * 3).await;
    let got = client.read_to_end().await;
    assert!(got < LARGE, "{got}");
    assert_eq!(server.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn a_reader_that_is_slow_gets_all() {
    let options = Options {
        limits: Limits {
            write_stall: MIDDLE,
            ..patient()
        },
        ..Options::default()
    };
    let server = Server::with(large(), options).await;
    let mut client = server.connect().await;
    client.send(request("GET", "/metrics", "")).await;
    let start = Instant::now();
    let mut buffer = vec![0; LARGE / 32];
    let mut got = 0;
    while got < LARGE {
        sleep(MIDDLE / 16).await;
        let read = client.stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "cut after {got} bytes");
        got += read;
    }
    assert!(start.elapsed() > MIDDLE);
}

#[tokio::test]
async fn a_reader_that_trickles_forever_is_cut_too() {
    let options = Options {
        limits: Limits {
            response: MIDDLE,
            ..patient()
        },
        ..Options::default()
    };
    let server = Server::with(large(), options).await;
    let mut client = server.connect().await;
    client.send(request("GET", "/metrics", "")).await;
    let mut buffer = vec![0; LARGE / 256];
    let mut got = 0;
    let start = Instant::now();
    while start.elapsed() < MIDDLE * 3 / 2 {
        sleep(MIDDLE / 20).await;
        got += client.stream.read(&mut buffer).await.unwrap_or(0);
    }
    got += client.read_to_end().await;
    assert!(got < LARGE, "{got}");
}
