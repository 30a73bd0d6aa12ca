//! Unchanged, changed and removed accounts, and the state that each keeps.

use std::time::Duration;

use tokio::time::{advance, sleep};

use super::world::{A_MOMENT, World};

const TWO: &str = "{
    one: {regions: [ap-tokyo, ap-seoul], credentials: {secret_id: id-one, secret_key: k}},
    two: {regions: [ap-tokyo], credentials: {secret_id: id-two, secret_key: k}}}";

#[tokio::test(start_paused = true)]
async fn an_unchanged_account_is_not_disturbed() {
    let mut world = World::with(TWO);
    sleep(A_MOMENT + Duration::from_mins(5)).await;
    world.observer.forget();
    world
        .load(&TWO.replace(
            "regions: [ap-tokyo],",
            "interval: 30s, regions: [ap-tokyo],",
        ))
        .unwrap();
    assert_eq!(world.observer.times("one").len(), 0);
    assert_eq!(
        world.observer.times("two").len(),
        1,
        "published immediately"
    );
    sleep(Duration::from_mins(5)).await;

    let times = world.cloud.calls("id-one", "ap-tokyo");
    let gaps: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        gaps[1..].iter().all(|gap| *gap == Duration::from_mins(1)),
        "{gaps:?}"
    );
    assert_eq!(world.target("one", "ap-tokyo").counters.skipped, 0);
    assert_eq!(
        world.target("two", "ap-tokyo").interval,
        Duration::from_secs(30)
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_finishes_polls_of_unchanged_accounts_and_drops_those_of_changed_ones() {
    let mut world = World::with(TWO);
    // Both first polls have been sent but not answered.
    sleep(Duration::from_millis(25)).await;
    assert_eq!(world.cloud.all_calls("id-two").len(), 1);
    let late = TWO.replace(
        "regions: [ap-tokyo],",
        "labels: {team: new}, regions: [ap-tokyo],",
    );
    world.cloud.silence("ap-tokyo");
    world.load(&late).unwrap();
    sleep(A_MOMENT).await;
    assert_eq!(world.target("one", "ap-tokyo").counters.polls, 1);
    assert_eq!(
        world.target("two", "ap-tokyo").counters.polls,
        0,
        "it was dropped"
    );
    let two = world.observer.last("two");
    assert_eq!(two.account.labels["team"], "new");
    // Both the dropped poll and the next poll sent their call.
    assert_eq!(two.targets[0].counters.skipped, 0);
    sleep(Duration::from_mins(1)).await;
    let sent = world.cloud.all_calls("id-two").len() as u64;
    let two = world.observer.last("two");
    assert_eq!(two.api.requests["DescribeAuditTracks"], sent);
    assert!(sent >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_changed_account_keeps_its_state() {
    for change in [
        "interval: 30s, ",
        "labels: {team: new}, ",
        "rate_limit: {requests_per_second: 5}, ",
        "regions: [ap-tokyo], credentials: {secret_id: id-new, secret_key: k}} #",
        "regions: [ap-tokyo], credentials: {secret_id: id-two, secret_key: new}} #",
    ] {
        let mut world = World::with(TWO);
        sleep(Duration::from_mins(10)).await;
        let before = world.target("two", "ap-tokyo");
        let account = world.observer.last("two");
        world.observer.forget();
        let config = TWO.replace("two: {", &format!("two: {{{change}"));
        let config = if change.ends_with('#') {
            config.split('#').next().unwrap().to_owned() + "}"
        } else {
            config
        };
        world.reload(&config).await;

        let after = world.target("two", "ap-tokyo");
        assert_eq!(after.counters, before.counters, "{change}");
        let good = |report: &cloudaudit_exporter::snapshot::TargetReport| {
            let good = report.last_good.clone().unwrap();
            (good.at, good.listing)
        };
        assert_eq!(good(&after), good(&before), "{change}");
        assert_eq!(after.last_poll, before.last_poll, "{change}");
        let report = world.observer.last("two");
        assert_eq!(report.api, account.api, "{change}");
        let same_key = report.credentials_changed == account.credentials_changed;
        assert_eq!(same_key, !change.contains("secret"), "{change}");

        sleep(A_MOMENT).await;
        let after = world.target("two", "ap-tokyo");
        assert_eq!(after.counters.polls, before.counters.polls + 1, "{change}");
        assert_eq!(after.counters.changes.into_array(), [0; 5], "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removed_region_drops_only_itself_and_a_new_one_starts_empty() {
    let mut world = World::with(TWO);
    sleep(Duration::from_mins(5)).await;
    let before = world.target("one", "ap-seoul");
    world
        .load(&TWO.replace(
            "regions: [ap-tokyo, ap-seoul]",
            "regions: [ap-mumbai, ap-seoul]",
        ))
        .unwrap();
    let report = world.observer.last("one");
    let regions: Vec<&str> = report.targets.iter().map(|it| it.region.as_str()).collect();
    assert_eq!(regions, ["ap-mumbai", "ap-seoul"]);
    assert_eq!(report.targets[1].counters, before.counters);
    assert!(report.targets[1].last_good.is_some());
    assert!(report.targets[0].last_good.is_none());
    assert_eq!(report.targets[0].counters.polls, 0);
    assert_eq!(world.observer.withdrawn(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_removed_account_is_withdrawn_immediately_and_publishes_nothing_more() {
    let mut world = World::with(TWO);
    sleep(Duration::from_millis(25)).await;
    assert_eq!(
        world.cloud.all_calls("id-two").len(),
        1,
        "a poll is in flight"
    );
    world
        .load("{one: {regions: [ap-tokyo, ap-seoul], credentials: {secret_id: id-one, secret_key: k}}}")
        .unwrap();
    assert_eq!(world.observer.withdrawn(), ["two"]);
    let published = world.observer.times("two").len();
    sleep(Duration::from_mins(10)).await;
    assert_eq!(world.observer.times("two").len(), published);
    assert_eq!(world.cloud.all_calls("id-two").len(), 1);
    assert_eq!(
        world.observer.healthy(),
        Ok(()),
        "its heartbeat is unregistered"
    );

    world.load(TWO).unwrap();
    let again = world.target("two", "ap-tokyo");
    assert!(again.last_poll.is_none(), "it starts empty: {again:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unusable_configuration_changes_nothing() {
    let mut world = World::with(TWO);
    sleep(Duration::from_mins(5)).await;
    world.observer.forget();
    // The last account to be prepared has an endpoint without a transport.
    let wrong = "{
        one: {regions: [ap-jakarta], credentials: {secret_id: id-nine, secret_key: k}},
        far: {endpoint: example.com, credentials: {secret_id: id-far, secret_key: k}}}";
    let refused = world.load(wrong).unwrap_err();
    assert!(refused.contains("no HTTPS transport"), "{refused}");
    sleep(Duration::from_mins(5)).await;
    assert_eq!(world.cloud.all_calls("id-nine"), []);
    assert_eq!(world.observer.withdrawn(), [""; 0]);
    for (account, secret_id) in [("one", "id-one"), ("two", "id-two")] {
        let times = world.cloud.calls(secret_id, "ap-tokyo");
        let gaps: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(
            gaps[1..].iter().all(|gap| *gap == Duration::from_mins(1)),
            "{account}: {gaps:?}"
        );
        assert!(times.len() >= 10, "{account}: {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn first_polls_after_a_reload_do_not_burst() {
    let accounts = |label: &str| {
        let account = |number| {
            format!(
                "a{number}: {{labels: {{team: {label}}}, credentials: {{secret_id: id-{number}, secret_key: k}}}}"
            )
        };
        let accounts: Vec<String> = (0..100).map(account).collect();
        format!("{{{}}}", accounts.join(", "))
    };
    let mut world = World::with(&accounts("old"));
    sleep(Duration::from_mins(5)).await;
    let reloaded = tokio::time::Instant::now();
    world.load(&accounts("new")).unwrap();
    advance(Duration::ZERO).await;
    sleep(Duration::from_secs(3)).await;
    let mut first: Vec<_> = (0..100)
        .map(|number| {
            let calls = world.cloud.all_calls(&format!("id-{number}"));
            *calls.iter().find(|at| **at >= reloaded).unwrap()
        })
        .collect();
    first.sort();
    let gaps: Vec<Duration> = first.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        gaps.iter().all(|gap| *gap >= Duration::from_millis(19)),
        "{gaps:?}"
    );
}
