//! The proxy for requests to the cloud: which URLs are accepted, and which requests bypass it.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cloudaudit_exporter::config::Config;
use cloudaudit_exporter::proxy::{Proxy, unused_variable};
use cloudaudit_exporter::tencent::{HttpOptions, Network, Transport};
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

const PATIENCE: Duration = Duration::from_secs(20);

/// Part of every password in this file.
const PASSWORD: &str = "HUSH";

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(owned).collect()
}

fn login(proxy: &Proxy) -> Option<String> {
    let header = proxy.authorization()?.to_str().unwrap();
    let bytes = BASE64_STANDARD.decode(header.strip_prefix("Basic ").unwrap());
    Some(String::from_utf8(bytes.unwrap()).unwrap())
}

#[test]
fn valid_urls_are_accepted() {
    for (text, url, user_and_password) in [
        ("http://proxy:3128", "http://proxy:3128", None),
        ("HTTP://proxy:3128/", "http://proxy:3128", None),
        ("https://proxy", "https://proxy:443", None),
        ("http://proxy", "http://proxy:80", None),
        ("http://10.0.0.1:1", "http://10.0.0.1:1", None),
        ("http://[fd00::1]:8080", "http://[fd00::1]:8080", None),
        ("http://me@proxy:1", "http://proxy:1", Some("me:")),
        ("http://me:HUSH@proxy:1", "http://proxy:1", Some("me:HUSH")),
        ("http://:HUSH@proxy:1", "http://proxy:1", Some(":HUSH")),
        (
            "http://me:[HU]SH:|@proxy:1",
            "http://proxy:1",
            Some("me:[HU]SH:|"),
        ),
        (
            "http://me:%23%2f%40%25%3AHUSH@proxy:1",
            "http://proxy:1",
            Some("me:#/@%:HUSH"),
        ),
        (
            "http://me:%E4%BA%91@[::1]:1",
            "http://[::1]:1",
            Some("me:云"),
        ),
    ] {
        let proxy = Proxy::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(proxy.url(), url, "{text}");
        assert_eq!(login(&proxy).as_deref(), user_and_password, "{text}");
        assert!(!format!("{proxy:?}").contains("SH"), "{proxy:?}");
    }
}

#[test]
fn invalid_urls_are_rejected_and_never_quoted() {
    for (text, named) in [
        ("", "does not begin"),
        ("proxy:3128", "does not begin"),
        ("socks5://me:HUSH@proxy:1", "socks5"),
        ("ftp://me:HUSH@proxy:1", "ftp"),
        ("htpp://me:HUSH@proxy:1", "htpp"),
        ("me:HUSH://proxy:1", "scheme"),
        ("http:/me:HUSH@proxy:1", "does not begin"),
        (" http://me:HUSH@proxy:1", "whitespace"),
        ("http://me:HU SH@proxy:1", "whitespace"),
        ("http://me:HUSH\n@proxy:1", "whitespace"),
        ("http://u:HUSH#x@h:1", "%23"),
        ("http://u:HUSH/x@h:1", "%2F"),
        ("http://u:HUSH?x@h:1", "%3F"),
        ("http://u:HUSH@x@h:1", "%40"),
        ("http://u:HUSH%@h:1", "%25"),
        ("http://u:HUSH%zz@h:1", "%25"),
        ("http://u:HUSH%+1@h:1", "%25"),
        ("http://u:HUSH%0a@h:1", "control character"),
        ("http://u%3A:HUSH@h:1", "colon"),
        ("http://@proxy:1", "no user"),
        ("http://me:HUSH@", "host"),
        ("http://me:HUSH@:1", "host"),
        ("http://me:HUSH@h:", "port"),
        ("http://me:HUSH@h:0", "port"),
        ("http://me:HUSH@h:99999", "port"),
        ("http://me:HUSH@h:+1", "port"),
        ("http://me:HUSH", "port"),
        ("http://me:HUSH:1", "colons"),
        ("http://::1:HUSH", "brackets"),
        ("http://[::1:1", "closing"),
        ("http://[HUSH]:1", "IPv6"),
        ("http://[::1]HUSH", "port may follow"),
        ("http://me:HUSH@127.1:1", "IPv4"),
        ("http://me:HUSH@a..b:1", "host"),
        ("http://me:HUSH@代理:1", "xn--"),
        ("http://proxy:1/HUSH", "after the port"),
        ("http://proxy:1?HUSH", "after the port"),
    ] {
        let error = Proxy::parse(text).expect_err(text);
        assert!(error.starts_with("not a proxy URL: "), "{text}: {error}");
        assert!(error.contains(named), "{text}: {error}");
        assert!(!error.contains(PASSWORD), "{text}: {error}");
    }
}

