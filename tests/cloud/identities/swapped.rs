//! STS responses that belong to another request.

use std::sync::Mutex;
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Role, Track, World};
use cloudaudit_exporter::snapshot::Report;
use serde_json::Value;

use super::organization::{config, organization};
use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

/// Makes every second response to `AssumeRole` a copy of the response before it.
fn deliver_twice() -> Fault {
    let last = Mutex::new((0_u32, Value::Null));
    let fault = Fault::edit(move |answer| {
        let mut last = last.lock().unwrap();
        last.0 += 1;
        if last.0.is_multiple_of(2) {
            *answer = last.1.clone();
        } else {
            last.1 = answer.clone();
        }
    });
    fault.action("AssumeRole").until_cleared()
}

fn known(report: &Report) -> Vec<u64> {
    let good = report.targets[0].last_good.as_ref();
    let tracks = good.map(|good| good.listing.tracks.iter().map(|track| track.id).collect());
    tracks.unwrap_or_default()
}

fn failed(report: &Report) -> bool {
    let failure = report.targets[0].failure.as_ref();
    if let Some(failure) = failure {
        assert_eq!(failure.reason, Reason::Credentials, "{failure}");
        assert!(
            failure.message.contains("the key belongs to account"),
            "{failure}"
        );
    }
    failure.is_some()
}

fn add_a_track_to_each(world: &World, members: u64) {
    for number in 1..=members {
        let uin = (200_000_000_000 + number).to_string();
        let account = world.account(&uin).unwrap();
        account.create(Track::new(100 + number, "own"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_is_never_polled_with_the_key_of_another() {
    const MEMBERS: u64 = 8;
    let world = organization(MEMBERS);
    add_a_track_to_each(&world, MEMBERS);
    let fault = world.inject(deliver_twice());
    let mut stage = Stage::with(&world, &[], &config(""));
    stage.pass(Duration::from_secs(20)).await;
    let is_its_own = |report: &Report| {
        let number: u64 = report.account.name.parse().unwrap();
        let own = 100 + number - 200_000_000_000;
        known(report).iter().all(|id| *id == 7 || *id == own)
    };
    let reports = stage.shown.reports();
    assert!(reports.iter().all(is_its_own));
    assert!(reports.iter().any(failed), "the fault hit a member");

    // The key of another member is discarded instead of being used until it expires.
    world.clear(fault);
    stage.pass(Duration::from_mins(5)).await;
    let reports = stage.shown.reports();
    assert_eq!(reports.len(), 8);
    assert!(reports.iter().all(is_its_own));
    assert!(!reports.iter().any(failed));
}

#[tokio::test(start_paused = true)]
async fn a_role_is_never_polled_with_the_key_of_another_account() {
    let world = world();
    let role = |uin: &str| {
        let account = world.account(uin).unwrap();
        account.add_role(Role::new("reader").trusts_account(HOME));
        let key = format!("credentials: {{secret_id: {ID}, secret_key: {KEY}}}");
        let arn = account.role_arn("reader");
        format!("{{{key}, assume_role: {{arn: '{arn}'}}}}")
    };
    let accounts = format!("accounts: {{one: {}, two: {}}}", role(HOME), role(AWAY));
    let fault = world.inject(deliver_twice());
    let mut stage = Stage::with(&world, &[], &accounts);
    stage.pass(Duration::from_secs(20)).await;
    let shown = |stage: &Stage, name: &str| known(&stage.shown.last(name));
    let both = (shown(&stage, "one"), shown(&stage, "two"));
    assert!(
        [(vec![1], vec![]), (vec![], vec![2])].contains(&both),
        "{both:?}"
    );
    assert!(stage.shown.reports().iter().any(failed));
    world.clear(fault);
    stage.pass(Duration::from_mins(5)).await;
    assert_eq!(
        (shown(&stage, "one"), shown(&stage, "two")),
        (vec![1], vec![2])
    );
}
