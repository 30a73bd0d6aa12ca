//! A state file that revision e630460 wrote. Every later exporter must load it.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{ChangeKind, Report, Status, StorageType, TargetReport};
use cloudaudit_exporter::state::{Saved, StateFile, decode};
use tokio::time::Instant;

const FILE: &str = "tests/unit/state/golden/version-1.json";

/// 123,456,789 nanoseconds are kept exactly.
const WRITTEN: Duration = Duration::new(1_795_428_000, 123_456_789);

fn content() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap()
}

fn now() -> Moment {
    Moment {
        wall: UNIX_EPOCH + WRITTEN + Duration::from_mins(1),
        steady: Instant::now(),
    }
}

fn loaded() -> Saved {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    fs::write(&path, content()).unwrap();
    let (_, loaded) = StateFile::<Saved>::open(path, now().wall);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    loaded.value.unwrap()
}

fn target<'a>(report: &'a Report, region: &str) -> &'a TargetReport {
    let mut targets = report.targets.iter();
    targets.find(|target| target.region == region).unwrap()
}

#[test]
fn a_file_of_version_1_is_loaded_in_full() {
    let now = now();
    let written = UNIX_EPOCH + WRITTEN;
    let reports = loaded().into_reports(now);
    assert_eq!(
        reports.keys().collect::<Vec<_>>(),
        ["member-100000000002", "prod"]
    );

    let prod = &reports["prod"];
    assert_eq!(prod.evidence.observed, Duration::new(7_200, 5));
    assert_eq!(prod.evidence.covered, Duration::new(3_600, 1));
    let latest = prod.evidence.latest.unwrap();
    assert_eq!((latest.at.wall, latest.was_covered), (written, true));
    assert_eq!(prod.account.member, None);

    let listed = target(prod, "ap-guangzhou");
    let poll = listed.last_poll.unwrap();
    assert_eq!((poll.at, poll.took), (written, Duration::from_millis(120)));
    assert_eq!(listed.failure, None);
    let good = listed.last_good.as_ref().unwrap();
    assert_eq!((good.at, good.is_complete), (written, true));
    assert_eq!(good.listing.reported, 4);
    let tracks = good.listing.tracks.iter();
    let tracks: Vec<_> = tracks
        .map(|it| (it.id, &*it.name, it.status, &*it.storage.kind, it.created))
        .collect();
    assert_eq!(
        tracks,
        [
            (1, "all", Status::Enabled, "cos", Some(1_610_606_618)),
            (2, "审计", Status::Disabled, "cls", None),
            (3, "odd \"name\"", Status::Unknown, "", Some(-1)),
        ]
    );
    let whole = &good.listing.tracks[1];
    assert_eq!(whole.action_type, "Write");
    assert_eq!(whole.resource_type, "cam");
    assert_eq!(whole.event_names, ["CreateUser", "DeleteUser"]);
    assert_eq!(whole.storage.region, "eu-frankfurt");
    assert_eq!(whole.storage.name, "topic");
    assert_eq!(whole.storage.prefix, "");
    assert_eq!(whole.storage.account, "100000000009");
    let dropped = good.listing.dropped[0];
    assert_eq!(
        (dropped.id, dropped.status, dropped.storage_type),
        (9, Status::Enabled, StorageType::Ckafka)
    );
    let times = &listed.past.changes[&2];
    assert_eq!(times.name, "审计");
    let at = |change: ChangeKind| times.at[change];
    assert_eq!(
        at(ChangeKind::Created),
        Some(written - Duration::from_secs(5))
    );
    assert_eq!(at(ChangeKind::Vanished), None);
    assert_eq!(
        at(ChangeKind::Enabled),
        Some(written - Duration::from_secs(4))
    );
    assert_eq!(
        at(ChangeKind::Disabled),
        Some(written - Duration::from_secs(3))
    );
    assert_eq!(
        at(ChangeKind::Modified),
        Some(written - Duration::from_secs(2))
    );
    let tombstone = &listed.past.tombstones[&4];
    assert_eq!((&*tombstone.name, tombstone.at), ("gone", written));

    let failing = target(prod, "ap-singapore");
    let failure = Failure {
        request_id: Some("7c1b2f0e".to_owned()),
        ..Failure::with_code(Reason::Unauthorized, "AuthFailure", "not\\nallowed")
    };
    assert_eq!(failing.failure, Some(failure));
    let good = failing.last_good.as_ref().unwrap();
    assert!(!good.is_complete, "incomplete polls have updated it");
    assert_eq!(failing.unproven[&5].name, "perhaps");

    let member = &reports["member-100000000002"];
    assert_eq!(member.account.organization, "group");
    let known = member.account.member.as_ref().unwrap();
    assert_eq!(
        (&*known.uin, &*known.name, &*known.node),
        ("100000000002", "member", "finance")
    );
    assert_eq!(known.tags["env"], "prod");
    assert!(target(member, "ap-guangzhou").last_good.is_none());
}

/// An exporter that is rolled back must be able to load the file of a newer one.
#[test]
fn what_is_loaded_is_written_in_the_same_format() {
    let content = content();
    let payload = decode(&content).unwrap();
    let before: serde_json::Value = serde_json::from_slice(payload).unwrap();
    let after = serde_json::to_value(loaded()).unwrap();
    assert_eq!(after, before);
}
