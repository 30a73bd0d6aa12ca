//! The samples of three accounts in one quarter, as Prometheus would have stored them.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::parts::part;

/// The quarter: it begins on 1 July 2026, 00:00 UTC.
pub const START: u64 = 1_782_864_000;
pub const DAYS: u64 = 92;
pub const END: u64 = START + DAYS * DAY;
pub const MINUTES: u64 = DAYS * 24 * 60;

const DAY: u64 = 24 * 60 * 60;

/// The scrape interval in seconds. The exporter polls each account every minute.
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

/// The exporter is down: it does not poll, and Prometheus cannot scrape it.
pub const OUTAGE: Span = Span {
    from: 40 * DAY,
    to: 40 * DAY + 2 * 3600,
};

/// Prometheus is down: it does not scrape, and the exporter keeps polling.
pub const GAP: Span = Span {
    from: 20 * DAY,
    to: 20 * DAY + 3600,
};

/// The only track of account `off` is disabled.
pub const OFF: Span = Span {
    from: 60 * DAY,
    to: 63 * DAY,
};

/// The first day of account `late`, counted from 0.
pub const ONBOARDED_ON_DAY: u64 = 10;

const ACCOUNTS: [&str; 3] = ["steady", "off", "late"];

/// The quarter as a folder of Prometheus blocks.
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

    /// Returns the folder of the blocks.
    pub fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    /// Evaluates a rule over the quarter in a running Prometheus. The result gets a folder of its
    /// own: after a minute, Prometheus reloads its folder and compacts the blocks there, even while
    /// promtool is still writing.
    ///
    /// A hash of the rule file's path is the second of the minute at which promtool evaluates. In the
    /// last second, promtool misses one evaluation in each block of two hours, so the path must not be
    /// random.
    pub fn evaluate(&self, rules: &str, url: &str) {
        const FILE: &str = "rules.yaml";
        fs::write(self.0.path().join(FILE), rules).unwrap();
        run(Command::new(part("promtool"))
            .args(["tsdb", "create-blocks-from", "rules"])
            .args(["--start", &START.to_string(), "--end", &END.to_string()])
            .args(["--eval-interval=1m", "--url", url])
            .arg("--output-dir")
            .arg(self.evaluated())
            .arg(FILE)
            .current_dir(self.0.path()));
    }

    /// Adds the evaluated blocks to the quarter. No Prometheus may use the folder meanwhile.
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

/// Returns a metric's value for an account at a second of the quarter.
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

/// Returns the covered time since the exporter knows the account; an outage of the exporter does
/// not count.
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
