//! What there is in the demo: accounts, each in a state that an operator will meet, and an
//! organisation.

use std::fmt::Write;
use std::path::Path;
use std::time::SystemTime;

use super::organization::{self, PLATFORM};
use crate::fleet::Environment;
use crate::sim::{Identity, Track, World, ckafka, cls, cos};

/// The account whose track is switched off and on.
pub(super) const PROD: &str = "100000000001";

/// The account whose track is deleted while the cloud is dark.
pub(super) const PAYMENTS: &str = "100000000002";

/// The account whose track vanishes, and whose storage changes.
pub(super) const STAGING: &str = "100000000004";

/// `prod`'s track over everything.
pub(super) const PROD_AUDIT_ALL: u64 = 641;

/// `staging`'s track whose storage changes.
pub(super) const STAGING_AUDIT_ALL: u64 = 703;

/// `payments`' track that is deleted in the dark.
pub(super) const PAYMENTS_TO_CLS: u64 = 751;

/// `staging`'s track that vanishes.
pub(super) const STAGING_TO_CLS: u64 = 704;

/// An account of the demo: its number in the simulated cloud, and what the configuration says of
/// it.
struct Estate {
    uin: &'static str,
    name: &'static str,
    team: &'static str,
    regions: &'static [&'static str],
    expected_tracks: &'static [&'static str],
}

const ACCOUNTS: [Estate; 7] = [
    Estate {
        uin: PROD,
        name: "prod",
        team: "core",
        regions: &["ap-guangzhou", "ap-singapore"],
        expected_tracks: &["audit-all"],
    },
    Estate {
        uin: PAYMENTS,
        name: "payments",
        team: "money",
        regions: &["ap-guangzhou"],
        expected_tracks: &[],
    },
    Estate {
        uin: "100000000003",
        name: "legacy",
        team: "core",
        regions: &["ap-guangzhou"],
        expected_tracks: &[],
    },
    Estate {
        uin: STAGING,
        name: "staging",
        team: "core",
        regions: &["ap-guangzhou"],
        expected_tracks: &[],
    },
    Estate {
        uin: "100000000005",
        name: "empty",
        team: "labs",
        regions: &["ap-guangzhou"],
        expected_tracks: &[],
    },
    Estate {
        uin: "100000000006",
        name: "denied",
        team: "labs",
        regions: &["ap-guangzhou"],
        expected_tracks: &[],
    },
    Estate {
        uin: PLATFORM,
        name: "platform",
        team: "core",
        regions: &["ap-guangzhou"],
        expected_tracks: &[],
    },
];

/// The simulated cloud, in the state in which the demo begins.
pub(super) fn world(start: SystemTime) -> World {
    let world = World::new(start);
    for estate in &ACCOUNTS {
        let account = world.add_account(estate.uin);
        account.add_identity(Identity::permanent(&secret_id(estate), &secret_key(estate)));
        for track in tracks(estate) {
            account.create(track);
        }
        if estate.name == "denied" {
            account
                .deny(&secret_id(estate))
                .expect("the identity was just added");
        }
    }
    organization::found(&world);
    world
}

/// A track as it comes into the world again, under a new id, as the real cloud would have it.
pub(super) fn to_cls(id: u64) -> Track {
    Track::new(id, "to-cls").storage(cls("ap-guangzhou", "5c0b8f2e-audit-topic"))
}

/// `payments`' second track, under its first id or another.
pub(super) fn payments_to_cls(id: u64) -> Track {
    Track::new(id, "to-cls").storage(cls("ap-shanghai", "77d1c0de-audit-topic"))
}

/// `staging`'s storage, before and after.
pub(super) fn bucket(name: &str) -> serde_json::Value {
    cos("ap-guangzhou", name, "audit")
}

fn tracks(estate: &Estate) -> Vec<Track> {
    match estate.name {
        "prod" => vec![
            Track::new(PROD_AUDIT_ALL, "audit-all").storage(bucket("prod-audit")),
            Track::new(642, "to-kafka").storage(ckafka("ap-guangzhou", "ckafka-8f2e", "audit")),
        ],
        "payments" => vec![
            Track::new(650, "audit-all").storage(bucket("payments-audit")),
            payments_to_cls(PAYMENTS_TO_CLS),
        ],
        "legacy" => vec![
            Track::new(24, "audit-2019")
                .status(0)
                .storage(bucket("legacy-audit")),
            Track::new(680, "audit-all").storage(bucket("legacy-audit")),
        ],
        "staging" => vec![
            Track::new(STAGING_AUDIT_ALL, "audit-all").storage(bucket("staging-audit")),
            to_cls(STAGING_TO_CLS),
        ],
        "denied" => vec![Track::new(690, "audit-all")],
        "platform" => vec![organization::platform_track()],
        _ => Vec::new(),
    }
}

/// The configuration file of the demo, as a user would write it.
pub(super) fn configuration(endpoint: &str, state_file: &Path) -> String {
    let mut yaml = format!(
        "endpoint: {endpoint}\npoll: {{interval: 2s, timeout: 1s, stale_after: 1m, details_interval: 10s}}\nstate: {{file: \"{}\"}}\naccounts:\n",
        state_file.display()
    );
    for estate in &ACCOUNTS {
        writeln!(
            yaml,
            "  {}:\n    regions: [{}]\n    labels: {{team: {}}}\n    credentials:\n      env: {{secret_id: {}_ID, secret_key: {}_KEY}}",
            estate.name,
            estate.regions.join(", "),
            estate.team,
            variable(estate),
            variable(estate),
        )
        .expect("a String takes every text");
        if !estate.expected_tracks.is_empty() {
            let names = estate.expected_tracks.join(", ");
            writeln!(yaml, "    expected_tracks: [{names}]").expect("a String takes every text");
        }
    }
    yaml + &organization::configuration()
}

/// The environment that the configuration takes its keys from.
pub(super) fn environment() -> Environment {
    let keys = ACCOUNTS.iter().flat_map(|estate| {
        [
            (format!("{}_ID", variable(estate)), secret_id(estate)),
            (format!("{}_KEY", variable(estate)), secret_key(estate)),
        ]
    });
    keys.collect()
}

fn variable(estate: &Estate) -> String {
    estate.name.to_uppercase()
}

/// Keys of the simulated cloud open nothing anywhere else.
fn secret_id(estate: &Estate) -> String {
    format!("AKIDdemo{}", estate.uin)
}

fn secret_key(estate: &Estate) -> String {
    format!("demo-key-of-{}", estate.name)
}
