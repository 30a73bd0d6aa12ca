//! Unix sockets, and sockets that systemd passes.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::address::free_address;

const EXPORTER: &str = env!("CARGO_BIN_EXE_cloudaudit-exporter");
const PATIENCE: Duration = Duration::from_secs(30);

/// No server listens on this endpoint, and the tests need none.
const CONFIG: &str = "endpoint: http://127.0.0.1:1\naccounts: {prod: {credentials: {secret_id: AKIDx, secret_key: x}}}\n";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(folder: &Path, command: &mut Command) -> Running {
    let file = folder.join("config.yaml");
    fs::write(&file, CONFIG).unwrap();
    command.arg(format!("--config.file={}", file.display()));
    let log = fs::File::create(folder.join("log")).unwrap();
    Running(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap(),
    )
}

fn get_healthy(mut stream: impl Read + Write) -> String {
    stream
        .write_all(b"GET /-/healthy HTTP/1.1\r\nHost: exporter\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

fn eventually<T>(mut it: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(it) = it() {
            return it;
        }
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn only_a_stale_unix_socket_is_replaced() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("exporter.sock");
    let address = format!("--web.listen-address=unix:{}", socket.display());
    let mut first = start(folder.path(), Command::new(EXPORTER).arg(&address));
    let stream = eventually(|| UnixStream::connect(&socket).ok());
    assert!(get_healthy(stream).ends_with("healthy\n"));
    let health = Command::new(EXPORTER).args(["health", &address]).output();
    assert_eq!(health.unwrap().status.code(), Some(0));

    let mut second = start(folder.path(), Command::new(EXPORTER).arg(&address));
    assert_eq!(second.0.wait().unwrap().code(), Some(1));
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("cannot listen on unix:"), "{log}");

    first.0.kill().unwrap();
    first.0.wait().unwrap();
    assert!(socket.exists(), "a killed process leaves its socket behind");
    let health = Command::new(EXPORTER).args(["health", &address]).output();
    let health = health.unwrap();
    assert_eq!(health.status.code(), Some(1));
    let why = String::from_utf8_lossy(&health.stderr);
    assert!(why.contains("exporter.sock: "), "{why}");
    let _third = start(folder.path(), Command::new(EXPORTER).arg(&address));
    let stream = eventually(|| UnixStream::connect(&socket).ok());
    assert!(get_healthy(stream).ends_with("healthy\n"));

    fs::write(folder.path().join("file"), "").unwrap();
    let file = format!(
        "--web.listen-address=unix:{}",
        folder.path().join("file").display()
    );
    let mut no_socket = start(folder.path(), Command::new(EXPORTER).arg(file));
    assert_eq!(no_socket.0.wait().unwrap().code(), Some(1));
    assert!(
        folder.path().join("file").exists(),
        "a file that is not a socket is not removed"
    );
}

#[test]
fn sockets_passed_by_systemd_are_served() {
    let folder = TempDir::new().unwrap();
    let address = free_address();
    let socket = folder.path().join("activated.sock");
    let mut command = Command::new("systemd-socket-activate");
    command.arg(format!("--listen={address}"));
    command.arg(format!("--listen={}", socket.display()));
    command.arg(EXPORTER).arg("--web.systemd-socket");
    let _running = start(folder.path(), &mut command);
    // The first connection starts the exporter.
    let stream = eventually(|| std::net::TcpStream::connect(address).ok());
    assert!(get_healthy(stream).ends_with("healthy\n"));
    let stream = eventually(|| UnixStream::connect(&socket).ok());
    assert!(get_healthy(stream).ends_with("healthy\n"));

    let mut alone = start(
        folder.path(),
        Command::new(EXPORTER).arg("--web.systemd-socket"),
    );
    assert_eq!(alone.0.wait().unwrap().code(), Some(1));
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("systemd has passed no socket"), "{log}");
}
