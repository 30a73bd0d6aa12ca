//! A process that writes and writes is killed, hundreds of times, wherever that finds it; and what
//! processes that begin keep hold of.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::state::StateFile;
use tokio::time::Instant;

const KILLS: u32 = 300;

const LONGEST_WATCH: Duration = Duration::from_millis(100);

/// Long enough for a kill to find the file half-written, were it ever to be seen so.
const LENGTH: usize = 10_000;

/// Where the writer writes when it is run to be killed.
const FILE: &str = "STATE_FILE_OF_THE_WRITER";

#[tokio::test]
async fn killed_at_any_moment_a_process_leaves_the_old_file_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let new = folder.path().join("state.json.tmp");
    let (mut safe, mut caught_writing) = (0, 0);
    for kill in 0..KILLS {
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["--exact", WRITER, "--nocapture"])
            .env(FILE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut numbers = lines.filter_map(|line| line.ok()?.strip_prefix("safe ")?.parse().ok());
        let first: u64 = numbers.next().expect("the writer writes");
        assert_eq!(first, safe + 1, "the writer resumed from the file");
        if kill % 2 == 0 {
            tokio::time::sleep(Duration::from_micros(u64::from(kill * 7_919 % 5_000))).await;
        } else {
            // As soon as it is seen to write; the wait has a limit, for it may never be seen.
            let deadline = Instant::now() + LONGEST_WATCH;
            while !new.exists() && Instant::now() < deadline {}
        }
        writer.kill().unwrap();
        writer.wait().unwrap();

        let last = numbers.last().unwrap_or(first);
        caught_writing += u32::from(new.exists());
        safe = left_in(&path);
        assert!(
            safe == last || safe == last + 1,
            "kill {kill}: {safe} is left, {last} was safe"
        );
    }
    assert!(
        caught_writing > KILLS / 10,
        "{caught_writing} kills found a running write: too few"
    );
}

/// Writes until it is killed if the parent process started it for this; as an ordinary test, writes
/// a little.
#[tokio::test]
async fn the_writer_goes_on_from_what_is_there() {
    if let Some(path) = env::var_os(FILE) {
        write(Path::new(&path), u64::MAX).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    write(&path, 2).await;
    write(&path, 1).await;
    assert_eq!(left_in(&path), 3);
}

/// A child process holds a copy of our descriptors between `fork` and `exec`, and a lock lasts
/// until the last copy of its descriptor is closed.
#[test]
fn a_released_file_can_be_locked_while_child_processes_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert!(Command::new("true").status().unwrap().success());
                }
            });
        }
        let opened = (0..5_000).map(|_| StateFile::<u64>::open(&path, SystemTime::UNIX_EPOCH).1);
        let refused = opened.filter_map(|loaded| loaded.unwritable).count();
        over.store(true, Ordering::Relaxed);
        assert_eq!(refused, 0);
    });
}

const WRITER: &str = "state::kill::the_writer_goes_on_from_what_is_there";

/// Writes the next values, and prints the number of each value that is safe.
async fn write(path: &Path, values: u64) {
    let (file, loaded) = StateFile::<Vec<u64>>::open(path, SystemTime::UNIX_EPOCH);
    assert_eq!(loaded.warnings, [""; 0]);
    let first = loaded.value.map_or(1, |value| number(&value) + 1);
    let mut stdout = std::io::stdout();
    for next in first..first.saturating_add(values) {
        let written = file
            .write(move || value(next), SystemTime::UNIX_EPOCH)
            .await;
        written.unwrap();
        // Past the capture of the harness, whose own text may not have ended its line.
        writeln!(stdout, "\nsafe {next}").unwrap();
        stdout.flush().unwrap();
    }
}

fn left_in(path: &Path) -> u64 {
    let (_, loaded) = StateFile::<Vec<u64>>::open(path, SystemTime::UNIX_EPOCH);
    assert_eq!(loaded.warnings, [""; 0]);
    loaded.value.map_or(0, |value| number(&value))
}

/// Returns the n-th value to write. Each of its elements is `number`.
fn value(number: u64) -> Vec<u64> {
    vec![number; LENGTH]
}

fn number(value: &[u64]) -> u64 {
    assert_eq!(value.len(), LENGTH);
    assert!(value.iter().all(|other| *other == value[0]));
    value[0]
}
