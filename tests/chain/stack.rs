//! What `make stack` says is there, is there: each page, each command.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::address::free_address;
use crate::parts::part;

/// The switch-off comes after 10 s, the alert some six seconds later.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

#[tokio::test]
async fn the_stack_shows_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ports = [(); 3].map(|()| free_address().port().to_string());
    let program = part("prometheus");
    let scratch = tempfile::tempdir().unwrap();
    // Where the tests run in the background, Ctrl-C is ignored from birth, and a shell cannot
    // unlearn it.
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
    for part in [
        r#"account="prod""#,
        r#"track="audit-all""#,
        &format!("http://127.0.0.1:{}/graph", ports[1]),
    ] {
        assert!(shown(alerts, part).await, "{part} in {alerts}");
    }
    assert!(text.iter().any(|line| line.contains(&runbooks)));
    let log = text.iter().find_map(|line| line.strip_prefix("logs into "));
    let log = log.unwrap().trim_end_matches(", which stays.");
    assert!(
        shown(&format!("cat {log}"), "track disabled").await,
        "{log}"
    );

    // As the terminal does at Ctrl-C: everybody of the group is told.
    let group = stack.id().unwrap();
    run(&format!("kill -INT -- -{group}"));
    let ended = tokio::time::timeout(STALL_TIMEOUT, stack.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
    assert!(Path::new(log).exists());
    let left: Vec<_> = scratch.path().read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    for port in ports {
        let left = std::net::TcpStream::connect(("127.0.0.1", port.parse().unwrap()));
        assert!(left.is_err(), "something still listens on {port}");
    }
}

/// Whether a command's output has it in time.
async fn shown(command: &str, wanted: &str) -> bool {
    let start = Instant::now();
    while start.elapsed() < STALL_TIMEOUT {
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
