//! An organization, from the configuration file to the metrics.

use std::fs;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Fault, Identity, Role, Track, World};
use tempfile::TempDir;

use crate::cloud::{Cloud, loopback};
use crate::support::exporter::{Exporter, PATIENCE};

const ADMIN: &str = "100000000001";

#[tokio::test(flavor = "multi_thread")]
async fn readiness_waits_for_members_and_metrics_count_them() {
    let world = World::new(SystemTime::now());
    let admin = world.add_account(ADMIN);
    admin.add_identity(Identity::permanent("AKIDadmin", "admin-key"));
    let role = Role::new("audit-reader").trusts_account(ADMIN);
    admin.create_organization(3, &role, &[Track::new(7, "audit")]);
    let fault = Fault::internal_error().action("DescribeOrganizationMembers");
    let fault = world.inject(fault.until_cleared());
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    let config = format!(
        "endpoint: http://{}\npoll: {{interval: 1s, timeout: 1s}}\norganizations:\n  main:\n    role_name: audit-reader\n    \
         refresh: 1h\n    credentials: {{secret_id: AKIDadmin, secret_key: admin-key}}\n",
        cloud.address
    );
    fs::write(&file, config).unwrap();
    let exporter = Exporter::start(Some(&file), &[]);
    let samples = exporter
        .metrics_when("the failed refresh is reported", |samples| {
            samples.values("cloudaudit_organization_up", &[]) == [0.0]
                && exporter.log().contains("cannot list the members")
        })
        .await;
    assert_eq!(
        samples.values("cloudaudit_organization_members", &[]),
        [0.0; 0]
    );
    assert_eq!(
        samples.values(
            "cloudaudit_organization_last_success_timestamp_seconds",
            &[]
        ),
        [0.0]
    );
    let (status, reasons) = exporter.get("/-/ready").await;
    assert_eq!(status, 503);
    assert!(
        reasons.contains("organization main: its members are not known yet"),
        "{reasons}"
    );

    world.clear(fault);
    let samples = exporter
        .metrics_when("its members are polled", |samples| {
            samples.sum("cloudaudit_up", &[]) == 3.0
        })
        .await;
    assert_eq!(
        samples.values("cloudaudit_organization_members", &[]),
        [3.0]
    );
    assert_eq!(samples.values("cloudaudit_organization_up", &[]), [1.0]);
    assert_eq!(
        samples.values("cloudaudit_organization_refresh_interval_seconds", &[]),
        [3600.0]
    );
    assert_eq!(samples.sum("cloudaudit_exporter_targets", &[]), 3.0);
    let began = std::time::Instant::now();
    while exporter.get("/-/ready").await.0 != 200 {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // Removing the organization from the file removes its members, too.
    let config = format!(
        "endpoint: http://{}\naccounts: {{home: {{credentials: {{secret_id: AKIDadmin, secret_key: admin-key}}}}}}\n",
        cloud.address
    );
    fs::write(&file, config).unwrap();
    exporter.signal("HUP");
    let samples = exporter
        .metrics_when("the organisation is gone", |samples| {
            samples.values("cloudaudit_organization_up", &[]).is_empty()
        })
        .await;
    assert_eq!(samples.values("cloudaudit_up", &[]).len(), 1);
    assert_eq!(samples.sum("cloudaudit_exporter_targets", &[]), 1.0);
}
