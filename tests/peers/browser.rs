//! The status page, in a real browser.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes run in real time"
)]
#![allow(unreachable_pub, reason = "a test program has no outside")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Identity, Server, Track, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::address::free_address;
use crate::support::browser::looked;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running exporter. Dropping it stops the process.
struct Exporter {
    url: String,
    process: Child,
    _folder: TempDir,
}

impl Exporter {
    fn start(folder: TempDir, arguments: &[&str]) -> Self {
        let address = free_address();
        let process = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
            .args(arguments)
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < PATIENCE, "it does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            url: format!("http://{address}/"),
            process,
            _folder: folder,
        }
    }

    fn demo() -> Self {
        Self::start(TempDir::new().unwrap(), &["demo"])
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(
            Command::new("kill")
                .arg(self.process.id().to_string())
                .status(),
        );
        drop(self.process.wait());
    }
}

const UIN: &str = "100000000001";

/// Starts an exporter for this world, with one account of this many tracks, polled every second.
async fn exporter_of(world: &World, tracks: u64) -> Exporter {
    let account = world.add_account(UIN);
    account.add_identity(Identity::permanent("AKIDlarge", "large-key"));
    for id in 1..=tracks {
        account.create(Track::new(id, &format!("track-{id:03}")));
    }
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(loopback, world.clone()).await.unwrap();
    let endpoint = server.local_addr();
    tokio::spawn(server.serve(std::future::pending::<()>()));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    let config = format!(
        "endpoint: http://{endpoint}\npoll: {{interval: 1s, timeout: 1s}}\n\
         accounts: {{large: {{credentials: {{secret_id: AKIDlarge, secret_key: large-key}}}}}}\n"
    );
    fs::write(&file, config).unwrap();
    Exporter::start(folder, &[&format!("--config.file={}", file.display())])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_track_appears_without_a_reload() {
    let world = World::new(SystemTime::now());
    let exporter = exporter_of(&world, 3).await;
    let folder = TempDir::new().unwrap();
    let opened = folder.path().join("opened");
    let steps = json!([
        {"open": exporter.url},
        {"wait": "track-002", "within": "#tracks"},
        {"text": "#tiles a:has-text('Tracks not enabled')"},
        {"touch": opened.display().to_string()},
        // From here on, the page updates without interaction.
        {"wait": "track-002", "within": "#off"},
    ]);
    let watching = tokio::task::spawn_blocking(move || looked(&steps));
    while !opened.exists() && !watching.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.account(UIN).unwrap().set_status(2, 0).unwrap();
    let seen = watching.await.unwrap();
    assert!(seen[1].as_str().unwrap().starts_with('0'), "{seen:?}");
}

#[test]
fn the_form_filters_and_columns_sort_with_and_without_script() {
    let demo = Exporter::demo();
    for script in [true, false] {
        let seen = looked(&json!([
            {"open": demo.url, "script": script},
            {"wait": "payments", "within": "#tracks"},
            {"fill": "input[name=account]", "with": "payments"},
            {"choose": "select[name=status]", "value": "enabled"},
            {"click": "form button"},
            {"text": "#tracks tbody"},
            {"click": "#tracks th:has-text('Track') a"},
            {"text": "#tracks tbody tr"},
            {"click": "#tracks th:has-text('Track') a"},
            {"text": "#tracks tbody tr"},
            {"click": "form a"},
            {"text": "#tracks tbody"},
        ]));
        let text = |at: usize| seen[at].as_str().unwrap();
        assert!(
            text(1).contains("payments") && !text(1).contains("prod\t"),
            "{seen:?}"
        );
        assert_ne!(text(2), text(3), "the order is reversed");
        assert!(text(4).contains("prod\t"), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_world_has_a_second_page() {
    let exporter = exporter_of(&World::new(SystemTime::now()), 250).await;
    let url = exporter.url.clone();
    let seen = tokio::task::spawn_blocking(move || {
        looked(&json!([
            {"open": url},
            {"wait": "Page 1 of 3, 250 rows", "within": "#tracks"},
            {"click": "#tracks a[rel=next]"},
            {"text": "#tracks tbody tr"},
            {"text": "#tracks .pages"},
        ]))
    });
    let seen = seen.await.unwrap();
    assert!(seen[1].as_str().unwrap().contains("track-101"), "{seen:?}");
    assert!(
        seen[2].as_str().unwrap().contains("Page 2 of 3"),
        "{seen:?}"
    );
}

#[test]
fn the_page_is_accessible_in_light_dark_and_narrow_layouts() {
    let demo = Exporter::demo();
    for (name, width, dark) in [
        ("light", 1280, false),
        ("dark", 1280, true),
        ("narrow", 390, false),
    ] {
        let mut steps = vec![
            json!({"open": demo.url, "width": width, "dark": dark, "axe": true}),
            json!({"wait": "audit-2019", "within": "#off"}),
            json!({"axe": true}),
            json!({"overflow": true}),
        ];
        if let Some(folder) = std::env::var_os("SCREENSHOTS") {
            let file = Path::new(&folder).join(format!("page-{name}.png"));
            steps.push(json!({"picture": file.display().to_string()}));
        }
        let seen = looked(&Value::Array(steps));
        assert_eq!(seen[1], json!([]), "{name}");
        assert!(
            seen[2].as_i64().unwrap() <= 0,
            "{name} is wider than the window by {}",
            seen[2]
        );
    }
}
