//! Accounts discovered through an organization.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::sim::{Fault, Identity, Member, Role, Track, World};
use cloudaudit_exporter::state::Saved;
use tokio::time::Instant;

use super::stage::{HOME, ID, KEY, Stage, noon, tracks};

/// Creates an organization administered by the first account. Each member has the role
/// `audit-reader` and track 7.
pub fn organization(members: u64) -> World {
    let world = World::new(noon());
    let home = world.add_account(HOME);
    home.add_identity(Identity::permanent(ID, KEY));
    let role = Role::new("audit-reader").trusts_account(HOME);
    home.create_organization(members, &role, &[Track::new(7, "audit")]);
    world
}

pub fn config(more: &str) -> String {
    format!(
        "organizations:\n  main:\n    role_name: audit-reader\n    refresh: 1h\n    \
         credentials: {{secret_id: {ID}, secret_key: {KEY}}}\n{more}"
    )
}

fn members(world: &World) -> Vec<String> {
    let arrived = world.calls();
    let mut uins: Vec<String> = arrived
        .iter()
        .filter(|call| call.action == "DescribeAuditTracks")
        .filter_map(|call| call.uin.clone())
        .collect();
    uins.sort();
    uins.dedup();
    uins
}

#[tokio::test(start_paused = true)]
async fn members_are_polled_under_their_uin_with_a_role_each() {
    let world = organization(3);
    let mut stage = Stage::with(&world, &[], &config(""));
    stage.pass(Duration::from_secs(10)).await;
    let polled = members(&world);
    assert_eq!((polled.len(), stage.shown.accounts()), (3, polled.clone()));
    assert_eq!(world.call_count_of("AssumeRole"), 3);
    for report in stage.shown.reports() {
        assert_eq!(tracks(&report), [7]);
        let account = &report.account;
        assert_eq!((&account.uin, &account.name), (&account.name, &account.uin));
        assert_eq!(
            (account.organization.as_str(), account.provider),
            ("main", "assume_role")
        );
    }
    assert_eq!(stage.shown.refreshes(), [("main".to_owned(), Some(3))]);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_adds_new_members_and_removes_former_ones() {
    let world = organization(3);
    let home = world.account(HOME).unwrap();
    let mut stage = Stage::with(&world, &[], &config(""));
    stage.pass(Duration::from_mins(1)).await;
    let before = stage.shown.accounts();
    let gone: u64 = before[0].parse().unwrap();
    home.remove_member(gone).unwrap();
    home.add_member(Member::new(299_999_999_999, "new"));
    stage.pass(Duration::from_mins(58)).await;
    assert_eq!(
        stage.shown.accounts(),
        before,
        "not before the next refresh"
    );
    stage.pass(Duration::from_mins(2)).await;
    let expected = [&before[1], &before[2], "299999999999"];
    assert_eq!(stage.shown.accounts(), expected);

    // A failed refresh changes nothing, and is retried before the next one is due.
    let fault = Fault::internal_error().action("DescribeOrganizationMembers");
    let fault = world.inject(fault.until_cleared());
    home.remove_member(before[1].parse().unwrap()).unwrap();
    stage.pass(Duration::from_mins(61)).await;
    assert_eq!(stage.shown.accounts(), expected);
    assert_eq!(stage.shown.refreshes().last().unwrap().1, None);
    world.clear(fault);
    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(stage.shown.accounts(), expected[1..]);
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_member_list_is_discarded() {
    let world = organization(120);
    let mut stage = Stage::with(&world, &[], &config(""));
    stage.pass(Duration::from_mins(1)).await;
    assert_eq!(stage.shown.accounts().len(), 120);
    let fault = Fault::edit(|answer| {
        answer["Response"]["Items"] = serde_json::json!([]);
    });
    world.inject(
        fault
            .action("DescribeOrganizationMembers")
            .page(2)
            .until_cleared(),
    );
    stage.pass(Duration::from_mins(90)).await;
    assert_eq!(stage.shown.accounts().len(), 120);
    assert_eq!(stage.shown.refreshes().last().unwrap().1, None);
}

#[tokio::test(start_paused = true)]
async fn members_are_selected_and_labeled_by_name_tag_and_glob() {
    let world = organization(0);
    let home = world.account(HOME).unwrap();
    let role = Role::new("audit-reader").trusts_account(HOME);
    let member = |uin: u64, name: &str, node: &str, team: &str| {
        world.add_account(&uin.to_string()).add_role(role.clone());
        Member::new(uin, name)
            .node(1, node)
            .tags([("team", team), ("cost", "1")])
    };
    home.set_members(vec![
        member(201, "支付平台", "prod", "payments"),
        member(202, "twin", "prod", "a"),
        member(203, "twin", "prod", "b"),
        member(204, "sandbox-1", "prod", "c"),
        member(205, "office", "corp", "d"),
        member(206, "", "prod", "e"),
    ]);
    let more = "    account_label: name\n    member_tag_labels: [team]\n    include: [prod, '205']\n    exclude: ['sandbox-*']\n    \
                labels: {env: prod}\n";
    let mut stage = Stage::with(&world, &[], &config(more));
    stage.pass(Duration::from_mins(1)).await;
    let expected = ["206", "office", "twin-202", "twin-203", "支付平台"];
    assert_eq!(stage.shown.accounts(), expected);
    let labels = &stage.shown.last("支付平台").account.labels;
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        *labels,
        BTreeMap::from([own("env", "prod"), own("team", "payments")])
    );
}

#[tokio::test(start_paused = true)]
async fn an_organization_track_covers_its_members() {
    let world = organization(2);
    for uin in ["200000000001", "200000000002"] {
        world.account(uin).unwrap().delete(7).unwrap();
    }
    let home = world.account(HOME).unwrap();
    home.create(Track::new(1, "for all"));
    home.set_for_all_members(1, true).unwrap();
    let details = "poll: {details_interval: 1h}\n";
    let mut stage = Stage::with(&world, &[], &format!("{details}{}", config("")));
    stage.pass(Duration::from_mins(3)).await;
    let covered = |stage: &Stage| {
        let now = stage.clock.now();
        let reports = stage.shown.reports();
        let shown = reports.iter().map(|report| {
            let mut overviews = report.overviews.iter();
            overviews
                .find(|it| it.is_of(now))
                .and_then(|it| it.totals.covered)
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(covered(&stage), [Some(true); 2]);

    home.set_status(1, 0).unwrap();
    stage.pass(Duration::from_mins(62)).await;
    assert_eq!(covered(&stage), [Some(false); 2]);
    home.set_status(1, 1).unwrap();
    stage.pass(Duration::from_hours(1)).await;
    assert_eq!(covered(&stage), [Some(true); 2]);
    // An observation counts for four refreshes; after that, coverage is unknown.
    let fault = Fault::internal_error().action("DescribeAuditTrack");
    world.inject(fault.until_cleared());
    stage.pass(Duration::from_hours(3)).await;
    assert_eq!(covered(&stage), [Some(true); 2]);
    stage.pass(Duration::from_hours(2)).await;
    assert_eq!(covered(&stage), [None; 2]);
}

#[tokio::test(start_paused = true)]
async fn two_thousand_members_stay_within_rate_limits_and_a_hundred_leave() {
    let world = organization(2_000);
    let home = world.account(HOME).unwrap();
    let began = Instant::now();
    let mut stage = Stage::with(&world, &[], &config("    interval: 5m\n"));
    while stage.shown.accounts().len() < 2_000 {
        stage.pass(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_mins(2));
    }
    stage.pass(Duration::from_mins(2)).await;
    for report in stage.shown.reports() {
        assert_eq!(tracks(&report), [7], "{}", report.account.name);
    }
    assert_eq!(world.call_count_of("AssumeRole"), 2_000);
    assert!(world.peak_of("AssumeRole", ID) <= 100);
    assert!(world.peak_of("DescribeOrganizationMembers", ID) <= 20);
    assert_eq!(world.refused_signatures(), 0);

    for gone in &stage.shown.accounts()[..100] {
        home.remove_member(gone.parse().unwrap()).unwrap();
    }
    stage.pass(Duration::from_mins(61)).await;
    assert_eq!(stage.shown.accounts().len(), 1_900);
}

/// A restart neither waits for an unreachable organization nor drops its members.
#[tokio::test(start_paused = true)]
async fn a_restart_restores_members_from_the_state_file() {
    let world = organization(3);
    let mut stage = Stage::with(&world, &[], &config("    account_label: name\n"));
    stage.pass(Duration::from_mins(2)).await;
    let known = stage.shown.reports();
    assert_eq!(known.len(), 3);
    let reports: Vec<_> = known.into_iter().map(Arc::new).collect();
    let saved = serde_json::to_string(&Saved::from_reports(&reports)).unwrap();
    drop(stage);

    let fault = Fault::internal_error().action("DescribeOrganizationMembers");
    let fault = world.inject(fault.until_cleared());
    let saved: Saved = serde_json::from_str(&saved).unwrap();
    let mut stage = Stage::new(&world, &[]);
    let now = Clock::virtual_at(noon()).now();
    stage.fleet.restore(saved.into_reports(now));
    stage.load(&config("    account_label: name\n"));
    stage.pass(Duration::from_mins(2)).await;
    let expected = ["member-1", "member-2", "member-3"];
    assert_eq!(stage.shown.accounts(), expected);
    for report in stage.shown.reports() {
        assert_eq!(tracks(&report), [7]);
        assert_eq!(report.account.organization, "main");
    }

    // The first successful refresh removes the member that left.
    world.clear(fault);
    let home = world.account(HOME).unwrap();
    home.remove_member(200_000_000_002).unwrap();
    stage.pass(Duration::from_mins(5)).await;
    assert_eq!(stage.shown.accounts(), [expected[0], expected[2]]);
}
