//! Checks an exposition with promtool and with the parser of the official Python client.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::parts::part;

/// The time limit of one check.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs `promtool check metrics` on the text; its output is the error.
pub(crate) async fn promtool(exposition: &str) -> Result<(), String> {
    let mut command = Command::new(part("promtool"));
    command.args(["check", "metrics"]);
    judge(command, exposition).await.map(drop)
}

/// Parses the text with the Python client and counts its samples. A series that occurs twice, or a
/// family whose samples are not adjacent, is an error.
pub(crate) async fn python_client(exposition: &str) -> Result<usize, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/parse_exposition.py");
    let mut command = Command::new(part("python"));
    command.arg(script);
    let samples = judge(command, exposition).await?;
    Ok(samples.trim().parse().expect("the script prints a number"))
}

async fn judge(mut command: Command, exposition: &str) -> Result<String, String> {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a part can be started");
    let mut stdin = process.stdin.take().expect("it was piped");
    let text = exposition.to_owned();
    let write = tokio::spawn(async move { stdin.write_all(text.as_bytes()).await });
    let output = timeout(LIMIT, process.wait_with_output())
        .await
        .expect("it ends in time")
        .expect("it can be waited for");
    // A program that gives up early has not read everything; its exit code says so.
    drop(write.await.expect("the writer does not panic"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stdout) + &text(&output.stderr))
    }
}