/// The order of the variables, empty values and missing schemes are treated as in curl.
#[test]
fn variables_are_read_as_in_curl() {
    for (variables, url) in [
        (&[][..], None),
        (&[("HTTPS_PROXY", "")], None),
        (&[("HTTPS_PROXY", "  ")], None),
        (
            &[("https_proxy", "one:1"), ("HTTPS_PROXY", "two:2")],
            Some("http://one:1"),
        ),
        (
            &[("https_proxy", ""), ("HTTPS_PROXY", "two:2")],
            Some("http://two:2"),
        ),
        (
            &[("ALL_PROXY", "all:1"), ("HTTPS_PROXY", "two:2")],
            Some("http://two:2"),
        ),
        (
            &[("ALL_PROXY", "all:1"), ("all_proxy", "lower:2")],
            Some("http://lower:2"),
        ),
        (
            &[("HTTPS_PROXY", " http://blank:1 ")],
            Some("http://blank:1"),
        ),
        (
            &[("HTTP_PROXY", "plain:1"), ("http_proxy", "plain:1")],
            None,
        ),
    ] {
        let proxy = Proxy::from_environment(&environment(variables)).unwrap();
        assert_eq!(proxy.as_ref().map(Proxy::url), url, "{variables:?}");
    }
    let plain = environment(&[("HTTP_PROXY", "plain:1")]);
    assert_eq!(unused_variable(&plain), Some("HTTP_PROXY"));
    let both = environment(&[("HTTP_PROXY", "plain:1"), ("HTTPS_PROXY", "one:1")]);
    assert_eq!(unused_variable(&both), None);
}

#[test]
fn an_invalid_variable_is_a_configuration_error_that_names_it() {
    let text = "accounts: {prod: {}}";
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        for scheme in ["socks5", "ftp"] {
            let url = format!("{scheme}://me:HUSH@proxy:1");
            let variables = environment(&[(name, url.as_str())]);
            let error = Config::parse("config.yaml", text, &variables).unwrap_err();
            let error = error.to_string();
            assert!(
                error.starts_with(&format!("{name}: not a proxy URL: ")),
                "{error}"
            );
            assert!(
                error.contains(scheme) && !error.contains(PASSWORD),
                "{error}"
            );
            // The key takes precedence, and the variable is not read.
            let own = format!("http: {{proxy: \"http://own:1\"}}\n{text}");
            let config = Config::parse("config.yaml", &own, &variables).unwrap();
            assert_eq!(config.http.proxy.unwrap().url(), "http://own:1");
        }
    }
    let plain = environment(&[("http_proxy", "proxy:1")]);
    let config = Config::parse("config.yaml", text, &plain).unwrap();
    assert!(config.warnings.iter().any(|it| it.contains("http_proxy")));
}

#[test]
fn every_variable_may_have_whitespace_around_it_and_a_bracket_in_the_password() {
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let variables = environment(&[(name, " \thttp://me:HU[SH@proxy:1 \n")]);
        let config = Config::parse("config.yaml", "accounts: {prod: {}}", &variables).unwrap();
        let proxy = config.http.proxy.unwrap();
        assert_eq!(proxy.url(), "http://proxy:1", "{name}");
        assert_eq!(login(&proxy).as_deref(), Some("me:HU[SH"), "{name}");
    }
}

/// The same hosts bypass the proxy as with curl.
#[test]
fn no_proxy_is_read_as_in_curl() {
    for (list, direct, proxied) in [
        ("", &[][..], &["a.example"][..]),
        ("*", &["a.example", "10.0.0.1", "[fd00::1]"], &[]),
        ("*.example", &[], &["a.example"]),
        (
            "example",
            &["example", "a.example", "EXAMPLE.", "a.b.example"],
            &["anexample", "example.com"],
        ),
        (".example", &["example", "a.example"], &["anexample"]),
        ("Example.", &["example", "a.example."], &["other"]),
        (
            "a.example, b.example\tc.example,,",
            &["a.example", "b.example", "c.example"],
            &["d.example"],
        ),
        ("a.example:443", &[], &["a.example"]),
        (
            "10.0.0.1",
            &["10.0.0.1"],
            &["10.0.0.2", "x.10.0.0.1.example"],
        ),
        ("10.0.0.0/8", &["10.1.2.3"], &["11.0.0.1", "10.example"]),
        ("10.0.0.0/33", &[], &["10.0.0.0"]),
        (
            "fd00::/8",
            &["[fd00::1]", "[fdff::1]"],
            &["[fe00::1]", "10.0.0.1"],
        ),
        (
            "fd00::1,[fd00::2]",
            &["[fd00::1]", "[fd00::2]"],
            &["[fd00::3]"],
        ),
    ] {
        let variables = environment(&[
            ("no_proxy", list),
            ("NO_PROXY", if list.is_empty() { "" } else { "*" }),
        ]);
        let proxy = Proxy::parse("http://proxy:1").unwrap();
        let proxy = proxy.with_exemptions_of(&variables);
        for host in direct {
            assert!(proxy.exempts(host), "{list}: {host}");
        }
        for host in proxied {
            assert!(!proxy.exempts(host), "{list}: {host}");
        }
        for host in [
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "[::1]",
            "metadata.tencentyun.com",
            "169.254.0.23",
        ] {
            assert!(proxy.exempts(host), "{list}: {host}");
        }
    }
}

