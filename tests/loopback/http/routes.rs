//! Which request gets which response, byte for byte where it matters.

use cloudaudit_exporter::http::Options;

use super::support::{Server, Shown, request};

const PATHS: [&str; 4] = ["/", "/metrics", "/-/healthy", "/-/ready"];

#[tokio::test]
async fn the_exposition_is_sent_whole_and_says_what_it_is() {
    let server = Server::start(Shown::default()).await;
    let reply = server.get("/metrics").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), "a 1\nb 2\n");
    assert_eq!(
        reply.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(reply.header("content-length"), "8");
    assert_eq!(reply.header("vary"), "Accept-Encoding");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert!(!reply.headers.contains_key("content-encoding"));
    assert!(!reply.headers.contains_key("transfer-encoding"));
}

#[tokio::test]
async fn gzip_is_sent_to_those_who_ask_for_it() {
    let server = Server::start(Shown::default()).await;
    let cases = [
        ("Accept-Encoding: gzip\r\n", true),
        (
            "Accept-Encoding: deflate\r\naccept-encoding: gzip;q=0.5\r\n",
            true,
        ),
        ("Accept-Encoding: gzip;q=0\r\n", false),
        ("Accept-Encoding: identity\r\n", false),
    ];
    let mut client = server.connect().await;
    for (header, gzip) in cases {
        client.send(request("GET", "/metrics", header)).await;
        let reply = client.reply().await;
        assert_eq!(reply.header("vary"), "Accept-Encoding", "{header}");
        let (encoding, body) = if gzip {
            ("gzip", "zipped")
        } else {
            ("", "a 1\nb 2\n")
        };
        assert_eq!(reply.header("content-encoding"), encoding, "{header}");
        assert_eq!(reply.text(), body, "{header}");
    }
}

#[tokio::test]
async fn an_empty_exposition_is_an_empty_response() {
    let shown = Shown {
        plain: Vec::new(),
        ..Shown::default()
    };
    let server = Server::start(shown).await;
    let mut client = server.connect().await;
    let reply = client.get("/metrics").await;
    assert_eq!((reply.status, reply.header("content-length")), (200, "0"));
    assert_eq!(client.get("/-/healthy").await.text(), "healthy\n");
}

#[tokio::test]
async fn head_is_get_without_the_content() {
    let server = Server::start(Shown::default()).await;
    let mut client = server.connect().await;
    for path in PATHS {
        // One connection: content sent by mistake would be taken for the next response.
        let mut get = client.get(path).await;
        client.send(request("HEAD", path, "")).await;
        let mut head = client.reply_to("HEAD").await;
        assert_eq!(
            get.header("content-length"),
            get.body.len().to_string(),
            "{path}"
        );
        get.body.clear();
        get.headers.remove("date");
        head.headers.remove("date");
        assert_eq!(head, get, "{path}");
    }
}

#[tokio::test]
async fn methods_are_answered_by_what_the_path_takes() {
    let server = Server::start(Shown::default()).await;
    let mut client = server.connect().await;
    for path in PATHS {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            client.send(request(method, path, "")).await;
            let reply = client.reply().await;
            assert_eq!(reply.status, 405, "{method} {path}");
            assert_eq!(
                reply.header("allow"),
                "GET, HEAD, OPTIONS",
                "{method} {path}"
            );
        }
        client.send(request("OPTIONS", path, "")).await;
        let reply = client.reply().await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (204, "GET, HEAD, OPTIONS")
        );
    }
    for (method, status) in [("GET", 405), ("HEAD", 405), ("PUT", 405), ("OPTIONS", 204)] {
        client.send(request(method, "/-/reload", "")).await;
        let reply = client.reply_to(method).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (status, "POST, OPTIONS")
        );
    }
    client.send(request("OPTIONS", "*", "")).await;
    assert_eq!(client.reply().await.status, 204);
}

