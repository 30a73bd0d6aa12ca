//! Evidence for auditors: the test backfills a quarter into a real Prometheus and evaluates the
//! shipped rule over it. The queries of docs/evidence.md must return each number exactly.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "another process lives in real time"
)]
#![allow(clippy::cast_precision_loss, reason = "minutes are few")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

// Prometheus, and the quarter in it.
mod prometheus;
mod quarter;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prometheus::Prometheus;
use quarter::{DAYS, END, MINUTES, Quarter};

/// The first minutes of an outage or a gap still count as covered: a listing is valid for four
/// intervals, and the last sample is two minutes old.
const STILL_PROVEN: u64 = 2;

const OUTAGE: u64 = quarter::OUTAGE.minutes() - STILL_PROVEN;
const GAP: u64 = quarter::GAP.minutes() - STILL_PROVEN;

#[tokio::test]
async fn the_queries_of_the_page_get_each_number_of_a_quarter_right() {
    let quarter = Quarter::backfill();
    let prometheus = Prometheus::on(&quarter).await;
    quarter.evaluate(&evidence(), prometheus.url());
    drop(prometheus);
    quarter.add_evaluated();
    let prometheus = Prometheus::on(&quarter).await;

    let queries = queries();
    let ask = async |name: &str| prometheus.query(&queries[name], END).await;
    let minutes_of_late = MINUTES - quarter::ONBOARDED_ON_DAY * 24 * 60;
    let off = quarter::OFF.minutes();

    let proven = ask("proven").await;
    let share = |minutes: u64| minutes as f64 / MINUTES as f64;
    close(proven["steady"], share(MINUTES - OUTAGE - GAP), 1e-9);
    close(proven["off"], share(MINUTES - OUTAGE - GAP - off), 1e-9);
    close(proven["late"], share(minutes_of_late - OUTAGE - GAP), 1e-9);

    let not_covered = ask("not covered").await;
    close(not_covered["steady"], 0.0, 1e-6);
    close(not_covered["late"], 0.0, 1e-6);
    close(not_covered["off"], (off * 60) as f64, 1e-6);

    let unproven = ask("unproven").await;
    let not_yet = MINUTES - minutes_of_late;
    close(unproven["steady"], ((OUTAGE + GAP) * 60) as f64, 1e-6);
    close(unproven["off"], ((OUTAGE + GAP) * 60) as f64, 1e-6);
    close(
        unproven["late"],
        ((not_yet + OUTAGE + GAP) * 60) as f64,
        1e-6,
    );

    // The exporter's own counter continues during the gap of Prometheus. increase() extrapolates at
    // both ends of the range, by at most two minutes here.
    let counted = ask("counted").await;
    let two_minutes = share(2);
    let outage = quarter::OUTAGE.minutes();
    close(counted["steady"], share(MINUTES - outage), two_minutes);
    close(counted["off"], share(MINUTES - outage - off), two_minutes);
    close(
        counted["late"],
        share(minutes_of_late - outage),
        two_minutes,
    );

    // The obvious query ignores both, and the time before the first sample, too.
    let lie = format!("avg_over_time(cloudaudit_account_covered[{DAYS}d])");
    let lie = prometheus.query(&lie, END).await;
    close(lie["steady"], 1.0, 0.0);
    close(lie["late"], 1.0, 0.0);
}

#[track_caller]
fn close(is: f64, wanted: f64, by: f64) {
    assert!((is - wanted).abs() <= by, "{is} and not {wanted}");
}

/// Returns the evidence group of the shipped rules.
fn evidence() -> String {
    let rules = read("deploy/prometheus/rules/tracks.yaml");
    let (_, group) = rules
        .split_once("  - name: cloudaudit-evidence\n")
        .expect("the group is the last of the file");
    assert!(group.contains("interval: 1m"), "the queries multiply by 60");
    format!("groups:\n  - name: cloudaudit-evidence\n{group}")
}

/// Returns the queries of the page, keyed by the text before their first line.
fn queries() -> BTreeMap<String, String> {
    let page = read("docs/evidence.md");
    let blocks = page.split("```promql\n").skip(1);
    let queries = blocks.map(|block| {
        let (block, _) = block.split_once("```").expect("a block ends");
        let (name, query) = block
            .split_once('\n')
            .expect("it has a comment and a query");
        let name = name.trim_start_matches("# ").split(':').next();
        (name.unwrap_or_default().to_owned(), query.to_owned())
    });
    queries.collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}
