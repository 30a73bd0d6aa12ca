//! What no good client sends: each gets a status or a clean end, and the next client is served.

use std::time::Duration;

use cloudaudit_exporter::http::{Limits, Options};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use super::support::{Client, Server, Shown, patient, request};

/// What becomes of the connection after the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Another request is answered on it.
    Open,
    Closed,
}
use Then::{Closed, Open};

const HOST: &str = "Host: here\r\n";

/// Sends these bytes and expects these statuses, in the responses to `GET`.
async fn expect(server: &Server, bytes: &[u8], statuses: &[u16], then: Then) {
    let case = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
    let mut client = server.connect().await;
    // Who is refused half-way is cut half-way.
    drop(client.stream.write_all(bytes).await);
    for &status in statuses {
        let reply = client.reply().await;
        assert_eq!(reply.status, status, "{case:?}");
        assert!(
            !reply.text().contains("secret"),
            "{case:?}: {}",
            reply.text()
        );
    }
    end(&mut client, &case, then).await;
    assert_eq!(server.get("/-/healthy").await.status, 200, "after {case:?}");
}

async fn end(client: &mut Client, case: &str, then: Then) {
    match then {
        Open => assert_eq!(client.get("/-/healthy").await.status, 200, "{case:?}"),
        Closed => assert_eq!(client.read_to_end().await, 0, "{case:?}"),
    }
}

#[tokio::test]
async fn bodies_that_are_odd_or_broken() {
    let server = Server::start(Shown::default()).await;
    let post = |headers: &str, body: &str| request("POST", "/-/reload", headers) + body;
    let chunked = "Transfer-Encoding: chunked\r\n";
    let next = request("GET", "/-/healthy", "");
    for (headers, body, status) in [
        (chunked, "3\r\nabc\r\n0\r\n\r\n", 403),
        (
            chunked,
            "3;name=value\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
            403,
        ),
        (chunked, "0\r\n\r\n", 403),
        (chunked, "zz\r\nabc\r\n0\r\n\r\n", 400),
        (chunked, "-1\r\nabc\r\n0\r\n\r\n", 400),
        (chunked, "3\r\nabcdef\r\n0\r\n\r\n", 400),
        (chunked, "ffffffffffffffff1\r\nabc\r\n", 400),
        ("Transfer-Encoding: gzip\r\n", "abc", 400),
        ("Transfer-Encoding: chunked, gzip\r\n", "abc", 400),
        ("Transfer-Encoding: xchunked\r\n", "abc", 400),
        // One of them lies, so nothing that follows on the connection is believed.
        (
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            403,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "0\r\n\r\n",
            403,
        ),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "abc", 400),
        ("Content-Length: 3, 4\r\n", "abc", 400),
        ("Content-Length: +3\r\n", "abc", 400),
        ("Content-Length: -3\r\n", "abc", 400),
        ("Content-Length: 3x\r\n", "abc", 400),
        ("Content-Length: 99999999999999999999\r\n", "abc", 400),
        ("Content-Length: 9999999999999999999\r\n", "abc", 413),
        ("Content-Length: 3\r\n", "abc", 403),
    ] {
        let bytes = post(headers, body) + &next;
        expect(&server, bytes.as_bytes(), &[status], Closed).await;
    }
    let empty = post("Content-Length: 0\r\n", "") + &next;
    expect(&server, empty.as_bytes(), &[403, 200], Open).await;
}

/// Chunks of a byte each, extensions without end, a chunk that is: what is thrown away has limits
/// all the same.
#[tokio::test]
async fn bodies_without_end_are_cut() {
    let limits = Limits {
        headers: Duration::from_millis(500),
        ..patient()
    };
    let server = Server::with_limits(limits).await;
    let head = request("POST", "/-/reload", "Transfer-Encoding: chunked\r\n");
    for (piece, statuses) in [
        ("1\r\nx\r\n", [413, 408]),
        ("1;x=", [400, 408]),
        ("fffffffffffffff0\r\n", [413, 408]),
    ] {
        let mut client = server.connect().await;
        client.send(&head).await;
        let piece = piece.repeat(4096);
        while client.stream.write_all(piece.as_bytes()).await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
        // A client that continues to send after the response may lose the response to the reset.
        let last = server.content.answered.lock().unwrap().pop();
        let (_, status) = last.unwrap();
        assert!(statuses.contains(&status), "{status}");
        assert_eq!(server.get("/-/healthy").await.status, 200);
    }
}

