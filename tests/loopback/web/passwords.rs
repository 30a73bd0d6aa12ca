//! Basic authentication.

use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::exporter::{Exporter, eventually, folder_with};

/// Returns a hash with the minimum cost of bcrypt.
fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

async fn status(exporter: &Exporter, path: &str, login: Option<(&str, &str)>) -> u16 {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("http://{}{path}", exporter.address));
    let request = match login {
        Some((name, password)) => request.basic_auth(name, Some(password)),
        None => request,
    };
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn all_paths_except_exempt_ones_require_the_password() {
    let web = format!(
        "basic_auth_users: {{prometheus: '{}'}}\nauth_exempt_paths: [/-/healthy]\n",
        hash("secret")
    );
    let exporter = Exporter::open(folder_with(&[]), &web);
    for (path, login, expected) in [
        ("/metrics", None, 401),
        ("/metrics", Some(("prometheus", "secret")), 200),
        ("/metrics", Some(("prometheus", "Secret")), 401),
        ("/metrics", Some(("prometheus", "")), 401),
        ("/metrics", Some(("unknown", "secret")), 401),
        ("/", None, 401),
        ("/nothing", None, 401),
        ("/-/ready", None, 401),
        ("/-/healthy", None, 200),
        ("/-/healthy/", None, 401),
    ] {
        assert_eq!(
            status(&exporter, path, login).await,
            expected,
            "{path} {login:?}"
        );
    }
    let client = Client::builder().no_proxy().build().unwrap();
    let refused = client
        .get(format!("http://{}/", exporter.address))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.headers()["www-authenticate"], "Basic");
}

/// The response does not wait for a body that never arrives.
#[tokio::test]
async fn an_unauthenticated_request_is_rejected_before_its_body_arrives() {
    let web = format!("basic_auth_users: {{prometheus: '{}'}}\n", hash("secret"));
    let exporter = Exporter::open(folder_with(&[]), &web);
    for request in [
        "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nhalf",
        "POST /-/reload HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
    ] {
        let mut stream = TcpStream::connect(exporter.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        // Longer than a response takes, and shorter than the time limit of a body.
        let read = timeout(Duration::from_secs(5), stream.read_exact(&mut status));
        read.await.expect(request).unwrap();
        assert_eq!(&status, b"HTTP/1.1 401", "{request}");
    }
}

#[tokio::test]
async fn passwords_and_headers_change_without_a_restart() {
    let users =
        |password: &str| format!("basic_auth_users: {{prometheus: '{}'}}\n", hash(password));
    let exporter = Exporter::open(folder_with(&[]), &users("secret"));
    assert_eq!(
        status(&exporter, "/metrics", Some(("prometheus", "secret"))).await,
        200
    );
    let headers = "http_server_config: {headers: {X-Frame-Options: deny, \
         X-Content-Type-Options: nosniff, Content-Security-Policy: sandbox}}\n";
    exporter.change(&format!("{}{headers}", users("another")));
    let changed =
        eventually(async || status(&exporter, "/", Some(("prometheus", "another"))).await == 200);
    assert!(changed.await, "{}", exporter.log());
    assert_eq!(
        status(&exporter, "/metrics", Some(("prometheus", "secret"))).await,
        401
    );
    let client = Client::builder().no_proxy().build().unwrap();
    let response = client
        .get(format!("http://{}/", exporter.address))
        .send()
        .await
        .unwrap();
    // The page has headers of its own for the last two, which these replace.
    for (name, value) in [
        ("x-frame-options", "deny"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
    ] {
        let values: Vec<_> = response.headers().get_all(name).iter().collect();
        assert_eq!(values, [value], "{name}");
    }

    exporter.change("basic_auth_users: {prometheus: plain-text-password}\n");
    let broken =
        eventually(async || status(&exporter, "/", Some(("prometheus", "another"))).await == 500);
    assert!(broken.await);
    assert!(
        !exporter.log().contains("plain-text-password"),
        "{}",
        exporter.log()
    );
}

#[tokio::test]
async fn a_known_password_does_not_wait_for_other_checks() {
    let costly = bcrypt::hash("secret", 9).unwrap();
    let exporter = Exporter::open(
        folder_with(&[]),
        &format!("basic_auth_users: {{prometheus: '{costly}'}}\n"),
    );
    let right = Some(("prometheus", "secret"));
    assert_eq!(status(&exporter, "/-/healthy", right).await, 200);
    let began = Instant::now();
    assert_eq!(status(&exporter, "/-/healthy", right).await, 200);
    let remembered = began.elapsed();
    let guesses = (0..40).map(|guess| {
        let address = exporter.address;
        tokio::spawn(async move {
            let client = Client::builder().no_proxy().build().unwrap();
            let request = client.get(format!("http://{address}/-/healthy"));
            let request = request.basic_auth("prometheus", Some(format!("guess-{guess}")));
            request.send().await.unwrap().status().as_u16()
        })
    });
    let guesses: Vec<_> = guesses.collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(status(&exporter, "/-/healthy", right).await, 200);
    assert!(
        guesses.iter().any(|guess| !guess.is_finished()),
        "the guesses still wait"
    );
    let mut answers = Vec::new();
    for guess in guesses {
        answers.push(guess.await.unwrap());
    }
    assert!(
        answers.contains(&401) && answers.contains(&503),
        "{answers:?}"
    );
    assert!(
        answers.iter().all(|status| [401, 503].contains(status)),
        "{answers:?} {remembered:?}"
    );
}

#[tokio::test]
async fn requests_beyond_the_rate_limit_are_rejected() {
    let exporter = Exporter::open(folder_with(&[]), "rate_limit: {interval: 1h, burst: 3}\n");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(status(&exporter, "/-/healthy", None).await);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

/// An editor may empty a file before it writes it.
#[tokio::test]
async fn an_emptied_file_does_not_disable_authentication() {
    let exporter = Exporter::open(
        folder_with(&[]),
        &format!("basic_auth_users: {{prometheus: '{}'}}\n", hash("secret")),
    );
    assert_eq!(status(&exporter, "/", None).await, 401);
    exporter.change("");
    let closed = eventually(async || {
        let now = status(&exporter, "/", None).await;
        assert_ne!(now, 200, "a password is no longer required");
        now == 500
    });
    assert!(closed.await);
    let users = format!("basic_auth_users: {{prometheus: '{}'}}\n", hash("another"));
    exporter.change(&users);
    let opened =
        eventually(async || status(&exporter, "/", Some(("prometheus", "another"))).await == 200);
    assert!(opened.await);
}
