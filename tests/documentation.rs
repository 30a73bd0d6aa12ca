//! What is documented exists, and what exists is documented.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::exposition::Metric;
use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::tencent::{Ended, Observer};

#[test]
fn every_metric_is_in_the_readme_and_every_metric_of_the_readme_exists() {
    let process = Process::new();
    process.ended(&Ended {
        action: "DescribeAuditTracks",
        took: Duration::ZERO,
        failure: None,
        clock_skew: Some(0.0),
    });
    process.state_written(Ok(SystemTime::UNIX_EPOCH));
    process.account_added("a");
    let own = process.exposition();
    let own = own
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    // The process's own usual series are one row together.
    let own = own.filter(|name| !name.starts_with("process_"));
    let existing: BTreeSet<String> = own
        .chain(Metric::ALL.iter().map(|metric| metric.name()))
        .map(str::to_owned)
        .collect();

    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let documented: BTreeSet<String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| name.starts_with("cloudaudit_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, existing);
}