#[tokio::test]
async fn heads_that_are_too_much_or_not_one() {
    let server = Server::start(Shown::default()).await;
    let get = |headers: &str| request("GET", "/metrics", headers);
    let line = |length: usize| format!("X: {}\r\n", "y".repeat(length));
    let long_target = format!("GET /{} HTTP/1.1\r\n{HOST}\r\n", "a".repeat(17 * 1024));
    let garbage_after = get("") + "garbage";
    let head_after = get("") + "garbage\r\n\r\n";
    let cases: [(String, &[u16], Then); 21] = [
        (get(&line(15 * 1024)), &[200], Open),
        (get(&line(17 * 1024)), &[431], Closed),
        (get(&line(1024).repeat(20)), &[431], Closed),
        (get(&"X: y\r\n".repeat(200)), &[431], Closed),
        (long_target, &[431], Closed),
        ("X".repeat(20 * 1024), &[431], Closed),
        // Folded lines were given up long ago.
        (get("X: a\r\n b\r\n"), &[400], Closed),
        (get(" X: a\r\n"), &[400], Closed),
        (get("X : a\r\n"), &[400], Closed),
        (get(": a\r\n"), &[400], Closed),
        (get("X: a\0b\r\n"), &[400], Closed),
        (get("X: a\rb\r\n"), &[400], Closed),
        (get("X: \u{fc}\r\n"), &[200], Open),
        // HTTP/0.9, other versions, and the beginning of HTTP/2.
        ("GET /metrics\r\n".to_owned(), &[400], Closed),
        (
            format!("GET /metrics HTTP/2.0\r\n{HOST}\r\n"),
            &[400],
            Closed,
        ),
        (
            format!("GET /metrics HTTP/1.2\r\n{HOST}\r\n"),
            &[400],
            Closed,
        ),
        (
            format!("GET /metrics http/1.1\r\n{HOST}\r\n"),
            &[400],
            Closed,
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_owned(),
            &[],
            Closed,
        ),
        // HTTP/1.0 needs no `Host`, and the connection ends.
        ("GET /metrics HTTP/1.0\r\n\r\n".to_owned(), &[200], Closed),
        (garbage_after + "\0", &[200, 400], Closed),
        (head_after, &[200, 400], Closed),
    ];
    for (bytes, statuses, then) in cases {
        expect(&server, bytes.as_bytes(), statuses, then).await;
    }
    // The beginning of TLS on a plain port.
    let mut hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    hello.extend([0xab; 506]);
    expect(&server, &hello, &[400], Closed).await;
}

#[tokio::test]
async fn a_request_has_one_host() {
    let server = Server::start(Shown::default()).await;
    let get = |target: &str, hosts: &str| format!("GET {target} HTTP/1.1\r\n{hosts}\r\n");
    for (target, hosts, status) in [
        ("/metrics", HOST, 200),
        ("/metrics", "Host:\r\n", 200),
        ("/metrics", "", 400),
        ("http://here/metrics", "", 400),
        ("/metrics", "Host: here\r\nHost: there\r\n", 400),
        ("/metrics", "Host: here\r\nHost: here\r\n", 400),
    ] {
        let request = get(target, hosts);
        expect(&server, request.as_bytes(), &[status], Open).await;
    }
}

#[tokio::test]
async fn targets_are_taken_as_they_are_written() {
    let server = Server::start(Shown::default()).await;
    for (target, status) in [
        ("/metrics?", 200),
        ("/metrics?a=%00&%zz=%", 200),
        ("http://here/metrics", 200),
        ("HTTP://here:1/metrics", 200),
        ("http://user:password@here/metrics", 200),
        ("https://here/metrics", 200),
        ("http://here", 200), // the page
        ("//metrics", 404),
        ("///", 404),
        ("/metrics/", 404),
        ("/metrics;a=b", 404),
        ("/./metrics", 404),
        ("/x/../metrics", 404),
        ("/%2e%2e/metrics", 404),
        ("/%2Fmetrics", 404),
        ("/%6detrics", 404),
        ("/metrics%00", 404),
        ("/metrics%", 404),
        ("/metrics%zz", 404),
        ("/-/healthy%20", 404),
        ("/\u{fc}", 404),
        ("here:80", 404), // as with CONNECT
        ("metrics", 404), // the same
        ("*", 405),
    ] {
        let request = request("GET", target, "");
        expect(&server, request.as_bytes(), &[status], Open).await;
    }
    for target in ["/a\tb", "/a\0b", "/\x7f", "http://", "?", ""] {
        let request = request("GET", target, "");
        expect(&server, request.as_bytes(), &[400], Closed).await;
    }
}

