//! The accounts that the demo's configuration names, each in a state that an operator will meet.

use std::fmt::Write;

use super::tracks;
use crate::fleet::Environment;
use crate::sim::{Identity, World};

/// The account whose track is disabled and enabled.
pub(super) const PROD: &str = "100000000001";

/// The account whose track is deleted during the outage.
pub(super) const PAYMENTS: &str = "100000000002";

/// The account whose track is deleted, and whose storage changes.
pub(super) const STAGING: &str = "100000000004";

/// The account whose track delivers nothing any more.
pub(super) const LEGACY: &str = "100000000003";

/// The account that manages the organization, and loses its bucket.
pub(super) const PLATFORM: &str = "100000000007";

/// An account of the demo: its UIN in the simulator, and its configuration.
struct DemoAccount {
    uin: &'static str,
    name: &'static str,
    team: &'static str,
    regions: &'static [&'static str],
    expected_tracks: &'static [&'static str],
    /// Whether the exporter searches for the operators of changes.
    attribution: bool,
    /// Whether the exporter checks that operation records arrive.
    delivery: bool,
}

const ACCOUNTS: [DemoAccount; 7] = [
    DemoAccount {
        regions: &["ap-guangzhou", "ap-singapore"],
        expected_tracks: &["audit-all"],
        ..with_operators(PROD, "prod", "core")
    },
    with_operators(PAYMENTS, "payments", "money"),
    with_delivery(LEGACY, "legacy", "core"),
    with_operators(STAGING, "staging", "core"),
    account("100000000005", "empty", "labs"),
    account("100000000006", "denied", "labs"),
    with_delivery(PLATFORM, "platform", "core"),
];

const fn account(uin: &'static str, name: &'static str, team: &'static str) -> DemoAccount {
    DemoAccount {
        uin,
        name,
        team,
        regions: &["ap-guangzhou"],
        expected_tracks: &[],
        attribution: false,
        delivery: false,
    }
}

const fn with_delivery(uin: &'static str, name: &'static str, team: &'static str) -> DemoAccount {
    DemoAccount {
        delivery: true,
        ..account(uin, name, team)
    }
}

const fn with_operators(uin: &'static str, name: &'static str, team: &'static str) -> DemoAccount {
    DemoAccount {
        attribution: true,
        ..account(uin, name, team)
    }
}

/// Adds the accounts to the simulator, with their keys and tracks.
pub(super) fn add_to(world: &World) {
    for demo_account in &ACCOUNTS {
        let account = world.add_account(demo_account.uin);
        let secret_id = demo_account.secret_id();
        account.add_identity(Identity::permanent(&secret_id, &demo_account.secret_key()));
        account.replace(tracks::initial(demo_account.name));
        if demo_account.name == "denied" {
            account
                .deny(&secret_id)
                .expect("the identity was just added");
        }
    }
}

/// Returns the entries below `accounts:` in the configuration file.
pub(super) fn configuration() -> String {
    let mut yaml = String::new();
    for account in &ACCOUNTS {
        let DemoAccount {
            name,
            team,
            regions,
            ..
        } = account;
        let (regions, prefix) = (regions.join(", "), account.variable_prefix());
        writeln!(
            yaml,
            "  {name}:\n    regions: [{regions}]\n    labels: {{team: {team}}}\n    credentials:\n      env: {{secret_id: {prefix}_ID, secret_key: {prefix}_KEY}}",
        )
        .expect("writing to a String never fails");
        if account.attribution {
            let keys = "{enabled: true, sweep_interval: 5s, operator_label: true}";
            writeln!(yaml, "    attribution: {keys}").expect("writing to a String never fails");
        }
        if account.delivery {
            let keys = "{enabled: true, interval: 5s, grace: 10s}";
            writeln!(yaml, "    delivery: {keys}").expect("writing to a String never fails");
        }
        if !account.expected_tracks.is_empty() {
            let names = account.expected_tracks.join(", ");
            writeln!(yaml, "    expected_tracks: [{names}]")
                .expect("writing to a String never fails");
        }
    }
    yaml
}

/// Returns the environment variables that the configuration reads keys from.
pub(super) fn environment() -> Environment {
    let keys = ACCOUNTS.iter().flat_map(|account| {
        let prefix = account.variable_prefix();
        [
            (format!("{prefix}_ID"), account.secret_id()),
            (format!("{prefix}_KEY"), account.secret_key()),
        ]
    });
    keys.collect()
}

/// These keys are valid in the simulator only.
impl DemoAccount {
    fn secret_id(&self) -> String {
        format!("AKIDdemo{}", self.uin)
    }

    fn secret_key(&self) -> String {
        format!("demo-key-of-{}", self.name)
    }

    fn variable_prefix(&self) -> String {
        self.name.to_uppercase()
    }
}
