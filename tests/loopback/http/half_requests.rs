//! Clients that send half a request make room as idle ones do.

use std::net::SocketAddr;
use std::time::Duration;

use cloudaudit_exporter::http::{Connections, Limits, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use super::support::{Client, LARGE, PATIENCE, Server, Shown, large, patient, request};

/// Each is half a request, or less.
const HALVES: [&str; 9] = [
    "",
    "\r\n\r\n",
    "G",
    "GET /metrics HTTP/1.1\r\n",
    "GET /metrics HTTP/1.1\r\nHost: here\r\nX-Long: ",
    "GET /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n",
    "POST /-/reload HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nhalf",
    "POST /-/reload HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
    // Its body looks like the ends of heads.
    "POST /-/reload HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\na\n\nb\n\nc\n\n",
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
        // All but those that fit were closed.
        let mut open = 0;
        for client in &mut crowd {
            open += usize::from(client.is_open().await);
        }
        assert!(open <= CAP, "{open} are open: {half:?}");
    }
}

/// A busy client that has connected and not sent its request yet is older than the crowd.
#[tokio::test]
async fn half_a_request_makes_room_before_a_client_that_is_about_to_send_one() {
    for half in HALVES.iter().filter(|half| !half.trim().is_empty()) {
        let server = Server::with(Shown::default(), capped()).await;
        let mut scraper = server.connect().await;
        let mut crowd = Vec::new();
        for _ in 0..CAP * 3 {
            let mut client = server.connect().await;
            client.send(half).await;
            sleep(Duration::from_millis(30)).await;
            crowd.push(client);
        }
        assert!(scraper.is_open().await, "{half:?}");
        assert_eq!(scraper.get("/metrics").await.status, 200, "{half:?}");
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

/// What the kernel keeps for a client that reads nothing is bounded, and discarded when the
/// connection is cut.
#[tokio::test]
async fn a_client_that_reads_nothing_has_small_buffers() {
    const STALL: Duration = Duration::from_millis(500);
    const BUFFERS: usize = 512 * 1024;
    let options = Options {
        limits: Limits {
            write_stall: STALL,
            ..patient()
        },
        ..Options::default()
    };
    let server = Server::with(large(), options).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let get = request("GET", "/metrics", "");
    stream.write_all(get.as_bytes()).await.unwrap();
    let client = stream.local_addr().unwrap();
    sleep(STALL / 2).await;
    let kept = unsent(server.address, client);
    assert!(
        kept.is_some_and(|kept| kept > 0 && kept < BUFFERS),
        "{kept:?} bytes are kept for it"
    );
    sleep(STALL * 3).await;
    assert_eq!(unsent(server.address, client), None, "nothing is discarded");
    let (mut got, mut buffer) = (0, vec![0; 64 * 1024]);
    while let Ok(read @ 1..) = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap() {
        got += read;
    }
    assert!(got < LARGE.min(BUFFERS), "{got} bytes were kept for it");
}

/// The bytes that the kernel keeps to send them from the server to the client. `None` without a
/// connection.
fn unsent(server: SocketAddr, client: SocketAddr) -> Option<usize> {
    let hex = |address: SocketAddr| match address {
        SocketAddr::V4(it) => format!("{:08X}:{:04X}", it.ip().to_bits().swap_bytes(), it.port()),
        SocketAddr::V6(it) => panic!("{it} is not in this table"),
    };
    let ends = format!(" {} {} ", hex(server), hex(client));
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let line = table.lines().find(|line| line.contains(&ends))?;
    let queues = line.split(&ends).nth(1)?.split_whitespace().nth(1)?;
    usize::from_str_radix(queues.split(':').next()?, 16).ok()
}
