//! Keys that expire or change while accounts are polled.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Identity, Role};

use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

/// Polls three accounts for a day: one with the machine role, whose metadata service fails every
/// third call, one that assumes a two-hour role with it, and one whose key files rotate every hour.
#[tokio::test(start_paused = true)]
async fn no_poll_lacks_a_key_for_a_day() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.add_role(Role::new("monitor"));
    world.bind_machine(HOME, "monitor");
    let away = world.account(AWAY).unwrap();
    away.add_role(Role::new("reader").trusts_account(HOME));
    world.inject(
        Fault::bad_gateway()
            .action("metadata")
            .every(3)
            .until_cleared(),
    );
    let mut stage = Stage::new(&world, &[]);
    stage.write("id", ID);
    stage.write("key", KEY);
    stage.load(&format!(
        "accounts:\n  machine: {{credentials: {{cvm_role: {{}}}}}}\n  \
         role: {{credentials: {{cvm_role: {{}}}}, assume_role: {{arn: '{}', duration: 2h}}}}\n  \
         files: {{credentials: {{secret_id_file: id, secret_key_file: key}}}}",
        away.role_arn("reader")
    ));
    let mut old = ID.to_owned();
    for hour in 0..24 {
        stage.pass(Duration::from_mins(59)).await;
        let (id, key) = (format!("AKID{hour}"), format!("key-{hour}"));
        home.add_identity(Identity::permanent(&id, &key));
        stage.write("id", &id);
        stage.write("key", &key);
        stage.pass(Duration::from_mins(1)).await;
        home.remove_identity(&old).unwrap();
        old = id;
    }
    assert_eq!(stage.shown.without_credentials(), []);
    let renewals = |account| stage.shown.last(account).renewals.unwrap();
    assert!(
        renewals("machine").refreshes >= 12,
        "{:?}",
        renewals("machine")
    );
    assert!(renewals("role").refreshes >= 14, "{:?}", renewals("role"));
    assert_eq!(renewals("files").refreshes, 25);
}

#[tokio::test(start_paused = true)]
async fn a_short_role_is_renewed_a_hundred_times() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_role(Role::new("reader").trusts_account(HOME));
    world.set_max_role_duration(Duration::from_mins(10));
    let account = format!(
        "{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{}'}}}}",
        away.role_arn("reader")
    );
    let mut stage = Stage::of(&world, &[], &account);
    stage.pass(Duration::from_hours(9)).await;
    let renewals = stage.shown.last("prod").renewals.unwrap();
    assert!((100..=150).contains(&renewals.refreshes), "{renewals:?}");
    assert_eq!(stage.shown.without_credentials(), []);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_key_is_refreshed_within_the_poll() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_role(Role::new("reader").trusts_account(HOME));
    let account = format!(
        "{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{}'}}}}",
        away.role_arn("reader")
    );
    let mut stage = Stage::of(&world, &[], &account);
    stage.pass(Duration::from_mins(5)).await;
    for code in ["AuthFailure.TokenFailure", "AuthFailure.SecretIdNotFound"] {
        let before = world.call_count_of("AssumeRole");
        world.inject(Fault::error(code, "it has ended").action("DescribeAuditTracks"));
        stage.pass(Duration::from_mins(2)).await;
        assert_eq!(world.pending_faults(), 0);
        assert_eq!(world.call_count_of("AssumeRole"), before + 1, "{code}");
        assert_eq!(stage.shown.without_credentials(), [], "{code}");
    }
    // A key that is always rejected is refreshed once per poll, and the poll fails.
    let before = world.call_count_of("AssumeRole");
    let fault = Fault::error("AuthFailure.TokenFailure", "it has ended");
    world.inject(fault.action("DescribeAuditTracks").until_cleared());
    stage.pass(Duration::from_mins(10)).await;
    let renewed = world.call_count_of("AssumeRole") - before;
    assert!((9..=11).contains(&renewed), "{renewed}");
    assert!(!stage.shown.without_credentials().is_empty());
}
