//! Which requests may share a connection, and which must not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cloudaudit_exporter::tencent::{HttpTransport, Transport, TransportErrorKind, separate};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{PATIENCE, Then, raw, read_request, request, send, server};

/// Each identity has its own connections, also after a reload.
#[tokio::test]
async fn identities_do_not_share_connections() {
    let server = server(raw("200 OK", "", "{}"), Then::KeepOpen).await;
    let all: Arc<dyn Transport> = Arc::new(HttpTransport::plain().unwrap());
    let identities = [(); 3].map(|()| separate(&all, &server.authority));
    for _ in 0..5 {
        for identity in &identities {
            let request = request(&format!("http://{}/", server.authority), &server.authority);
            identity.send(request).await.unwrap();
        }
    }
    assert_eq!(server.requests.load(Ordering::Relaxed), 15);
    assert_eq!(server.connections.load(Ordering::Relaxed), 3);
}

/// A large fleet keeps no connection. Its identities share a client, but each request opens a
/// connection, so a late response on it belongs to no other request.
#[tokio::test]
async fn a_large_fleet_opens_a_connection_for_each_request() {
    const MORE_THAN_KEEP_CONNECTIONS: usize = 1_025;
    let server = server(raw("200 OK", "", "{}"), Then::KeepOpen).await;
    let all: Arc<dyn Transport> = Arc::new(HttpTransport::plain().unwrap());
    let send = async |identity: &Arc<dyn Transport>| {
        let request = request(&format!("http://{}/", server.authority), &server.authority);
        identity.send(request).await.unwrap();
        server.connections.load(Ordering::Relaxed)
    };
    let mut identities = Vec::new();
    for _ in 0..MORE_THAN_KEEP_CONNECTIONS {
        let identity = separate(&all, &server.authority);
        send(&identity).await;
        identities.push(identity);
    }
    let (first, last) = (&identities[0], identities.last().unwrap());
    let before = server.connections.load(Ordering::Relaxed);
    for (index, identity) in [first, last, first, last].into_iter().enumerate() {
        assert_eq!(send(identity).await, before + index + 1);
    }
}

/// If DNS moves a service, its old server may continue to respond forever.
#[tokio::test]
async fn a_connection_in_use_is_closed_after_five_minutes() {
    let server = server(raw("200 OK", "", "{}"), Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    let every = Duration::from_secs(20);
    // From the second request on, a connection is kept for the next one.
    for _ in 0..15 {
        send(&transport, "http", &server.authority).await.unwrap();
        pass(every).await;
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 2);
    for _ in 0..2 {
        send(&transport, "http", &server.authority).await.unwrap();
        pass(every).await;
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 3);
}

/// Advances the timers by `time`. Sockets remain in real time.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// The response to a request that timed out arrives while the next request waits for its own.
#[tokio::test]
async fn a_late_response_is_not_matched_to_the_next_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            number += 1;
            let body = format!("{{\"connection\":{number}}}");
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    if number == 1 {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    let _ = stream.write_all(raw("200 OK", "", &body).as_bytes()).await;
                }
            });
        }
    });
    let transport = HttpTransport::plain().unwrap();
    let first = request(&format!("http://{authority}/"), &authority);
    let abandoned = timeout(Duration::from_millis(50), transport.send(first)).await;
    assert!(abandoned.is_err());
    for _ in 0..5 {
        let response = send(&transport, "http", &authority).await.unwrap();
        assert_eq!(response.body(), "{\"connection\":2}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A response with a known request id is rejected, and its connection is not used again.
#[tokio::test]
async fn a_repeated_response_is_rejected() {
    let body = r#"{"Response":{"RequestId":"0f1e2d3c-0000-4000-8000-000000000000"}}"#;
    let server = server(raw("200 OK", "", body), Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    send(&transport, "http", &server.authority).await.unwrap();
    let error = send(&transport, "http", &server.authority).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Repeated, "{error}");
    assert!(error.message.contains("an earlier request"), "{error}");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    // If a server always sends the same id, each request uses a new connection and accepts it.
    for connections in 2..5 {
        send(&transport, "http", &server.authority).await.unwrap();
        assert_eq!(server.connections.load(Ordering::Relaxed), connections);
    }
}

/// A response with both Content-Length and Transfer-Encoding has two possible ends, so its
/// connection is closed after it is read.
#[tokio::test]
async fn a_response_with_two_lengths_closes_its_connection() {
    let body = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let server = server(body, Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    for _ in 0..3 {
        let response = send(&transport, "http", &server.authority).await.unwrap();
        assert_eq!(response.body(), "{}");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 3);
}

/// Bytes after a response, at once or before the next request, belong to no request.
#[tokio::test]
async fn unexpected_bytes_close_an_idle_connection() {
    let right = raw("200 OK", "", "{\"right\":1}");
    let wrong = raw("200 OK", "", "{\"wrong\":1}");
    for (extra, is_late) in [
        (wrong.clone(), false),
        ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), false),
        ("\r\n".to_owned(), false),
        ("}".to_owned(), false),
        (wrong, true),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (closed, mut closings) = mpsc::unbounded_channel();
        let right = right.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (right, extra, closed) = (right.clone(), extra.clone(), closed.clone());
                tokio::spawn(async move {
                    while read_request(&mut stream).await.is_some() {
                        if is_late {
                            let _ = stream.write_all(right.as_bytes()).await;
                            tokio::time::sleep(Duration::from_millis(10)).await;
                            let _ = stream.write_all(extra.as_bytes()).await;
                        } else {
                            let response = format!("{right}{extra}");
                            let _ = stream.write_all(response.as_bytes()).await;
                        }
                    }
                    let _ = closed.send(());
                });
            }
        });
        let transport = HttpTransport::plain().unwrap();
        for _ in 0..5 {
            let response = send(&transport, "http", &authority).await.unwrap();
            assert_eq!(response.body(), "{\"right\":1}");
            // Wait, because otherwise the next request may be sent before the late bytes arrive.
            if is_late {
                let closed = timeout(PATIENCE, closings.recv()).await;
                closed.expect("the client closes the connection");
            }
        }
    }
}

/// Only a few large responses are read at a time, and each host has its own limit.
#[tokio::test]
async fn a_stalled_host_does_not_block_large_responses_of_another() {
    let large = "x".repeat(512 * 1024);
    let stalled = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{large}",
        1024 * 1024
    );
    let stalled_server = server(stalled, Then::KeepOpen).await;
    let responsive_server = server(raw("200 OK", "", &large), Then::KeepOpen).await;
    let all: Arc<dyn Transport> = Arc::new(HttpTransport::plain().unwrap());
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let identity = separate(&all, &stalled_server.authority);
        let request = request(
            &format!("http://{}/", stalled_server.authority),
            &stalled_server.authority,
        );
        stalled.push(tokio::spawn(async move { identity.send(request).await }));
    }
    while stalled_server.requests.load(Ordering::Relaxed) < stalled.len() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Wait until the beginnings of the responses have arrived.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let identity = separate(&all, &responsive_server.authority);
    let request = request(
        &format!("http://{}/", responsive_server.authority),
        &responsive_server.authority,
    );
    let response = timeout(PATIENCE, identity.send(request)).await;
    assert_eq!(response.unwrap().unwrap().body().len(), large.len());
    for call in stalled {
        call.abort();
    }
}