/// As in curl, the upper-case variable counts if the lower-case one is absent or empty.
#[test]
fn the_exempt_hosts_of_the_environment_bypass_the_proxy_of_the_key_and_of_a_variable() {
    let text = "accounts: {prod: {}}";
    let own = format!("http: {{proxy: \"http://own:1\"}}\n{text}");
    for (exempt, is_direct) in [
        (&[][..], false),
        (&[("NO_PROXY", "*")], true),
        (&[("no_proxy", "*")], true),
        (&[("no_proxy", ""), ("NO_PROXY", "*")], true),
        (&[("no_proxy", "  "), ("NO_PROXY", "10.0.0.0/8")], true),
        (&[("no_proxy", "a.example"), ("NO_PROXY", "*")], false),
        (&[("no_proxy", ""), ("NO_PROXY", "")], false),
    ] {
        let mut variables = environment(exempt);
        variables.insert("HTTPS_PROXY".to_owned(), "http://proxy:1".to_owned());
        for (text, url) in [(text, "http://proxy:1"), (own.as_str(), "http://own:1")] {
            let config = Config::parse("config.yaml", text, &variables).unwrap();
            let proxy = config.http.proxy.unwrap();
            assert_eq!(proxy.url(), url, "{exempt:?}");
            assert_eq!(proxy.exempts("10.0.0.1"), is_direct, "{exempt:?}: {url}");
        }
    }
}

/// A proxy that records the first request and refuses it.
async fn recording_proxy() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let recorded = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        let refused = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(refused).await.unwrap();
        head
    });
    (authority, recorded)
}

#[tokio::test]
async fn connect_contains_the_decoded_password() {
    let (authority, recorded) = recording_proxy().await;
    let url = format!("http://me:%23HUSH%2F[@{authority}");
    let transport = Network::default().https(&HttpOptions {
        ca_file: Some("tests/support/ca.pem".into()),
        proxy: Some(Proxy::parse(&url).unwrap()),
    });
    let request = Request::post("https://cloud.example/").body(Bytes::new());
    let transport = transport.unwrap();
    let sent = timeout(PATIENCE, transport.send(request.unwrap())).await;
    let error = sent.unwrap().unwrap_err().to_string();
    assert!(!error.contains(PASSWORD), "{error}");
    let head = timeout(PATIENCE, recorded).await.unwrap().unwrap();
    assert!(
        head.starts_with("CONNECT cloud.example:443 HTTP/1.1\r\n"),
        "{head}"
    );
    let login = BASE64_STANDARD.encode("me:#HUSH/[");
    assert!(head.contains(&format!("Basic {login}\r\n")), "{head}");
}

/// A TLS server with a certificate for a host, signed by `authority`.
fn acceptor(authority: &Issuer<'_, KeyPair>, host: &str) -> TlsAcceptor {
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The client connects to the proxy over TLS, sends `CONNECT`, and uses TLS inside the tunnel.
#[tokio::test]
async fn a_request_is_sent_through_a_proxy_with_tls() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
    let authority = Issuer::new(params, key);
    let proxy = acceptor(&authority, "localhost");
    let cloud = acceptor(&authority, "cloud.example");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut tunnel = proxy.accept(stream).await.unwrap();
        let connect = read_head(&mut tunnel).await;
        tunnel.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut inside = cloud.accept(tunnel).await.unwrap();
        let call = read_head(&mut inside).await;
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        inside.write_all(response).await.unwrap();
        inside.flush().await.unwrap();
        [connect, call]
    });
    let proxy = format!("https://me:HUSH@localhost:{port}");
    let transport = Network::default().https(&HttpOptions {
        ca_file: Some(file.path().into()),
        proxy: Some(Proxy::parse(&proxy).unwrap()),
    });
    let request = Request::post("https://cloud.example/").body(Bytes::new());
    let transport = transport.unwrap();
    let sent = timeout(PATIENCE, transport.send(request.unwrap())).await;
    assert_eq!(sent.unwrap().unwrap().body(), "{}");
    let [connect, call] = timeout(PATIENCE, server).await.unwrap().unwrap();
    let login = BASE64_STANDARD.encode("me:HUSH");
    assert!(connect.starts_with("CONNECT cloud.example:443 HTTP/1.1\r\n"));
    assert!(connect.contains(&format!("Basic {login}\r\n")), "{connect}");
    assert!(call.starts_with("POST / HTTP/1.1\r\n"), "{call}");
    assert!(!call.contains(&login), "{call}");
}

/// The request bypasses the proxy, so it fails because no server listens on the port.
#[tokio::test]
async fn a_request_to_the_local_machine_bypasses_the_proxy() {
    let (authority, recorded) = recording_proxy().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = closed.local_addr().unwrap();
    drop(closed);
    let transport = Network::default().https(&HttpOptions {
        ca_file: Some("tests/support/ca.pem".into()),
        proxy: Some(Proxy::parse(&format!("http://{authority}")).unwrap()),
    });
    let request = Request::post(format!("https://{endpoint}/")).body(Bytes::new());
    let transport = transport.unwrap();
    let sent = timeout(PATIENCE, transport.send(request.unwrap())).await;
    assert!(sent.unwrap().unwrap_err().to_string().contains("refused"));
    assert!(!recorded.is_finished(), "the proxy received the request");
    recorded.abort();
}
