//! Every page and every command that `make stack` prints works.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::address::free_address;
use crate::support::parts::part;

/// The demo disables a track after 10 s; the alert fires about six seconds later.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

#[tokio::test]
async fn the_stack_shows_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ports = [(); 3].map(|()| free_address().port().to_string());
    let program = part("prometheus");
    let scratch = tempfile::tempdir().unwrap();
    // A background process inherits an ignored SIGINT, and a shell cannot reset it.
    let mut stack = tokio::process::Command::new("env")
        .arg("--default-signal=INT")
        .arg(root.join("deploy/prometheus/stack"))
        .arg(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
        .args(&ports)
        .env("CLOUDAUDIT_PARTS", program.ancestors().nth(2).unwrap())
        .env("TMPDIR", scratch.path())
        .stdout(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(stack.stdout.take().unwrap()).lines();
    let mut text = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        text.push(line);
        if text.last().unwrap().starts_with("Ctrl-C") {
            break;
        }
    }

    let page = text[0].split(' ').find(|word| word.starts_with("http://"));
    assert!(
        shown(
            &["curl", "--fail", "--silent", page.unwrap()].join(" "),
            "prod"
        )
        .await,
        "{text:#?}"
    );
    let commands: Vec<_> = text.iter().filter(|line| line.starts_with("  ")).collect();
    let [alerts, firing, off] = commands[..] else {
        panic!("{text:#?}");
    };
    assert!(shown(off, r#"track="audit-all""#).await, "{off}");
    let labels = r#"ALERTS{account="prod", alertname="CloudAuditTrackTurnedOff""#;
    assert!(shown(firing, labels).await, "{firing}");
    let runbooks = root.join("docs/alerts.md").display().to_string();
    let runbook = format!("file://{runbooks}#cloudaudittrackturnedoff");
    assert!(shown(alerts, &runbook).await, "{alerts}");
    let page = page.unwrap().trim_end_matches('.');
    for part in [
        &format!("{page}?account=prod"),
        r#"account="prod""#,
        r#"track="audit-all""#,
        &format!("http://127.0.0.1:{}/graph", ports[1]),
    ] {
        assert!(shown(alerts, part).await, "{part} in {alerts}");
    }
    // The alert names the operator.
    let alerts = format!(
        "curl --fail --silent http://127.0.0.1:{}/api/v2/alerts",
        ports[2]
    );
    let who = "According to the operation records, alice (CAMUser) did this with ModifyAuditTrack";
    assert!(shown(&alerts, who).await, "{who}");
    assert!(text.iter().any(|line| line.contains(&runbooks)));
    let log = text
        .iter()
        .find_map(|line| line.strip_prefix("The exporter's log is "));
    let log = log.unwrap().trim_end_matches(" and stays there.");
    assert!(
        shown(&format!("cat {log}"), "track disabled").await,
        "{log}"
    );

    // Like a terminal at Ctrl-C: signals every process of the group.
    let group = stack.id().unwrap();
    run(&format!("kill -INT -- -{group}"));
    let ended = tokio::time::timeout(PATIENCE, stack.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
    assert!(Path::new(log).exists());
    let left: Vec<_> = scratch.path().read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    for port in ports {
        let left = std::net::TcpStream::connect(("127.0.0.1", port.parse().unwrap()));
        assert!(left.is_err(), "something still listens on {port}");
    }
}

/// Returns whether the output of a command contains `wanted` in time.
async fn shown(command: &str, wanted: &str) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let output = run(command);
        if output.status.success() && String::from_utf8_lossy(&output.stdout).contains(wanted) {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

fn run(command: &str) -> Output {
    Command::new("bash").args(["-c", command]).output().unwrap()
}
