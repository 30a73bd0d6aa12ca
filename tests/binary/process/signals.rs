//! A signal stops the process within a second, even if the process waits for a file or a pipe.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::program::{A_SECOND, Program, fifo, kill, stuck_pipe, text};
use crate::support::exporter::{Exporter, PATIENCE, binary};
use crate::support::site::{Site, with};

/// Long enough for the program to reach the file that it waits for.
const UNDER_WAY: Duration = Duration::from_millis(500);

const GRACE: &str = "CLOUDAUDIT_EXPORTER_WEB_SHUTDOWN_GRACE_PERIOD";

/// A configuration whose `what` is a named pipe without a writer, as a hung mount behaves.
fn hung(folder: &TempDir, what: &str) -> Vec<String> {
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pipe = at("pipe");
    fifo(pipe.as_ref());
    std::fs::write(at("id"), "AKIDone").unwrap();
    let credentials = match what {
        "key" => format!("{{secret_id_file: {}, secret_key_file: {pipe}}}", at("id")),
        "profile" => format!("{{profile: {{name: default, file: {pipe}}}}}"),
        _ => "{secret_id: AKIDone, secret_key: key-one}".to_owned(),
    };
    let http = match what {
        "ca" => format!("http: {{ca_file: {pipe}}}\n"),
        _ => String::new(),
    };
    let yaml = format!(
        "endpoint: http://127.0.0.1:9\n{http}accounts: {{a: {{credentials: {credentials}}}}}\n"
    );
    std::fs::write(at("config.yaml"), yaml).unwrap();
    match what {
        "config" => vec![format!("--config.file={pipe}")],
        "web" => vec![format!("--web.config.file={pipe}")],
        _ => vec![format!("--config.file={}", at("config.yaml"))],
    }
}

