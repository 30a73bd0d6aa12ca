//! Which calls share a connection, and which must not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cloudaudit_exporter::tencent::{HttpTransport, Transport, TransportErrorKind, separate};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::{PATIENCE, Then, raw, read_request, request, send, server};

/// Connections of one identity are not those of another, nor of the same one a reload later.
#[tokio::test]
async fn identities_share_no_connection() {
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

/// Where a service has moved by DNS, its old server may go on answering for ever.
#[tokio::test]
async fn a_connection_ends_after_five_minutes_though_it_is_used() {
    let server = server(raw("200 OK", "", "{}"), Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    let every = Duration::from_secs(20);
    for _ in 0..14 {
        send(&transport, "http", &server.authority).await.unwrap();
        pass(every).await;
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    for _ in 0..2 {
        send(&transport, "http", &server.authority).await.unwrap();
        pass(every).await;
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 2);
}

/// Lets timers see so much time pass; sockets go on in real time.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// The answer to a call that timed out arrives when the next request could take it for its own.
#[tokio::test]
async fn the_answer_to_an_abandoned_call_is_nobodys() {
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
        let answer = send(&transport, "http", &authority).await.unwrap();
        assert_eq!(answer.body(), "{\"connection\":2}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An answer with an id that came before is not taken, and what comes behind it on the connection
/// is not read.
#[tokio::test]
async fn an_answer_is_taken_once() {
    let body = r#"{"Response":{"RequestId":"0f1e2d3c-0000-4000-8000-000000000000"}}"#;
    let server = server(raw("200 OK", "", body), Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    send(&transport, "http", &server.authority).await.unwrap();
    let error = send(&transport, "http", &server.authority).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Repeated, "{error}");
    assert!(error.message.contains("came before"), "{error}");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    // A server that has never given another id is believed, one connection for each request.
    for connections in 2..5 {
        send(&transport, "http", &server.authority).await.unwrap();
        assert_eq!(server.connections.load(Ordering::Relaxed), connections);
    }
}

/// What says in two ways how long it is may be cut in two ways: it is read, and then the connection
/// is closed.
#[tokio::test]
async fn a_connection_with_two_lengths_is_not_used_again() {
    let body = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let server = server(body, Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    for _ in 0..3 {
        let answer = send(&transport, "http", &server.authority).await.unwrap();
        assert_eq!(answer.body(), "{}");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 3);
}

/// What comes behind an answer, at once or before the next request, is the answer to nothing.
#[tokio::test]
async fn bytes_on_an_idle_connection_close_it() {
    let right = raw("200 OK", "", "{\"right\":1}");
    let wrong = raw("200 OK", "", "{\"wrong\":1}");
    for (behind, later) in [
        (wrong.clone(), Duration::ZERO),
        ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), Duration::ZERO),
        ("\r\n".to_owned(), Duration::ZERO),
        ("}".to_owned(), Duration::ZERO),
        (wrong, Duration::from_millis(10)),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (right, behind) = (right.clone(), behind.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (right, behind) = (right.clone(), behind.clone());
                tokio::spawn(async move {
                    while read_request(&mut stream).await.is_some() {
                        let at_once = if later.is_zero() { &*behind } else { "" };
                        let answer = format!("{right}{at_once}");
                        let _ = stream.write_all(answer.as_bytes()).await;
                        if !later.is_zero() {
                            tokio::time::sleep(later).await;
                            let _ = stream.write_all(behind.as_bytes()).await;
                        }
                    }
                });
            }
        });
        let transport = HttpTransport::plain().unwrap();
        for _ in 0..5 {
            let answer = send(&transport, "http", &authority).await.unwrap();
            assert_eq!(answer.body(), "{\"right\":1}");
            tokio::time::sleep(later * 3).await;
        }
    }
}

/// Large answers are read a few at a time, and one host cannot take the places of another's.
#[tokio::test]
async fn a_host_that_stalls_leaves_room_for_the_large_answers_of_another() {
    let large = "x".repeat(512 * 1024);
    let stalled = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{large}",
        1024 * 1024
    );
    let evil = server(stalled, Then::KeepOpen).await;
    let good = server(raw("200 OK", "", &large), Then::KeepOpen).await;
    let all: Arc<dyn Transport> = Arc::new(HttpTransport::plain().unwrap());
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let identity = separate(&all, &evil.authority);
        let request = request(&format!("http://{}/", evil.authority), &evil.authority);
        stalled.push(tokio::spawn(async move { identity.send(request).await }));
    }
    while evil.requests.load(Ordering::Relaxed) < stalled.len() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The beginnings of their answers have arrived.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let identity = separate(&all, &good.authority);
    let request = request(&format!("http://{}/", good.authority), &good.authority);
    let answer = timeout(PATIENCE, identity.send(request)).await;
    assert_eq!(answer.unwrap().unwrap().body().len(), large.len());
    for call in stalled {
        call.abort();
    }
}
