//! Rendering that takes long, on a runtime with a single thread: everything else is answered
//! meanwhile.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::support::{Client, Reply, Server, Shown};

/// Time for requests to arrive on a busy machine.
const ARRIVAL: Duration = Duration::from_millis(300);

/// As many pages as may wait or be rendered.
const PAGES: usize = 16;

fn ask(server: &Server, paths: impl IntoIterator<Item = &'static str>) -> JoinSet<Reply> {
    let address = server.address;
    paths
        .into_iter()
        .map(|path| async move { Client::connect(address).await.get(path).await })
        .collect()
}

#[tokio::test]
async fn rendering_blocks_no_thread_of_the_runtime() {
    for path in [
        "/metrics",
        "/-/ready",
        "/",
        "/api/v1/targets",
        "/api/v1/tracks",
    ] {
        let server = Server::start(Shown::default()).await;
        server.content.scrapes_hang.store(true, Ordering::Relaxed);
        server.content.pages_hang.store(true, Ordering::Relaxed);
        let mut replies = ask(&server, [path; 3]);
        sleep(ARRIVAL).await;
        assert_eq!(server.get("/-/healthy").await.status, 200, "{path}");
        assert!(replies.try_join_next().is_none(), "{path} was awaited");
        server.content.scrapes_hang.store(false, Ordering::Relaxed);
        server.content.pages_hang.store(false, Ordering::Relaxed);
        while let Some(reply) = replies.join_next().await {
            assert_eq!(reply.unwrap().status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn pages_keep_no_scrape_waiting_and_few_pages_wait() {
    let server = Server::start(Shown::default()).await;
    server.content.pages_hang.store(true, Ordering::Relaxed);
    let paths = ["/", "/api/v1/tracks"].into_iter().cycle();
    let mut replies = ask(&server, paths.take(PAGES + 4));
    sleep(ARRIVAL).await;
    assert_eq!(server.get("/metrics").await.status, 200);
    assert_eq!(server.get("/-/ready").await.status, 200);
    for _ in 0..4 {
        let reply = replies.join_next().await.unwrap().unwrap();
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert!(reply.text().contains("try again"), "{}", reply.text());
    }
    server.content.pages_hang.store(false, Ordering::Relaxed);
    while let Some(reply) = replies.join_next().await {
        assert_eq!(reply.unwrap().status, 200);
    }
}

/// The turn belongs to the rendering and not to its client.
#[tokio::test]
async fn a_client_that_hangs_up_gives_no_turn_away() {
    let server = Server::start(Shown::default()).await;
    server.content.pages_hang.store(true, Ordering::Relaxed);
    let mut pages = ask(&server, ["/"; PAGES]);
    sleep(ARRIVAL).await;
    pages.shutdown().await;
    sleep(ARRIVAL).await;
    // The one that is being rendered holds its place; those that waited are gone.
    let mut replies = ask(&server, ["/"; PAGES]);
    let reply = replies.join_next().await.unwrap().unwrap();
    assert_eq!(reply.status, 503, "{}", reply.text());
    server.content.pages_hang.store(false, Ordering::Relaxed);
    while let Some(reply) = replies.join_next().await {
        assert_eq!(reply.unwrap().status, 200);
    }
}
