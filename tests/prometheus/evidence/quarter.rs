//! A quarter of three accounts, as Prometheus would have stored it.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::parts::part;

/// 1 July 2026, 00:00 UTC, and what follows of a quarter.
pub const START: u64 = 1_782_864_000;
pub const DAYS: u64 = 92;
pub const END: u64 = START + DAYS * DAY;
pub const MINUTES: u64 = DAYS * 24 * 60;

const DAY: u64 = 24 * 60 * 60;

/// How often is scraped, in seconds; each account is polled every minute.
const SCRAPED_EVERY: u64 = 120;

/// A time of the quarter, in seconds from its start.
#[derive(Clone, Copy)]
pub struct Span {
    from: u64,
    to: u64,
}

impl Span {
    pub const fn minutes(self) -> u64 {
        (self.to - self.from) / 60
    }

    fn holds(self, second: u64) -> bool {
        (self.from..self.to).contains(&second)
    }
}

/// The exporter is down: nobody polls, and nobody is scraped.
pub const OUTAGE: Span = Span {
    from: 40 * DAY,
    to: 40 * DAY + 2 * 3600,
};

/// Prometheus is down: nobody scrapes, and the exporter polls on.
pub const GAP: Span = Span {
    from: 20 * DAY,
    to: 20 * DAY + 3600,
};

/// The one track of `off` is off.
pub const OFF: Span = Span {
    from: 60 * DAY,
    to: 63 * DAY,
};

/// `late` is watched from this day on, counted from 0.
pub const ONBOARDED_ON_DAY: u64 = 10;

const ACCOUNTS: [&str; 3] = ["steady", "off", "late"];

/// The quarter in a folder of blocks.
pub struct Quarter(TempDir);

impl Quarter {
    pub fn backfill() -> Self {
        let folder = TempDir::new().unwrap();
        let text = folder.path().join("quarter.om");
        write(&text).unwrap();
        run(Command::new(part("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .arg("--max-block-duration=744h")
            .arg("--quiet")
            .arg(&text)
            .arg(folder.path().join("data")));
        fs::remove_file(text).unwrap();
        Self(folder)
    }

    /// Where the blocks are.
    pub fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    /// Evaluates a rule over the quarter that a Prometheus has. The blocks of the result lie apart: a
    /// Prometheus that runs for more than a minute reloads its folder and compacts what it finds
    /// there, also while promtool is still writing.
    pub fn evaluate(&self, rules: &str, url: &str) {
        let file = self.0.path().join("rules.yaml");
        fs::write(&file, rules).unwrap();
        run(Command::new(part("promtool"))
            .args(["tsdb", "create-blocks-from", "rules"])
            .args(["--start", &START.to_string(), "--end", &END.to_string()])
            .args(["--eval-interval=1m", "--url", url])
            .arg("--output-dir")
            .arg(self.evaluated())
            .arg(file));
    }

    /// Adds what was evaluated to the blocks. No Prometheus may run on them.
    pub fn add_evaluated(&self) {
        for block in fs::read_dir(self.evaluated()).unwrap() {
            let block = block.unwrap();
            let place = self.data().join(block.file_name());
            fs::rename(block.path(), place).unwrap();
        }
    }

    fn evaluated(&self) -> std::path::PathBuf {
        self.0.path().join("evaluated")
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// A metric's value for an account at a second of the quarter.
type Value = fn(&str, u64) -> u64;

const METRICS: [(&str, &str, Value); 6] = [
    ("cloudaudit_up", "gauge", |_, _| 1),
    ("cloudaudit_reported_tracks", "gauge", |_, _| 1),
    ("cloudaudit_poll_interval_seconds", "gauge", |_, _| 60),
    (
        "cloudaudit_last_success_timestamp_seconds",
        "gauge",
        |_, second| START + second,
    ),
    ("cloudaudit_account_covered", "gauge", |account, second| {
        u64::from(is_covered(account, second))
    }),
    (
        "cloudaudit_account_covered_seconds",
        "counter",
        covered_seconds,
    ),
];

fn is_covered(account: &str, second: u64) -> bool {
    account != "off" || !OFF.holds(second)
}

/// What the exporter has vouched for since it knows the account: nothing in its outage.
fn covered_seconds(account: &str, second: u64) -> u64 {
    let not_counted = |span: Span| second.clamp(span.from, span.to) - span.from;
    let off = if account == "off" {
        not_counted(OFF)
    } else {
        0
    };
    second - begins(account) - not_counted(OUTAGE) - off
}

fn begins(account: &str) -> u64 {
    if account == "late" {
        ONBOARDED_ON_DAY * DAY
    } else {
        0
    }
}

fn write(file: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    for (metric, kind, value) in METRICS {
        writeln!(out, "# TYPE {metric} {kind}")?;
        let suffix = if kind == "counter" { "_total" } else { "" };
        let scrapes = (0..=DAYS * DAY).step_by(usize::try_from(SCRAPED_EVERY).unwrap());
        for second in scrapes.filter(|second| !OUTAGE.holds(*second) && !GAP.holds(*second)) {
            for account in ACCOUNTS.iter().filter(|account| begins(account) <= second) {
                let region = if metric.contains("_account_") {
                    ""
                } else {
                    ",region=\"ap-guangzhou\""
                };
                writeln!(
                    out,
                    "{metric}{suffix}{{job=\"cloudaudit\",instance=\"a\",account=\"{account}\"{region}}} {} {}",
                    value(account, second),
                    START + second
                )?;
            }
        }
    }
    writeln!(out, "# EOF")?;
    out.flush()
}
