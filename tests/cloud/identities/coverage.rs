//! Coverage of an organization while its admin account is denied, or while its member list changes
//! between pages.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Member, Track};
use cloudaudit_exporter::snapshot::{Evidence, Overview};

use super::organization::{config, organization};
use super::stage::{HOME, ID, Stage};

const MINUTE: Duration = Duration::from_mins(1);

fn overview(stage: &Stage) -> Overview {
    let report = stage.shown.last("200000000001");
    let now = stage.clock.now();
    let shown = report.overviews.iter().find(|it| it.is_of(now));
    shown.expect("it is shown").clone()
}

fn evidence(stage: &Stage) -> Evidence {
    stage.shown.last("200000000001").evidence
}

/// The organization's track is switched off, and from then on the admin account is denied.
#[tokio::test(start_paused = true)]
async fn covered_seconds_stop_at_the_first_failure_and_the_observation_is_dated() {
    for denied in [
        "cloudaudit:DescribeAuditTracks",
        "organization:DescribeOrganizationMembers",
    ] {
        let world = organization(1);
        world.account("200000000001").unwrap().delete(7).unwrap();
        let home = world.account(HOME).unwrap();
        home.create(Track::new(1, "for all"));
        home.set_for_all_members(1, true).unwrap();
        let details = "poll: {details_interval: 1h}\n";
        let mut stage = Stage::with(&world, &[], &format!("{details}{}", config("")));
        stage.pass(10 * MINUTE).await;
        assert_eq!(overview(&stage).totals.covered, Some(true));
        let checked = overview(&stage).coverage_checked.expect("it was checked");
        let before = evidence(&stage);
        assert!(before.covered > 5 * MINUTE, "{before:?}");

        home.set_status(1, 0).unwrap();
        home.deny_action(ID, denied).unwrap();
        // The exporter cannot notice before the next refresh.
        stage.pass(55 * MINUTE).await;
        let failed = evidence(&stage);
        stage.pass(90 * MINUTE).await;
        assert_eq!(
            overview(&stage).totals.covered,
            Some(true),
            "still valid: {denied}"
        );
        assert_eq!(overview(&stage).coverage_checked, Some(checked));
        let after = evidence(&stage);
        assert_eq!(after.covered, failed.covered, "{denied}");
        assert!(after.observed > failed.observed + 80 * MINUTE);

        stage.pass(120 * MINUTE).await;
        assert_eq!(overview(&stage).totals.covered, None, "expired: {denied}");

        home.permit(ID).unwrap();
        stage.pass(60 * MINUTE).await;
        assert_eq!(overview(&stage).totals.covered, Some(false));
        assert!(overview(&stage).coverage_checked > Some(checked));
        assert_eq!(evidence(&stage).covered, failed.covered);
    }
}

/// Until the admin account's tracks are listed, they may or may not cover the members.
#[tokio::test(start_paused = true)]
async fn coverage_is_unknown_until_the_tracks_of_the_admin_account_are_listed() {
    for (details, covered) in [("poll: {details_interval: 1h}\n", None), ("", Some(false))] {
        let world = organization(1);
        world.account("200000000001").unwrap().delete(7).unwrap();
        let home = world.account(HOME).unwrap();
        home.deny_action(ID, "cloudaudit:DescribeAuditTracks")
            .unwrap();
        let mut stage = Stage::with(&world, &[], &format!("{details}{}", config("")));
        stage.pass(10 * MINUTE).await;
        assert_eq!(overview(&stage).totals.covered, covered, "{details}");
    }
}

/// Without `details_interval`, the tracks of the admin account do not count.
#[tokio::test(start_paused = true)]
async fn a_reload_adds_and_removes_the_coverage_by_the_organization() {
    let world = organization(1);
    world.account("200000000001").unwrap().delete(7).unwrap();
    let home = world.account(HOME).unwrap();
    home.create(Track::new(1, "for all"));
    home.set_for_all_members(1, true).unwrap();
    let with_details = format!("poll: {{details_interval: 1h}}\n{}", config(""));
    let mut stage = Stage::with(&world, &[], &config(""));
    for (loaded, covered) in [
        (config(""), Some(false)),
        (with_details.clone(), Some(true)),
        (config(""), Some(false)),
        (with_details, Some(true)),
    ] {
        stage.reload(&loaded).await;
        stage.pass(10 * MINUTE).await;
        assert_eq!(overview(&stage).totals.covered, covered, "{loaded}");
    }
}

/// One member leaves and another joins after the first of two pages was read: a third member moves
/// to the page that was read, and `Total` does not change.
#[tokio::test(start_paused = true)]
async fn a_member_that_moves_to_an_already_read_page_is_kept() {
    let world = organization(60);
    let mut stage = Stage::with(&world, &[], &config(""));
    stage.pass(5 * MINUTE).await;
    let before = stage.shown.accounts();
    assert_eq!(before.len(), 60);
    let change = Fault::afterwards(|home| {
        home.remove_member(200_000_000_001).unwrap();
        home.add_member(Member::new(299_999_999_999, "new"));
    });
    world.inject(change.action("DescribeOrganizationMembers").page(1));
    stage.pass(58 * MINUTE).await;
    let mut expected = before[1..].to_vec();
    expected.push("299999999999".to_owned());
    assert_eq!(stage.shown.accounts(), expected);
}
