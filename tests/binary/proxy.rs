//! The proxy: every request to the cloud uses it, whether the configuration or a variable names it.

use std::fs;
use std::process::Output;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::exporter::binary;
use crate::support::site::with;

/// The host of the cloud. No name server has an address for it, so only a proxy can reach it.
const HOST: &str = "cloud.example";

/// Part of the password of the proxy.
const PASSWORD: &str = "HUSH";

/// The variables that name a proxy or exempt hosts.
const VARIABLES: [&str; 8] = [
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// A proxy that records the head of each request and refuses the request.
struct RecordingProxy {
    authority: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl RecordingProxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let recorded = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let recorded = Arc::clone(&recorded);
                tokio::spawn(async move { refuse(stream, &recorded).await });
            }
        });
        Self { authority, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn refuse(mut stream: TcpStream, recorded: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    recorded.lock().unwrap().push(head);
    let refused = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    drop(stream.write_all(refused).await);
}

/// Runs `once` with these settings of `http` and this variable.
fn once(http: &str, https_proxy: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy("tests/support/ca.pem", at("ca.pem")).unwrap();
    let config = format!(
        "endpoint: https://{HOST}\nsts_endpoint: https://{HOST}\npoll: {{attempts: 1}}\n\
         http: {{ca_file: ca.pem{http}}}\naccounts: {{a: {{}}}}\n"
    );
    fs::write(at("config.yaml"), config).unwrap();
    let mut command = binary();
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
        .args(["once", "--config.file"])
        .arg(at("config.yaml"))
        .envs(with(&[("HTTPS_PROXY", https_proxy)]));
    tokio::task::block_in_place(|| command.output().unwrap())
}

/// Returns the value of `Proxy-Authorization`.
fn authorization(head: &str) -> Option<&str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_authorization = name.eq_ignore_ascii_case("proxy-authorization");
        is_authorization.then_some(value)
    })
}

/// A request that bypasses the proxy is forbidden in many networks, and fails there.
#[tokio::test(flavor = "multi_thread")]
async fn every_request_uses_the_proxy_of_the_configuration_or_of_the_environment() {
    let basic = format!("Basic {}", BASE64_STANDARD.encode("me:#HUSH/["));
    for (login, expected) in [("", None), ("me:%23HUSH%2F[@", Some(basic.as_str()))] {
        for is_configured in [false, true] {
            let proxy = RecordingProxy::start().await;
            let url = format!("http://{login}{}", proxy.authority);
            let output = if is_configured {
                // The key takes precedence over the variable.
                once(&format!(", proxy: \"{url}\""), "http://127.0.0.1:1")
            } else {
                once("", &url)
            };
            let log = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{log}");
            assert!(!log.contains(PASSWORD), "{log}");
            let heads = proxy.heads();
            assert!(!heads.is_empty(), "the proxy received no request:\n{log}");
            for head in &heads {
                let connect = format!("CONNECT {HOST}:443 HTTP/1.1\r\n");
                assert!(head.starts_with(&connect), "{head}");
                assert_eq!(authorization(head), expected, "{head}");
            }
        }
    }
}