#[tokio::test]
async fn reload_says_that_it_is_not_enabled() {
    let server = Server::start(Shown::default()).await;
    let mut client = server.connect().await;
    client.send(request("POST", "/-/reload", "")).await;
    let reply = client.reply().await;
    assert_eq!(reply.status, 403);
    assert!(
        reply.text().contains("--web.enable-lifecycle"),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn reload_says_what_came_of_it() {
    let why = "config.yaml:3:5: accounts.a: wrong";
    for (reloaded, status, text) in [
        (Ok(()), 200, "reloaded\n".to_owned()),
        (
            Err(why.to_owned()),
            500,
            format!("the previous configuration stays in use: {why}\n"),
        ),
    ] {
        let shown = Shown {
            reloaded: Some(reloaded),
            ..Shown::default()
        };
        let server = Server::start(shown).await;
        let mut client = server.connect().await;
        client.send(request("POST", "/-/reload", "")).await;
        let reply = client.reply().await;
        assert_eq!((reply.status, reply.text()), (status, &*text));
        assert_eq!(client.get("/-/reload").await.status, 405);
    }
}

/// A hostile page in an operator's browser sends its origin along.
#[tokio::test]
async fn a_page_in_a_browser_cannot_send_a_reload() {
    let shown = Shown {
        reloaded: Some(Ok(())),
        ..Shown::default()
    };
    let server = Server::start(shown).await;
    let mut client = server.connect().await;
    let origin = "Origin: http://elsewhere.example\r\n";
    client.send(request("POST", "/-/reload", origin)).await;
    assert_eq!(client.reply().await.status, 403);
}

#[tokio::test]
async fn unknown_paths_are_not_found_and_not_echoed() {
    let server = Server::start(Shown::default()).await;
    let paths = ["/nope", "/metrics/", "/METRICS", "//", "/-/", "/%00"];
    for path in paths {
        let reply = server.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        let paths = "not found; there are /, /metrics, /api/v1/targets, /api/v1/tracks, /api/v1/tracks/ID/forget, /api/v1/changes, /api/v1/delivery, /-/healthy, /-/ready and /-/reload\n";
        assert_eq!(reply.text(), paths);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_query_or_the_absolute_form_changes_nothing() {
    let server = Server::start(Shown::default()).await;
    for path in [
        "/metrics?x=1",
        "http://here/metrics",
        "http://here/metrics?",
    ] {
        assert_eq!(server.get(path).await.text(), "a 1\nb 2\n", "{path}");
    }
}

#[tokio::test]
async fn the_telemetry_path_can_be_another() {
    for path in ["/custom", "/"] {
        let options = Options {
            telemetry_path: path.to_owned(),
            ..Options::default()
        };
        let server = Server::with(Shown::default(), options).await;
        assert_eq!(server.get(path).await.text(), "a 1\nb 2\n");
        assert_eq!(server.get("/metrics").await.status, 404);
    }
}

#[tokio::test]
async fn readiness_has_its_reasons_one_a_line() {
    let server = Server::start(Shown::default()).await;
    assert_eq!(server.get("/-/ready").await.text(), "ready\n");

    let shown = Shown {
        ready: Err(vec!["prod/ap-guangzhou:\nno poll yet".into(), "b".into()]),
        ..Shown::default()
    };
    let reply = Server::start(shown).await.get("/-/ready").await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.text(), "prod/ap-guangzhou: no poll yet\nb\n");

    let shown = Shown {
        ready: Err((0..1000).map(|number| number.to_string()).collect()),
        ..Shown::default()
    };
    let reply = Server::start(shown).await.get("/-/ready").await;
    assert_eq!(reply.text().lines().count(), 101);
    assert_eq!(reply.text().lines().last(), Some("and 900 more"));
}

#[tokio::test]
async fn health_has_its_reason() {
    let server = Server::start(Shown::default()).await;
    let reply = server.get("/-/healthy").await;
    assert_eq!((reply.status, reply.text()), (200, "healthy\n"));

    let shown = Shown {
        healthy: Err("the scheduler is stalled".to_owned()),
        ..Shown::default()
    };
    let reply = Server::start(shown).await.get("/-/healthy").await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.text(), "the scheduler is stalled\n");
}

#[tokio::test]
async fn every_answered_request_is_counted_under_a_bounded_name() {
    let server = Server::start(Shown::default()).await;
    let mut client = server.connect().await;
    for path in [
        "/metrics",
        "/",
        "/-/healthy",
        "/-/ready",
        "/-/reload",
        "/wp-admin.php",
    ] {
        client.get(path).await;
    }
    client.send(request("OPTIONS", "*", "")).await;
    client.reply().await;
    let answered = server.content.answered.lock().unwrap().clone();
    let expected = [
        ("metrics", 200),
        ("page", 200),
        ("healthy", 200),
        ("ready", 200),
        ("reload", 405),
        ("other", 404),
        ("other", 204),
    ];
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn a_body_is_read_away_up_to_a_limit_and_ends_the_connection() {
    let server = Server::start(Shown::default()).await;
    let bodies = [(1, 200), (64 * 1024, 200), (64 * 1024 + 1, 413)];
    for (length, status) in bodies {
        let mut client = server.connect().await;
        let head = request("GET", "/metrics", &format!("Content-Length: {length}\r\n"));
        client.send(head).await;
        client.send(vec![b'\n'; length]).await;
        let reply = client.reply().await;
        assert_eq!(reply.status, status, "{length}");
        assert_eq!(reply.header("connection"), "close");
        assert_eq!(client.read_to_end().await, 0);
    }
}

#[tokio::test]
async fn a_chunked_body_has_the_same_limit() {
    let server = Server::start(Shown::default()).await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    for (chunks, status) in [(2, 200), (3, 413)] {
        let mut client = server.connect().await;
        client
            .send(request(
                "POST",
                "/-/reload",
                "Transfer-Encoding: chunked\r\n",
            ))
            .await;
        for _ in 0..chunks {
            client.send(&chunk).await;
        }
        client.send("0\r\n\r\n").await;
        let expected = if status == 200 { 403 } else { status };
        assert_eq!(client.reply().await.status, expected, "{chunks} chunks");
    }
}

#[tokio::test]
async fn no_client_gets_status_100() {
    let server = Server::start(Shown::default()).await;
    let mut client = server.connect().await;
    let headers = "Content-Length: 10\r\nExpect: 100-continue\r\n";
    client.send(request("POST", "/-/reload", headers)).await;
    assert_eq!(client.reply().await.status, 403);
    assert_eq!(client.read_to_end().await, 0);
}

#[tokio::test]
async fn heads_that_are_too_large_or_garbage_are_refused() {
    let server = Server::start(Shown::default()).await;
    let many = "X: y\r\n".repeat(101);
    let long = format!("X: {}\r\n", "y".repeat(17 * 1024));
    let cases = [
        (request("GET", "/metrics", &many), 431),
        (request("GET", "/metrics", &long), 431),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n".to_owned(), 400), // TLS on a plain port
        ("GET /metrics\r\n\r\n".to_owned(), 400),
        ("GET /<script> HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /a b HTTP/1.1\r\n\r\n".to_owned(), 400),
        (
            request("GET", "/", "Content-Length: 1\r\nContent-Length: 2\r\n"),
            400,
        ),
        (request("GET", "/", "No colon\r\n"), 400),
    ];
    for (head, status) in cases {
        let mut client = server.connect().await;
        client.send(&head).await;
        let reply = client.reply().await;
        assert_eq!(reply.status, status, "{:?}", &head[..30.min(head.len())]);
        assert_eq!(client.read_to_end().await, 0);
    }
    let just_so = "X: y\r\n".repeat(99);
    let mut client = server.connect().await;
    client.send(request("GET", "/metrics", &just_so)).await;
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test]
async fn a_panic_in_one_request_is_no_business_of_another() {
    let shown = Shown {
        healthy: Err("panic".to_owned()),
        ..Shown::default()
    };
    let server = Server::start(shown).await;
    let mut client = server.connect().await;
    client.send(request("GET", "/-/healthy", "")).await;
    assert_eq!(client.read_to_end().await, 0);
    assert_eq!(server.get("/metrics").await.status, 200);
}
