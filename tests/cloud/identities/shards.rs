//! An organization whose members are divided among shards. Each shard lists all members.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::shard::Shard;
use cloudaudit_exporter::sim::{Fault, Track, World};
use cloudaudit_exporter::state::Saved;
use futures_util::future::join_all;

use super::organization::{config, organization};
use super::stage::{HOME, ID, Stage, noon};

const SHARDS: u32 = 8;
const MEMBERS: u64 = 400;

/// The request rate of one process.
const PER_SECOND: usize = 10;

fn stages(world: &World, config: &str) -> Vec<Stage> {
    let stage = |ordinal| {
        let mut stage = Stage::new(world, &[]);
        stage.shard = Shard::new(ordinal, SHARDS).unwrap();
        stage.load(config);
        stage
    };
    (0..SHARDS).map(stage).collect()
}

async fn pass(stages: &mut [Stage], time: Duration) {
    join_all(stages.iter_mut().map(|stage| stage.pass(time))).await;
}

/// Returns when each refresh of the member list began, in seconds since the world began.
fn refreshes(world: &World) -> Vec<u64> {
    let calls = world.calls().into_iter();
    let calls = calls.filter(|call| call.action == "DescribeOrganizationMembers");
    let first = calls.filter(|call| call.page == Some(1));
    let seconds = first.map(|call| call.at.duration_since(noon()).unwrap().as_secs());
    seconds.collect()
}

#[tokio::test(start_paused = true)]
async fn eight_shards_keep_the_rate_of_one_and_divide_the_members_exactly() {
    let world = organization(MEMBERS);
    let home = world.account(HOME).unwrap();
    home.create(Track::new(1, "for all"));
    home.set_for_all_members(1, true).unwrap();
    let config = format!(
        "poll: {{details_interval: 1h, interval: 1h, stale_after: 2h}}\n{}",
        config("")
    );
    let mut stages = stages(&world, &config);
    pass(&mut stages, Duration::from_mins(2)).await;
    let shown = stages.iter().map(|stage| stage.shown.accounts());
    let mut all: Vec<String> = shown.flatten().collect();
    all.sort();
    let expected: Vec<String> = (1..=MEMBERS)
        .map(|n| (200_000_000_000 + n).to_string())
        .collect();
    assert_eq!(all, expected, "each member belongs to one shard");
    // Every shard requests the coverage from the admin account.
    for report in stages.iter().flat_map(|stage| stage.shown.reports()) {
        assert_eq!(report.overviews[0].totals.covered, Some(true));
    }

    let peak = |action| world.peak_of(action, ID);
    assert!(peak("DescribeOrganizationMembers") <= PER_SECOND);
    assert!(
        peak("DescribeAuditTracks") <= PER_SECOND,
        "of the admin account"
    );
    assert!(peak("AssumeRole") <= 100);
    let refused: Vec<_> = world
        .calls()
        .into_iter()
        .filter(|call| call.refused.is_some())
        .collect();
    assert!(refused.is_empty(), "{refused:?}");

    // At startup, the shards refresh within seconds of each other. Later, each refreshes in its
    // eighth of an hour.
    assert_eq!(refreshes(&world).len(), SHARDS as usize);
    pass(&mut stages, Duration::from_hours(2)).await;
    let seconds = refreshes(&world);
    let eighth = 3600 / u64::from(SHARDS);
    for (place, second) in seconds.iter().enumerate() {
        let turn = (place as u64).saturating_sub(u64::from(SHARDS) - 1) * eighth;
        assert!(
            second.abs_diff(turn) < 15,
            "{place}: {second} s, not {turn} s"
        );
    }
    assert!(seconds.len() > 2 * SHARDS as usize);
}

/// A shard restores only its own members, and two members with one name may belong to two shards.
#[tokio::test(start_paused = true)]
async fn a_restart_keeps_account_names_unique_across_shards() {
    let world = organization(MEMBERS);
    let home = world.account(HOME).unwrap();
    let named = config("    account_label: name\n");
    let is_of = |ordinal, uin: &u64| {
        let shard = Shard::new(ordinal, SHARDS).unwrap();
        shard.owns(&format!("qcs::cam::uin/{uin}:roleName/audit-reader"))
    };
    let uins = 200_000_000_001..=200_000_000_000 + MEMBERS;
    let twin = |ordinal| uins.clone().find(|uin| is_of(ordinal, uin)).unwrap();
    let twins = [twin(0), twin(1)];
    for uin in twins {
        home.change_member(uin, |member| member.name("twin"))
            .unwrap();
    }
    let mut stages = stages(&world, &named);
    pass(&mut stages, Duration::from_mins(2)).await;
    for (stage, uin) in stages.iter().zip(twins) {
        let mut twins = stage.shown.accounts();
        twins.retain(|account| account.starts_with("twin"));
        assert_eq!(twins, [format!("twin-{uin}")]);
    }

    let reports = stages[0].shown.reports().into_iter().map(Arc::new);
    let saved = Saved::from_reports(&reports.collect::<Vec<_>>());
    let known = stages[0].shown.accounts();
    drop(stages);
    let fault = Fault::internal_error().action("DescribeOrganizationMembers");
    let fault = world.inject(fault.until_cleared());
    let mut stage = Stage::new(&world, &[]);
    stage.shard = Shard::new(0, SHARDS).unwrap();
    stage
        .fleet
        .restore(saved.into_reports(Clock::virtual_at(noon()).now()));
    stage.load(&named);
    stage.pass(Duration::from_mins(1)).await;
    assert_eq!(stage.shown.accounts(), known);

    // The first successful refresh overrides the state file.
    world.clear(fault);
    home.change_member(twins[1], |member| member.name("other"))
        .unwrap();
    stage.pass(Duration::from_mins(30)).await;
    assert!(stage.shown.accounts().contains(&"twin".to_owned()));
}
