//! The limit on connections, and which connection is closed to make room.

use std::time::Duration;

use cloudaudit_exporter::http::{Connections, Options};
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use super::support::{Client, LARGE, PATIENCE, Server, Shown, large, patient, request};

/// Long enough to distinguish a request that waits from a request that gets a response.
const A_WHILE: Duration = Duration::from_millis(300);

async fn server(cap: usize) -> Server {
    Server::with(Shown::default(), options(cap)).await
}

fn options(cap: usize) -> Options {
    Options {
        connections: Connections::new(cap),
        limits: patient(),
        ..Options::default()
    }
}

async fn idle(server: &Server) -> Client {
    let mut client = server.connect().await;
    client.get("/metrics").await;
    client
}

#[tokio::test]
async fn the_longest_idle_connection_makes_room() {
    let server = server(3).await;
    let mut first = idle(&server).await;
    let mut second = idle(&server).await;
    let mut third = idle(&server).await;
    first.get("/metrics").await; // now the second is idle for longest
    let mut fourth = idle(&server).await;
    second.closed_after().await;
    for client in [&mut first, &mut third, &mut fourth] {
        assert!(client.is_open().await);
        assert_eq!(client.get("/metrics").await.status, 200);
    }
}

#[tokio::test]
async fn a_silent_connection_makes_room_as_well() {
    let server = server(1).await;
    let mut silent = server.connect().await;
    sleep(A_WHILE).await;
    assert_eq!(server.get("/metrics").await.status, 200);
    silent.closed_after().await;
}

#[tokio::test]
async fn a_connection_whose_response_is_under_way_stays_while_others_can_go() {
    let server = Server::with(large(), options(2)).await;
    let mut reader = server.connect().await;
    reader.send(request("GET", "/metrics", "")).await;
    sleep(A_WHILE).await;
    for _ in 0..5 {
        assert_eq!(server.get("/-/healthy").await.status, 200);
    }
    assert_eq!(reader.reply().await.status, 200);
}

#[tokio::test]
async fn a_response_that_its_client_does_not_take_makes_room_and_another_does_not() {
    let server = Server::with(large(), options(2)).await;
    let mut stalled = server.connect().await;
    stalled.send(request("GET", "/metrics", "")).await;
    let mut reader = server.connect().await;
    reader.send(request("GET", "/metrics", "")).await;
    // Slow enough to be still at it when the newcomers come, and never without progress.
    let reader = tokio::spawn(async move {
        let (mut part, mut all) = (vec![0; 64 * 1024], 0);
        while all < LARGE {
            match reader.stream.read(&mut part).await.unwrap() {
                0 => break,
                length => all += length,
            }
            sleep(Duration::from_millis(1)).await;
        }
        all
    });
    for _ in 0..5 {
        let reply = timeout(PATIENCE / 4, server.get("/-/healthy")).await;
        assert_eq!(reply.unwrap().status, 200);
    }
    assert!(reader.await.unwrap() >= LARGE);
    assert!(stalled.read_to_end().await < LARGE);
}

#[tokio::test]
async fn a_crowd_at_one_address_does_not_cost_another_its_connection() {
    let server = server(8).await;
    let mut scraper = idle(&server).await;
    for _ in 0..40 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
        let stranger = socket.connect(server.address).await.unwrap();
        // The server closes it, and not the test.
        std::mem::forget(stranger);
    }
    sleep(A_WHILE).await;
    assert!(scraper.is_open().await);
    assert_eq!(scraper.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn listeners_with_the_same_options_share_the_cap() {
    let options = options(2);
    let one = Server::with(Shown::default(), options.clone()).await;
    let other = Server::with(Shown::default(), options).await;
    let mut first = idle(&one).await;
    let mut second = idle(&other).await;
    let mut third = idle(&other).await;
    first.closed_after().await;
    assert!(second.is_open().await);
    assert!(third.is_open().await);
}

#[tokio::test]
async fn a_flood_of_silent_connections_leaves_the_place_to_those_who_ask() {
    let server = server(16).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(server.connect().await);
    }
    let scrape = timeout(PATIENCE, server.get("/metrics")).await;
    assert_eq!(scrape.unwrap().status, 200);
    sleep(A_WHILE).await;
    let mut open = 0;
    for client in &mut silent[150..] {
        open += usize::from(client.is_open().await);
    }
    assert!(open < 16, "{open}");
}
