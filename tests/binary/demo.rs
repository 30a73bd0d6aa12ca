//! The demo: the program against the simulator, in one process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::commands::text;
use crate::support::exporter::{Samples, binary};

#[test]
fn the_demo_serves_within_a_second_shows_denied_and_empty_accounts_and_ends_at_ctrl_c() {
    let start = Instant::now();
    let folder = TempDir::new().unwrap();
    let mut demo = binary()
        .args(["demo", "--web.listen-address", "127.0.0.1:0"])
        .args(["--web.route-prefix", "/cloudaudit"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let line = lines
        .find(|line| line.starts_with("The metrics are on "))
        .unwrap();
    let url = line.rsplit(' ').next().unwrap().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let samples = runtime.block_on(async {
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .no_proxy()
            .build()
            .unwrap();
        loop {
            let text = client.get(&url).send().await.unwrap().text().await.unwrap();
            let samples = Samples::parse(&text);
            if samples.sum("cloudaudit_up", &[]) >= 6.0 {
                break samples;
            }
            assert!(start.elapsed() < crate::support::exporter::PATIENCE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    let account = |name| [("account", name)];
    assert_eq!(samples.values("cloudaudit_up", &account("denied")), [0.0]);
    assert!(
        samples
            .values("cloudaudit_tracks", &account("denied"))
            .is_empty()
    );
    assert_eq!(samples.values("cloudaudit_up", &account("empty")), [1.0]);
    assert_eq!(
        samples.values("cloudaudit_tracks", &account("empty")),
        [0.0; 9]
    );

    // A check confirms that the bucket is missing only after a minute. The demo does not wait for it.
    let deleted = lines
        .find(|line| line.starts_with("0:02  platform's bucket is deleted"))
        .unwrap();
    assert!(deleted.contains("still enabled after"), "{deleted}");
    let seen = lines
        .find(|line| line.starts_with("0:10  alice disables prod/audit-all"))
        .unwrap();
    assert!(seen.contains("on /metrics after"), "{seen}");
    let deleted = lines
        .find(|line| line.starts_with("0:20  staging/to-cls is deleted"))
        .unwrap();
    assert!(deleted.contains("track_present is 0 after"), "{deleted}");
    runtime.block_on(assert_operators(&url));
    let ended = Instant::now();
    let status = Command::new("kill")
        .args(["-INT", &demo.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    assert!(demo.wait().unwrap().success());
    assert!(
        ended.elapsed() < Duration::from_secs(2),
        "{:?}",
        ended.elapsed()
    );
    assert!(is_empty(&folder), "its state file is left");
}

/// Checks who made the changes of the first 20 seconds: alice disabled a track, bob was denied to delete
/// it, and a deletion has no record.
async fn assert_operators(metrics: &str) {
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let get = async |url: &str| client.get(url).send().await.unwrap().text().await.unwrap();
    let start = Instant::now();
    let attempt = [
        ("account", "prod"),
        ("event", "DeleteAuditTrack"),
        ("outcome", "denied"),
    ];
    let changes = metrics.replace("/metrics", "/api/v1/changes");
    loop {
        let samples = Samples::parse(&get(metrics).await);
        let attempts = samples.values("cloudaudit_track_write_operations_total", &attempt);
        let changes: Value = serde_json::from_str(&get(&changes).await).unwrap();
        let mut results: Vec<String> = changes["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| {
                let text = |pointer: &str| change.pointer(pointer).and_then(Value::as_str);
                let parts = [
                    "/account",
                    "/track",
                    "/change",
                    "/attribution/result",
                    "/attribution/operator/name",
                ];
                parts.map(|part| text(part).unwrap_or_default()).join(" ")
            })
            .collect();
        results.sort();
        results.dedup();
        let expected = [
            "prod audit-all disabled certain alice",
            "staging to-cls vanished pending ",
        ];
        if attempts == [1.0] && results == expected {
            return;
        }
        let waited = start.elapsed() > crate::support::exporter::PATIENCE;
        assert!(!waited, "{attempts:?} {results:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn a_demo_that_cannot_start_leaves_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    let demo = binary()
        .args(["demo", "--web.listen-address", &address])
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert_eq!(demo.status.code(), Some(1));
    let said = text(&demo.stderr);
    assert!(said.contains(&address), "{said}");
    assert!(is_empty(&folder));
}

fn is_empty(folder: &TempDir) -> bool {
    fs::read_dir(folder.path()).unwrap().next().is_none()
}
