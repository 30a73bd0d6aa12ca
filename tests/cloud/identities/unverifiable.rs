//! Roles whose keys cannot be verified, because STS denies the call.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Role};

use super::organization::{config, organization};
use super::stage::{HOME, ID, KEY, Stage, world};

/// Error codes of STS, or of a gateway, for a call that is never allowed.
const DENIED: [&str; 5] = [
    "UnauthorizedOperation",
    "AuthFailure.UnauthorizedOperation",
    "InvalidAction",
    "UnsupportedOperation",
    "InvalidParameter",
];

fn refused(code: &str) -> Fault {
    let fault = Fault::error(code, "sts:GetCallerIdentity is not allowed");
    fault.action("GetCallerIdentity").until_cleared()
}

fn role(world: &cloudaudit_exporter::sim::World, uin: &str) -> String {
    let account = world.account(HOME).unwrap();
    account.add_role(Role::new("reader").trusts_account(HOME));
    let arn = account.role_arn("reader");
    format!(
        "{{{uin}credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{arn}'}}}}"
    )
}

#[tokio::test(start_paused = true)]
async fn a_role_without_the_permission_polls_and_tries_to_verify_once() {
    for code in DENIED {
        let world = world();
        world.inject(refused(code));
        let mut stage = Stage::of(&world, &[], &role(&world, ""));
        stage.pass(std::time::Duration::from_mins(10)).await;
        assert_eq!(stage.tracks().await, [1], "{code}");
        assert_eq!(world.call_count_of("GetCallerIdentity"), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_configured_uin_requires_the_permission() {
    for code in DENIED {
        let world = world();
        world.inject(refused(code));
        let account = role(&world, &format!("uin: '{HOME}', "));
        let mut stage = Stage::of(&world, &[], &account);
        assert!(
            stage.failure().await.message.starts_with("not polled"),
            "{code}"
        );
        assert_eq!(world.call_count_of("DescribeAuditTracks"), 0, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_not_a_denial() {
    let world = world();
    let fault = world.inject(refused("InternalError"));
    let mut stage = Stage::of(&world, &[], &role(&world, ""));
    assert_eq!(stage.failure().await.reason, Reason::Unavailable);
    assert_eq!(world.call_count_of("DescribeAuditTracks"), 0);
    world.clear(fault);
    stage.pass(std::time::Duration::from_mins(2)).await;
    assert_eq!(stage.tracks().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn members_without_the_permission_are_polled() {
    let world = organization(3);
    world.inject(refused("UnauthorizedOperation"));
    let mut stage = Stage::with(&world, &[], &config(""));
    stage.pass(std::time::Duration::from_mins(2)).await;
    let reports = stage.shown.reports();
    assert_eq!(reports.len(), 3);
    assert!(
        reports
            .iter()
            .all(|report| report.targets[0].last_good.is_some())
    );
    assert_eq!(world.call_count_of("GetCallerIdentity"), 3);
}
