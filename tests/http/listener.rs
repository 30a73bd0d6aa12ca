//! Addresses, and a system that runs out of descriptors.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use cloudaudit_exporter::http::{Listener, Options};
use tokio::time::timeout;

use crate::support::{Client, STALL_TIMEOUT, Server, Shown, request};

#[tokio::test]
async fn a_port_alone_means_all_interfaces() {
    let listener = Listener::bind(":0").await.unwrap();
    let server = Server::on(listener, Shown::default(), Options::default());
    let port = server.address.port();
    let mut addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    }
    for address in addresses {
        let reply = Client::connect(address).await.get("/metrics").await;
        assert_eq!(reply.status, 200, "{address}");
    }
}

#[tokio::test]
async fn a_host_means_that_host() {
    for address in ["127.0.0.1:0", "localhost:0"] {
        let listener = Listener::bind(address).await.unwrap();
        assert!(
            listener.local_addr().unwrap().ip().is_loopback(),
            "{address}"
        );
        assert_ne!(listener.local_addr().unwrap().port(), 0);
    }
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        let listener = Listener::bind("[::1]:0").await.unwrap();
        assert_eq!(listener.local_addr().unwrap().ip(), Ipv6Addr::LOCALHOST);
    }
}

#[tokio::test]
async fn what_cannot_be_bound_is_named() {
    let taken = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = Listener::bind(&address).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    let start = format!("cannot listen on {address}: ");
    assert!(error.to_string().starts_with(&start), "{error}");
    for wrong in [":", ":x", ":65536", ":-1", "10629", "", "127.0.0.1"] {
        let error = Listener::bind(wrong).await.unwrap_err().to_string();
        let start = format!("cannot listen on {wrong}: ");
        assert!(error.starts_with(&start), "{error}");
    }
}

/// The limit of open files belongs to a process, so this runs in one of its own.
#[test]
fn running_out_of_descriptors_is_survived() {
    const CHILD: &str = "CLOUDAUDIT_EXPORTER_TEST_FEW_FILES";
    if std::env::var_os(CHILD).is_some() {
        return run_out_of_descriptors();
    }
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "listener::running_out_of_descriptors_is_survived",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let log = String::from_utf8_lossy(&output.stdout);
    assert_eq!(log.matches("cannot accept connections").count(), 1, "{log}");
}

#[tokio::main(flavor = "current_thread")]
async fn run_out_of_descriptors() {
    let _log = tracing::subscriber::set_default(tracing_subscriber::fmt().finish());
    let server = Server::start(Shown::default()).await;
    let mut all = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        all.push(file);
    }
    all.pop(); // for the client; the server then has none
    let mut client = server.connect().await;
    client.send(request("GET", "/metrics", "")).await;
    let waits = timeout(Duration::from_millis(500), client.reply()).await;
    assert!(waits.is_err(), "{waits:?}");
    all.clear();
    let reply = timeout(STALL_TIMEOUT, client.reply()).await.unwrap();
    assert_eq!(reply.status, 200);
}
