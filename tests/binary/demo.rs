//! The demo: the program against the simulator, in one process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::commands::text;
use crate::support::exporter::{Samples, binary};

#[test]
fn the_demo_serves_within_a_second_shows_denied_beside_empty_and_ends_at_ctrl_c() {
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