#[tokio::test]
async fn methods_that_are_none_of_ours() {
    let server = Server::start(Shown::default()).await;
    for (method, target, status) in [
        ("get", "/metrics", 405),
        ("GETX", "/metrics", 405),
        ("M-SEARCH", "/metrics", 405),
        ("CONNECT", "here:443", 404),
        ("OPTIONS", "/nope", 404),
        ("TRACE", "/", 405),
    ] {
        let request = request(method, target, "Cookie: secret\r\n");
        expect(&server, request.as_bytes(), &[status], Open).await;
    }
    for method in ["G\0T", "G(T", ""] {
        let request = request(method, "/metrics", "");
        expect(&server, request.as_bytes(), &[400], Closed).await;
    }
}

/// Where content were sent, it would be taken for the next response.
#[tokio::test]
async fn head_and_options_have_no_content_on_any_path() {
    let server = Server::start(Shown::default()).await;
    let mut client = server.connect().await;
    for path in [
        "/",
        "/metrics",
        "/api/v1/targets",
        "/api/v1/tracks",
        "/api/v1/tracks?page=x",
        "/favicon.ico",
        "/-/healthy",
        "/-/ready",
        "/-/reload",
        "/nope",
    ] {
        let get = client.get(path).await;
        client.send(request("HEAD", path, "")).await;
        let head = client.reply_to("HEAD").await;
        assert_eq!(head.status, get.status, "{path}");
        let [head, get] = [&head, &get].map(|it| it.header("content-length"));
        // The current time in the JSON text is sometimes a digit longer.
        let is_fixed = !path.starts_with("/api/");
        assert!(head == get || !is_fixed && !head.is_empty(), "{path}");
        client.send(request("OPTIONS", path, "")).await;
        let options = client.reply().await;
        let expected = if path == "/nope" { 404 } else { 204 };
        assert_eq!(options.status, expected, "{path}");
    }
}

/// The exporter never answers `100 Continue`. A client that sends the body anyway cannot smuggle a
/// second request in with it.
#[tokio::test]
async fn expectations_are_not_met() {
    let server = Server::start(Shown::default()).await;
    for (headers, body, status) in [
        ("Content-Length: 3\r\nExpect: 100-continue\r\n", "", 403),
        ("Content-Length: 3\r\nExpect: 100-continue\r\n", "abc", 403),
        ("Content-Length: 3\r\nExpect: miracles\r\n", "abc", 403),
    ] {
        let bytes = request("POST", "/-/reload", headers) + body;
        let mut client = server.connect().await;
        client.send(bytes).await;
        let reply = client.reply().await;
        assert_eq!(
            (reply.status, reply.header("connection")),
            (status, "close")
        );
        end(&mut client, headers, Closed).await;
    }
    let alone = request("GET", "/metrics", "Expect: 100-continue\r\n");
    expect(&server, alone.as_bytes(), &[200], Open).await;
}

#[tokio::test]
async fn the_connection_lasts_as_its_client_says() {
    let server = Server::start(Shown::default()).await;
    let get = |version: &str, headers: &str| {
        format!("GET /metrics HTTP/{version}\r\n{HOST}{headers}\r\n")
    };
    for (version, headers, then) in [
        ("1.1", "", Open),
        ("1.1", "Connection: close\r\n", Closed),
        (
            "1.1",
            "Connection: upgrade, CLOSE\r\nUpgrade: h2c\r\n",
            Closed,
        ),
        ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", Open),
        ("1.0", "", Closed),
        ("1.0", "Connection: keep-alive\r\n", Open),
    ] {
        expect(&server, get(version, headers).as_bytes(), &[200], then).await;
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_are_answered_in_order() {
    let server = Server::start(Shown::default()).await;
    let mut client = server.connect().await;
    let two = request("GET", "/metrics", "") + &request("HEAD", "/nope", "");
    client.send(two.repeat(50)).await;
    for _ in 0..50 {
        assert_eq!(client.reply().await.text(), "a 1\nb 2\n");
        assert_eq!(client.reply_to("HEAD").await.status, 404);
    }
    end(&mut client, "a hundred", Open).await;
}

#[tokio::test]
async fn every_path_is_below_the_prefix_and_no_other_path_exists() {
    let options = Options {
        route_prefix: "/audit".to_owned(),
        ..Options::default()
    };
    let server = Server::with(Shown::default(), options).await;
    for (path, status) in [
        ("/audit/", 200),
        ("/audit/metrics", 200),
        ("/audit/-/healthy?x", 200),
        ("http://here/audit/metrics", 200),
        ("/", 404),
        ("/metrics", 404),
        ("/audit", 404),
        ("/auditmetrics", 404),
        ("/audit//metrics", 404),
        ("//audit/metrics", 404),
        ("/audit/audit/metrics", 404),
        ("/audit%2Fmetrics", 404),
        ("/%61udit/metrics", 404),
        ("/audit/../metrics", 404),
        ("/AUDIT/metrics", 404),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
}