#[test]
fn a_signal_ends_every_command_that_waits_for_a_file() {
    let mut slow = Vec::new();
    for (what, command) in [
        ("config", ""),
        ("config", "check"),
        ("config", "check --policy"),
        ("config", "check --online"),
        ("config", "once"),
        ("web", ""),
        ("web", "health"),
        ("web", "demo"),
        ("key", ""),
        ("key", "once"),
        ("key", "check --online"),
        ("profile", ""),
        ("profile", "once"),
        ("ca", ""),
        ("ca", "once"),
    ] {
        for signal in ["TERM", "INT"] {
            let folder = TempDir::new().unwrap();
            let mut program = Program::start(
                binary()
                    .args(command.split_whitespace())
                    .args(hung(&folder, what))
                    .args(["--web.listen-address", "127.0.0.1:0"])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null()),
            );
            std::thread::sleep(UNDER_WAY);
            if program.has_ended() {
                // The program refused the file before the signal, which is fine, too.
                continue;
            }
            let (code, took) = program.ends_after(signal);
            if took > A_SECOND {
                slow.push(format!("{command:?}, {what}, {signal}: {took:?}"));
            }
            // A stopped daemon succeeds; a stopped command has not done its work.
            let fits = match command {
                "" | "demo" => matches!(code, Some(0 | 1)),
                _ => code == Some(1),
            };
            assert!(fits, "{command:?}, {what}, {signal}: {code:?}");
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

/// The kernel drops a signal to process 1 that has no handler yet.
#[test]
fn process_1_ends_by_the_first_signal() {
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let probe = Command::new("unshare").args(unshare).arg("true").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("not run: this needs the right to make a PID namespace");
        return;
    }
    for (command, signal) in [
        (None, "TERM"),
        (None, "INT"),
        (Some("check"), "TERM"),
        (Some("check"), "HUP"),
        (Some("check"), "QUIT"),
    ] {
        // Nothing is ever written into this configuration.
        let (reader, _writer) = std::io::pipe().unwrap();
        let mut program = Program::waiting_for(
            reader,
            Command::new("unshare")
                .args(unshare)
                .arg(binary().get_program())
                .args(command)
                .arg("--config.file=-")
                .stderr(Stdio::null()),
        );
        std::thread::sleep(UNDER_WAY);
        let parent = program.0.id();
        let children = format!("/proc/{parent}/task/{parent}/children");
        let child = std::fs::read_to_string(children).unwrap();
        let began = std::time::Instant::now();
        kill(signal, child.trim().parse().unwrap());
        program.wait();
        assert!(began.elapsed() < A_SECOND, "{command:?}: {signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_scrapes_may_take_longer_and_only_where_that_is_configured() {
    let site = Site::start().await;
    site.write("a: {}");
    for (grace, at_least, at_most) in [
        (None, Duration::ZERO, A_SECOND),
        (Some("0s"), Duration::ZERO, A_SECOND),
        (Some("2s"), Duration::from_secs(2), Duration::from_secs(3)),
    ] {
        let variables: Vec<_> = grace.iter().map(|grace| (GRACE, *grace)).collect();
        let mut exporter = Exporter::start(Some(&site.file), &with(&variables));
        // A request that is never finished.
        let mut client = TcpStream::connect(exporter.address()).unwrap();
        client.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = std::time::Instant::now();
        exporter.signal("TERM");
        assert_eq!(exporter.wait_for_end(), Some(0), "{grace:?}");
        let took = began.elapsed();
        assert!(took >= at_least && took < at_most, "{grace:?}: {took:?}");
    }
}

/// `timeout` sends its signal to the process and then to the group, as some terminals do.
#[tokio::test(flavor = "multi_thread")]
async fn two_signals_at_the_same_time_are_one() {
    let site = Site::start().await;
    site.write("a: {}");
    for _ in 0..5 {
        let mut exporter = Exporter::start(Some(&site.file), &with(&[]));
        for signal in ["TERM", "INT", "QUIT"] {
            exporter.signal(signal);
        }
        assert_eq!(exporter.wait_for_end(), Some(0), "{}", exporter.log());
    }
}

#[test]
fn a_grace_period_beyond_reason_is_refused() {
    for grace in ["1d", "-1s", "soon"] {
        let output = binary()
            .arg("check")
            .arg(format!("--web.shutdown-grace-period={grace}"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{grace}");
        let said = text(&output.stderr);
        assert!(said.contains("5m"), "{said}");
    }
}

/// The reader of the output may be stopped, or be a terminal on hold.
#[test]
fn a_signal_ends_what_waits_for_the_reader_of_its_output() {
    for command in ["check", "once", "--help", "--version", "demo"] {
        let (_reader, writer) = stuck_pipe();
        let mut program = Program::start(
            binary()
                .args(command.split_whitespace())
                .args(["--web.listen-address", "127.0.0.1:0"])
                .stdout(writer)
                .stderr(Stdio::null()),
        );
        std::thread::sleep(UNDER_WAY);
        assert!(!program.has_ended(), "{command} has lost its output");
        let (_, took) = program.ends_after("TERM");
        assert!(took < A_SECOND, "{command}: {took:?}");
    }
}

/// The service manager's socket is full, and nothing reads it.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_that_does_not_read_holds_nothing_up() {
    let site = Site::start().await;
    site.write("a: {}");
    let address = site.folder.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&address).unwrap();
    let filler = std::os::unix::net::UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"STATUS=full", &address).is_ok() {}
    let variables = [
        ("NOTIFY_SOCKET", address.to_str().unwrap()),
        ("WATCHDOG_USEC", "100000"),
    ];
    let mut exporter = Exporter::start(Some(&site.file), &with(&variables));
    exporter.metrics().await;
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut message = [0; 64];
    loop {
        let length = manager.recv(&mut message).unwrap();
        match &message[..length] {
            b"READY=1" => break,
            b"STATUS=full" => {}
            other => assert_eq!(text(other), "WATCHDOG=1"),
        }
    }
    // Full again.
    while filler.send_to(b"STATUS=full", &address).is_ok() {}
    let began = std::time::Instant::now();
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    assert!(began.elapsed() < A_SECOND);
}

/// The last write of the state file waits for a disk that hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_hangs_does_not_hold_the_end_up() {
    let site = Site::start().await;
    let state = site.folder.path().join("state.json");
    let head = format!("state: {{file: {}}}\n", state.display());
    std::fs::write(&site.file, head + &site.text("a: {}")).unwrap();
    let mut exporter = Exporter::start(Some(&site.file), &with(&[]));
    // Where the temporary file should be created is a pipe that nothing reads.
    let temporary = site.folder.path().join("state.json.tmp");
    drop(std::fs::remove_file(&temporary));
    fifo(&temporary);
    drop(
        std::fs::File::options()
            .write(true)
            .custom_flags(0o4000)
            .open(&temporary),
    );
    let began = std::time::Instant::now();
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    assert!(began.elapsed() < A_SECOND);
}
