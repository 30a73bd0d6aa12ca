//! Clients that send half a request make room as idle ones do.

use cloudaudit_exporter::http::{Connections, Options};
use tokio::time::timeout;

use crate::support::{Client, PATIENCE, Server, Shown, large, patient};

/// Each is half a request, or less.
const HALVES: [&str; 8] = [
    "",
    "\r\n\r\n",
    "G",
    "GET /metrics HTTP/1.1\r\n",
    "GET /metrics HTTP/1.1\r\nHost: here\r\nX-Long: ",
    "GET /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n",
    "POST /-/reload HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nhalf",
    "POST /-/reload HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
];

const CAP: usize = 4;

fn capped() -> Options {
    Options {
        connections: Connections::new(CAP),
        limits: patient(),
        ..Options::default()
    }
}

#[tokio::test]
async fn half_a_request_of_any_kind_makes_room() {
    for half in HALVES {
        let server = Server::with(Shown::default(), capped()).await;
        let mut crowd = Vec::new();
        for _ in 0..CAP * 3 {
            let mut client = server.connect().await;
            client.send(half).await;
            crowd.push(client);
        }
        let scrape = timeout(PATIENCE / 4, server.get("/metrics")).await;
        assert_eq!(scrape.expect(half).status, 200, "{half:?}");
        // The oldest ones were closed.
        for client in &mut crowd[..CAP] {
            timeout(PATIENCE, client.closed_after()).await.expect(half);
        }
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_makes_room_after_all_others() {
    let server = Server::with(large(), capped()).await;
    let mut readers = Vec::new();
    for _ in 0..CAP {
        let mut client = server.connect().await;
        client
            .send("GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
            .await;
        readers.push(client);
    }
    let healthy = timeout(PATIENCE / 4, server.get("/-/healthy")).await;
    assert_eq!(healthy.expect("a reader makes room").status, 200);
}

#[tokio::test]
async fn a_request_that_waits_for_its_body_is_answered_once_it_is_there() {
    let server = Server::with(Shown::default(), capped()).await;
    let mut client: Client = server.connect().await;
    client
        .send("GET /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    assert!(client.is_open().await);
    client.send("-other").await;
    assert_eq!(client.reply().await.status, 200);
}
