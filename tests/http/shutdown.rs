//! The end: what is in flight is finished, but not for ever.

use std::time::Duration;

use cloudaudit_exporter::http::{Limits, Options};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{LARGE, STALL_TIMEOUT, Server, Shown, large, patient, request};

const A_WHILE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_response_in_flight_is_finished() {
    let options = Options {
        limits: patient(),
        ..Options::default()
    };
    let server = Server::with(large(), options).await;
    let address = server.address;
    let mut idle = server.connect().await;
    idle.get("/-/healthy").await;
    let mut reader = server.connect().await;
    reader.send(request("GET", "/metrics", "")).await;
    let mut begun = server.connect().await;
    begun.send("GET /-/healthy HTTP/1.1\r\n").await;
    sleep(A_WHILE).await;

    let stopped = server.stop();
    assert!(idle.closed_after().await < STALL_TIMEOUT / 2);
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!stopped.is_finished());

    assert_eq!(reader.reply().await.body.len(), LARGE);
    begun.send("Host: here\r\n\r\n").await;
    let reply = begun.reply().await;
    assert_eq!((reply.status, reply.header("connection")), (200, "close"));
    timeout(STALL_TIMEOUT / 2, stopped).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let options = Options {
        limits: Limits {
            drain: A_WHILE,
            ..patient()
        },
        ..Options::default()
    };
    let server = Server::with(large(), options).await;
    let mut stalled = server.connect().await;
    stalled.send(request("GET", "/metrics", "")).await;
    sleep(A_WHILE).await;

    let start = Instant::now();
    timeout(STALL_TIMEOUT / 2, server.stop())
        .await
        .unwrap()
        .unwrap();
    assert!(start.elapsed() >= A_WHILE);
    assert!(stalled.read_to_end().await < LARGE);
}

#[tokio::test]
async fn with_nothing_in_flight_it_ends_at_once() {
    let server = Server::with_limits(patient()).await;
    let _silent = server.connect().await;
    server.get("/metrics").await;
    timeout(STALL_TIMEOUT / 2, server.stop())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_newcomer_that_waits_for_a_place_does_not_hold_it_up() {
    let options = Options {
        connections: cloudaudit_exporter::http::Connections::new(1),
        limits: Limits {
            drain: A_WHILE,
            ..patient()
        },
        ..Options::default()
    };
    let server = Server::with(Shown::default(), options).await;
    let mut busy = server.connect().await;
    busy.send("GET /metrics HTTP/1.1\r\n").await;
    sleep(A_WHILE).await;
    let mut waiting = server.connect().await;
    sleep(A_WHILE).await;
    timeout(STALL_TIMEOUT / 2, server.stop())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.read_to_end().await, 0);
}
