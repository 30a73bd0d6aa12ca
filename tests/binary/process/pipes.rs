//! The log's pipe is full and has no reader: everything else continues.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::program::{A_SECOND, Program, shell, stuck_pipe, text};
use crate::support::address::free_address;
use crate::support::exporter::{Exporter, PATIENCE, Samples, binary};
use crate::support::site::{LIFECYCLE, Site, client, reload, with};

const DROPPED: &str = "cloudaudit_exporter_log_lines_dropped_total";

/// A daemon that polls and reloads while its log has no reader; ended by one signal.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_log_is_not_read_polls_serves_reloads_and_stops() {
    let site = Site::start().await;
    let fast = "poll: {interval: 1s, timeout: 500ms}\n";
    std::fs::write(&site.file, format!("{fast}{}", site.text("a: {}"))).unwrap();
    let address = free_address();
    let (_reader, writer) = stuck_pipe();
    let mut daemon = Program::start(
        binary()
            .args(["--log.level", "debug", "--config.file"])
            .arg(&site.file)
            .args(["--web.listen-address", &address.to_string()])
            .envs(with(&[]))
            .stdout(Stdio::null())
            .stderr(writer),
    );
    let url = format!("http://{address}/metrics");
    let client = client();
    let began = Instant::now();
    let polls = |samples: &Samples| samples.sum("cloudaudit_polls_total", &[]);
    let mut seen = 0.0;
    while seen < 3.0 {
        assert!(began.elapsed() < PATIENCE, "{seen} polls");
        assert!(!daemon.has_ended());
        if let Ok(response) = client.get(&url).send().await {
            let samples = Samples::parse(&response.text().await.unwrap());
            assert_eq!(samples.values(DROPPED, &[]), [0.0], "it all fits for now");
            seen = polls(&samples);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..20 {
        daemon.signal("HUP");
    }
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    let (code, took) = daemon.ends_after("TERM");
    assert_eq!(code, Some(0));
    assert!(took < A_SECOND, "{took:?}");
}

/// A reload over HTTP logs a line, too, and does not wait for the reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_over_http_does_not_wait_for_the_reader_of_the_log() {
    let site = Site::start().await;
    site.write("a: {}");
    let mut exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE]));
    exporter.leave_log_unread(true);
    site.write("a: {}, b: {}");
    assert_eq!(reload(&exporter).await.0, 200);
    let up = |samples: &Samples| samples.sum("cloudaudit_up", &[]) > 1.0;
    let samples = exporter.metrics_when("both are polled", up).await;
    let has_dropped = |series: &&str| series.starts_with(DROPPED);
    assert_eq!(samples.series().into_iter().filter(has_dropped).count(), 1);
    assert!(site.world.call_count() > 1);
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
}

/// A failure, wrong usage and a configuration that cannot be read have a last line each.
#[test]
fn a_last_line_that_nothing_reads_is_not_waited_for_without_end() {
    for (arguments, expected) in [
        (vec!["--no-such-flag"], 2),
        (vec!["--config.file=/not/there.yaml"], 78),
        (vec!["check", "--config.file=/not/there.yaml"], 78),
        (vec!["health", "--web.listen-address=127.0.0.1:1"], 1),
        (vec!["once"], 1),
    ] {
        let (_reader, writer) = stuck_pipe();
        let mut program = Program::start(
            binary()
                .args(&arguments)
                .env("TENCENTCLOUD_SECRET_ID", "AKIDone")
                .env("TENCENTCLOUD_SECRET_KEY", "key-one")
                .env("CLOUDAUDIT_EXPORTER__ENDPOINT", "http://127.0.0.1:1")
                .env("CLOUDAUDIT_EXPORTER__POLL__ATTEMPTS", "1")
                .stdout(Stdio::null())
                .stderr(writer),
        );
        assert_eq!(program.wait(), Some(expected), "{arguments:?}");
    }
}

/// A reader that is only slow gets every line, in order, and the last one last.
#[test]
fn a_slow_reader_gets_every_line() {
    let (mut reader, writer) = stuck_pipe();
    let mut program = Program::start(
        binary()
            .args(["check", "--config.file=/not/there.yaml"])
            .stdout(Stdio::null())
            .stderr(writer),
    );
    std::thread::sleep(Duration::from_millis(500));
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert_eq!(program.wait(), Some(78));
    let said = text(&all);
    let last = said.trim_start_matches('.').lines().last().unwrap();
    assert!(last.starts_with("error: /not/there.yaml"), "{last}");
}

/// Another process has set the pipe that they share to be non-blocking.
#[test]
fn a_pipe_that_does_not_block_loses_no_line() {
    let output = shell(
        r#"python3 -c '
import os, fcntl, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, os.O_NONBLOCK)
os.write(w, b"." * 65536)
p = subprocess.Popen(sys.argv[1:], stdout=w, stderr=w)
os.close(w)
time.sleep(0.5)
all = b""
while True:
    piece = os.read(r, 65536)
    if not piece: break
    all += piece
p.wait()
print(p.returncode, all.strip(b".").decode())
' "$0" "$@" "#,
        binary().args(["check", "--policy"]),
    );
    let said = text(&output.stdout);
    let whole = said.starts_with("0 ") && said.contains("cloudaudit:DescribeAuditTracks");
    assert!(whole, "{said} {}", text(&output.stderr));
}

/// `head` has read enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_read_enough_is_no_error() {
    let site = Site::start().await;
    site.write("a: {}");
    for arguments in [
        vec!["once"],
        vec!["check"],
        vec!["check", "--policy"],
        vec!["check", "--output=json"],
        vec!["--help"],
        vec!["--version"],
    ] {
        let mut command = binary();
        command.args(&arguments);
        if !arguments[0].starts_with("--") {
            command.arg("--config.file").arg(&site.file);
        }
        command.envs(with(&[]));
        // `true` reads nothing and exits before the program writes.
        for reader in ["head -1", "true"] {
            let script = format!(r#"(sleep 0.3; "$0" "$@") | {reader}; exit "${{PIPESTATUS[0]}}""#);
            let output = shell(&script, &command);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
            assert!(!said.contains("error"), "{arguments:?}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_cannot_be_written_is_an_error() {
    let site = Site::start().await;
    site.write("a: {}");
    for arguments in [
        vec!["once"],
        vec!["once", "--output=-"],
        vec!["once", "--output=/dev/full"],
        vec!["check"],
        vec!["check", "--policy"],
        vec!["check", "--online"],
        vec!["--help"],
        vec!["--version"],
        vec!["once", "--help"],
        vec!["help", "once"],
    ] {
        let mut command = binary();
        command.args(&arguments);
        if !arguments
            .iter()
            .any(|it| it.contains("help") || *it == "--version")
        {
            command.arg("--config.file").arg(&site.file);
        }
        command.envs(with(&[]));
        let output = shell(r#""$0" "$@" >/dev/full"#, &command);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("No space left"), "{arguments:?}: {said}");
    }
}
