//! The page in a real browser, in every state: accessible, and never wider than the window.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::scenes::{self, clock};
use super::super::support::{Server, Shown};
use crate::support::browser::looked;

type Scene = fn(
    cloudaudit_exporter::clock::Moment,
) -> (
    Vec<cloudaudit_exporter::snapshot::Report>,
    cloudaudit_exporter::snapshot::ExporterInfo,
);

async fn server(scene: Scene) -> Server {
    let (clock, now) = clock();
    let (reports, info) = scene(now);
    let shown = Shown {
        reports: reports.into_iter().map(Arc::new).collect(),
        info,
        clock,
        ..Shown::default()
    };
    Server::start(shown).await
}

/// The steps that inspect a page in one form.
fn steps(address: SocketAddr, name: &str, form: (&str, u32, bool)) -> Vec<Value> {
    let (form, width, dark) = form;
    let mut steps = vec![
        json!({"open": format!("http://{address}/"), "width": width, "dark": dark, "axe": true}),
        json!({"axe": true}),
        json!({"overflow": true}),
    ];
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        let file = Path::new(&folder).join(format!("page-{name}-{form}.png"));
        steps.push(json!({"picture": file.display().to_string(), "whole": true}));
    }
    steps
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_is_accessible_and_fits_light_or_dark_wide_or_narrow() {
    let scenes: [(&str, Scene); 6] = [
        ("good", scenes::good),
        ("nothing", scenes::nothing),
        ("waiting", scenes::waiting),
        ("down", scenes::all_down),
        ("tracks", scenes::many_tracks),
        ("wrong", scenes::everything_wrong),
    ];
    let forms = [
        ("light", 1280, false),
        ("dark", 1280, true),
        ("phone", 390, false),
    ];
    let (mut all, mut names, mut servers) = (Vec::new(), Vec::new(), Vec::new());
    for (name, scene) in scenes {
        let server = server(scene).await;
        for form in forms {
            // All colors of the dark page are in two of the scenes.
            if form.0 != "dark" || ["good", "wrong"].contains(&name) {
                all.extend(steps(server.address, name, form));
                names.push(format!("{name}, {}", form.0));
            }
        }
        servers.push(server);
    }
    let looking = tokio::task::spawn_blocking(move || looked(&Value::Array(all)));
    let seen = looking.await.unwrap();
    assert_eq!(seen.len(), 2 * names.len());
    for (name, seen) in names.iter().zip(seen.chunks(2)) {
        assert_eq!(seen[0], json!([]), "{name}");
        let wider = seen[1].as_i64().unwrap();
        assert!(wider <= 0, "{name} is wider than the window by {wider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_contact_says_so_and_its_green_is_gone() {
    let server = server(scenes::good).await;
    let opened = tempfile::TempDir::new().unwrap();
    let file = opened.path().join("opened");
    let steps = json!([
        {"open": format!("http://{}/", server.address)},
        {"wait": "All good", "within": "#verdict"},
        {"quiet": true},
        {"touch": file.display().to_string()},
        {"wait": "No contact since 2026-11-23 10:0", "within": "#contact"},
        {"text": "body.lost #verdict"},
        {"text": "title"},
    ]);
    let looking = tokio::task::spawn_blocking(move || looked(&steps));
    while !file.exists() && !looking.is_finished() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    server.stop().await.unwrap();
    let seen = looking.await.unwrap();
    assert!(
        seen[2].as_str().unwrap().starts_with("All good as of"),
        "{seen:?}"
    );
    assert_eq!(seen[3], "No contact – CloudAudit exporter");
}
