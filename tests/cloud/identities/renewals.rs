//! Keys that end under way.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Identity, Role};

use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

/// A day of an account with the machine's role whose metadata service fails a third of the time,
/// one with a role of two hours on top of it, and one with files that rotate every hour.
#[tokio::test(start_paused = true)]
async fn a_day_without_a_poll_that_lacks_a_key() {
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
async fn a_hundred_renewals_of_a_short_role() {
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
async fn a_key_that_the_cloud_forgets_is_renewed_within_the_poll() {
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
    // A key that is refused again and again is renewed once for each poll, and the poll fails.
    let before = world.call_count_of("AssumeRole");
    let fault = Fault::error("AuthFailure.TokenFailure", "it has ended");
    world.inject(fault.action("DescribeAuditTracks").until_cleared());
    stage.pass(Duration::from_mins(10)).await;
    let renewed = world.call_count_of("AssumeRole") - before;
    assert!((9..=11).contains(&renewed), "{renewed}");
    assert!(!stage.shown.without_credentials().is_empty());
}
