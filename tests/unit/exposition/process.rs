//! The series of the process, after those of the accounts.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::snapshot::DESCRIBE_AUDIT_TRACKS;
use cloudaudit_exporter::tencent::{Ended, Observer};

use super::scene::{Scene, denied};
use crate::support::process::exposition;
use crate::support::tracks::{listing, track};

/// Both parts form one exposition, so no metric may be in both.
#[test]
fn the_series_of_the_process_follow_and_share_no_metric_with_accounts() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.listed(0, listing([track(7, "audit-all")]));
    scene.failed(0, denied());
    scene.publish();
    let process = Process::new();
    let fresh = exposition(&process);
    let count = format!(
        "cloudaudit_api_request_duration_seconds_count{{action=\"{DESCRIBE_AUDIT_TRACKS}\"}} "
    );
    assert!(
        fresh.contains(&format!("{count}0\n")),
        "the first request must appear as an increase: {fresh}"
    );
    assert!(!fresh.contains("cloudaudit_clock_skew_seconds"), "{fresh}");

    assert!(!fresh.contains("_state_last_write_"), "{fresh}");
    assert!(
        fresh.contains("cloudaudit_exporter_log_lines_dropped_total 0\n"),
        "the first dropped line must appear as an increase: {fresh}"
    );

    process.state_written(Ok(UNIX_EPOCH + Duration::from_millis(1_795_428_000_500)));
    process.state_written(Err("the disk is full"));
    process.account_added("prod");
    process.account_added("gone");
    process.account_restarted("prod");
    process.account_removed("gone");
    process.log_lines_dropped(2);
    process.log_lines_dropped(3);
    process.configured((1 << 48) - 1, 3, UNIX_EPOCH + Duration::from_millis(1_500));
    process.answered("/metrics", 200);
    process.ended(&Ended {
        action: DESCRIBE_AUDIT_TRACKS,
        took: Duration::from_millis(70),
        failure: None,
        clock_skew: Some(-1.5),
    });
    let own = exposition(&process);
    for line in [
        &format!("{count}1"),
        "cloudaudit_api_request_duration_seconds_bucket{action=\"DescribeAuditTracks\",le=\"0.05\"} 0",
        "cloudaudit_api_request_duration_seconds_bucket{action=\"DescribeAuditTracks\",le=\"0.1\"} 1",
        "cloudaudit_exporter_targets 3",
        "cloudaudit_exporter_shard_ordinal 0",
        "cloudaudit_exporter_shards 1",
        "cloudaudit_exporter_config_last_reload_successful 1",
        "cloudaudit_exporter_config_last_reload_success_timestamp_seconds 1.5",
        "cloudaudit_exporter_config_hash 281474976710655",
        "cloudaudit_exporter_account_restarts_total{account=\"prod\"} 1",
        "cloudaudit_exporter_log_lines_dropped_total 5",
        "cloudaudit_exporter_http_requests_total{code=\"200\",handler=\"/metrics\"} 1",
        "cloudaudit_clock_skew_seconds -1.5",
        "cloudaudit_exporter_state_last_write_successful 0",
        "cloudaudit_exporter_state_last_write_timestamp_seconds 1795428000.5",
    ] {
        assert!(own.lines().any(|it| it == line), "{line} in {own}");
    }
    assert!(own.contains("cloudaudit_exporter_build_info{"), "{own}");
    assert!(!own.contains("gone"), "{own}");
    process.reload_failed("config.yaml:1:1: why\n1 | secret_key: x", UNIX_EPOCH);
    let refused = process.info().refused_reload.unwrap();
    assert_eq!(
        refused.why, "config.yaml:1:1: why",
        "the file is not quoted"
    );
    process.organization_added("o", Duration::from_hours(1));
    process.organization_refreshed("o", Err(&denied()), UNIX_EPOCH);
    assert_eq!(process.info().organizations[0].failure, Some(denied()));
    process.organization_refreshed("o", Ok(3), UNIX_EPOCH);
    assert_eq!(process.info().organizations[0].failure, None);
    let failed = exposition(&process);
    for line in [
        "cloudaudit_exporter_config_last_reload_successful 0",
        "cloudaudit_exporter_config_last_reload_success_timestamp_seconds 1.5",
        "cloudaudit_exporter_config_hash 281474976710655",
    ] {
        assert!(failed.lines().any(|it| it == line), "{line} in {failed}");
    }

    let whole = scene.publisher.exposition(false, &own, scene.now).concat();
    let whole = String::from_utf8(whole).unwrap();
    assert!(whole.ends_with(&own));
    let types: Vec<&str> = whole
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let distinct: BTreeSet<&str> = types.iter().copied().collect();
    assert_eq!(types.len(), distinct.len(), "{types:?}");
}
