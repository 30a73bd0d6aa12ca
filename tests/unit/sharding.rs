//! How accounts are divided among shards: each account has one shard, the division is the same on
//! every machine and in every version, and a new shard moves as few accounts as possible.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloudaudit_exporter::config::{Account, AssumeRole, Config};
use cloudaudit_exporter::hash::{stable_hash, weight};
use cloudaudit_exporter::shard::{MAX_SHARDS, STARTUP_DELAY, Shard};
use proptest::prelude::*;
use tempfile::TempDir;

/// The number of accounts that one process can poll.
const MANY: u32 = 10_000;

fn shards(total: u32) -> impl Iterator<Item = Shard> {
    (0..total).map(move |ordinal| Shard::new(ordinal, total).unwrap())
}

/// Returns the ordinals of all shards that own the key.
fn owners(key: &str, total: u32) -> Vec<u32> {
    let owners = shards(total).filter(|shard| shard.owns(key));
    owners.map(Shard::ordinal).collect()
}

fn owner(key: &str, total: u32) -> u32 {
    let [owner] = owners(key, total)[..] else {
        panic!("{key:?} has {:?}", owners(key, total));
    };
    owner
}

/// If one of these numbers changes, an update moves most accounts to other shards.
#[test]
fn the_division_is_stable_across_versions() {
    assert_eq!(weight(0, 0), 0x4821_8226_ff3c_d4bf);
    assert_eq!(weight(0, 1), 0xcd73_fe3d_e975_ac26);
    assert_eq!(weight(stable_hash("prod"), 7), 0x9b5b_09ef_eb58_c0ae);
    for (key, expected) in [
        ("inline: AKIDexample", [0, 0, 0, 3, 3, 414]),
        ("env: PROD_ID", [0, 0, 2, 6, 6, 184]),
        (
            "qcs::cam::uin/100000000001:roleName/audit-reader",
            [0, 1, 2, 5, 8, 343],
        ),
        ("profile: default", [0, 0, 0, 0, 0, 767]),
        ("default: ", [0, 0, 2, 2, 2, 581]),
        ("tke_oidc: ", [0, 0, 0, 7, 7, 250]),
    ] {
        let found = [1, 2, 3, 8, 9, MAX_SHARDS].map(|total| owner(key, total));
        assert_eq!(found, expected, "{key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_account_has_one_shard_and_moves_only_to_a_new_one(key in ".{0,40}", total in 1_u32..50) {
        let before = owners(&key, total);
        let after = owners(&key, total + 1);
        prop_assert_eq!(before.len(), 1);
        prop_assert_eq!(after.len(), 1);
        prop_assert!(after == before || after == [total], "{before:?} {after:?}");
    }
}

#[test]
fn shards_have_similar_sizes_and_a_new_one_takes_only_its_share() {
    let keys: Vec<String> = (0..MANY).map(|n| format!("inline: AKID{n}")).collect();
    for total in [2, 8, 9] {
        let mut sizes: BTreeMap<u32, u32> = BTreeMap::new();
        let mut moved = 0;
        for key in &keys {
            let before = owner(key, total);
            *sizes.entry(before).or_default() += 1;
            moved += u32::from(owner(key, total + 1) != before);
        }
        let part = |of: u32| f64::from(MANY) / f64::from(of);
        let is_near = |count: u32, part: f64| (f64::from(count) - part).abs() < 5.0 * part.sqrt();
        assert_eq!(sizes.len(), total as usize);
        assert!(
            sizes.values().all(|size| is_near(*size, part(total))),
            "{total}: {sizes:?}"
        );
        assert!(is_near(moved, part(total + 1)), "{total}: {moved} moved");
    }
}

/// Pairs of accounts with the same identity, which the same process must poll.
const PAIRS: &str = r#"
defaults: {regions: [ap-guangzhou]}
accounts:
  inline-1: {credentials: {secret_id: AKIDone, secret_key: one}}
  inline-2: {credentials: {secret_id: AKIDone, secret_key: another}, site: china}
  env-1: {credentials: {env: {secret_id: ONE_ID, secret_key: ONE_KEY}}}
  env-2: {credentials: {env: {secret_id: ONE_ID, secret_key: ONE_KEY}}, interval: 5m}
  file-1: {credentials: {secret_id_file: /run/id, secret_key_file: /run/key}}
  file-2: {credentials: {secret_id_file: /run/id, secret_key_file: /run/key, token_file: /run/token}}
  profile-1: {credentials: {profile: {name: p}}}
  profile-2: {credentials: {profile: {name: p}}, regions: [ap-tokyo]}
  of-file-1: {credentials: {profile: {name: p, file: /run/credentials}}}
  of-file-2: {credentials: {profile: {name: p, file: /run/credentials}}}
  machine-1: {credentials: {cvm_role: {}}}
  machine-2: {credentials: {cvm_role: {name: monitor}}}
  pod-1: {credentials: {tke_oidc: {}}}
  pod-2: {credentials: {tke_oidc: {}}, site: china}
  chain-1: {}
  chain-2: {interval: 5m}
  role-1:
    credentials: {secret_id: AKIDone, secret_key: one}
    assume_role: {arn: "qcs::cam::uin/100000000001:roleName/reader"}
  role-2:
    credentials: {env: {secret_id: ONE_ID, secret_key: ONE_KEY}}
    assume_role: {arn: "qcs::cam::uin/100000000001:roleName/reader", session_name: another}
"#;

#[test]
fn only_accounts_of_the_same_identity_share_a_shard_key() {
    let config = Config::parse("config.yaml", PAIRS, &BTreeMap::new()).unwrap();
    let mut kinds: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for account in &config.accounts {
        let (kind, _) = account.name.rsplit_once('-').unwrap();
        kinds.entry(account.shard_key()).or_default().insert(kind);
    }
    assert_eq!(kinds.len(), config.accounts.len() / 2, "{kinds:?}");
    assert!(kinds.values().all(|kind| kind.len() == 1), "{kinds:?}");

    for total in [2, 8] {
        let mut of_shards = Vec::new();
        for shard in shards(total) {
            let config = Config {
                shard,
                ..config.clone()
            };
            of_shards.extend(config.own_accounts().map(|account| account.name.clone()));
        }
        of_shards.sort();
        let mut all: Vec<String> = config.accounts.iter().map(|it| it.name.clone()).collect();
        all.sort();
        assert_eq!(of_shards, all);
    }
}

/// Settings that differ between processes or change at runtime do not affect the shard.
#[test]
fn only_the_identity_affects_the_shard() {
    let config = Config::parse("config.yaml", PAIRS, &BTreeMap::new()).unwrap();
    for account in config.accounts {
        let other = Account {
            name: "other".to_owned(),
            uin: Some("100000000009".to_owned()),
            requests_per_second: 1,
            interval: Duration::from_hours(1),
            assume_role: account.assume_role.clone().map(|role| AssumeRole {
                duration: Duration::from_hours(1),
                ..role
            }),
            ..Account::clone(&account)
        };
        assert_eq!(other.shard_key(), account.shard_key());
    }
}

/// Neither the folder of the configuration, nor the form of its path, nor `HOME` affects the shard.
#[test]
fn the_location_of_the_configuration_does_not_affect_the_shard() {
    const ACCOUNTS: &str = "
account_files: [accounts.d/*.yaml]
accounts:
  files: {credentials: {secret_id_file: id/a, secret_key_file: key/a}}
  absolute: {credentials: {secret_id_file: /run/id, secret_key_file: /run/key}}
  profile: {credentials: {profile: {name: p, file: profiles/one}}}
  home: {credentials: {profile: {name: p, file: ~/.tccli/one}}}
";
    const MORE: &str = "more: {credentials: {secret_id_file: id/a, secret_key_file: key/a}}\n";
    let keys = |file: &Path, home: &str| {
        let folder = file.parent().unwrap();
        fs::create_dir_all(folder.join("accounts.d")).unwrap();
        fs::write(file, ACCOUNTS).unwrap();
        fs::write(folder.join("accounts.d/more.yaml"), MORE).unwrap();
        let environment = BTreeMap::from([("HOME".to_owned(), home.to_owned())]);
        let config = Config::load(Some(file), &environment).unwrap();
        let keys = config.own_accounts().map(Account::shard_key);
        (keys.collect::<Vec<String>>(), config.hash())
    };
    let folder = TempDir::new().unwrap();
    let here = std::env::current_dir().unwrap();
    // A relative path through the root to the folder.
    let mut indirect: PathBuf = here.iter().skip(1).map(|_| "..").collect();
    indirect.extend(folder.path().iter().skip(1));
    let one = keys(&folder.path().join("one/config.yaml"), "/root");
    let other = keys(
        &folder.path().join("some/where/else/config.yaml"),
        "/home/op",
    );
    let again = keys(&indirect.join("./one/../one/config.yaml"), "/root");
    assert_eq!(one, other);
    assert_eq!(one, again);
    let different: BTreeSet<&String> = one.0.iter().collect();
    assert_eq!(different.len(), one.0.len(), "{different:?}");
}

#[test]
fn a_shard_has_its_share_of_the_rate_and_its_own_start_time() {
    let shards: Vec<Shard> = shards(8).collect();
    let share = |shard: Shard, rate| format!("{:.2}", shard.share(rate));
    assert_eq!(share(Shard::ALONE, 10), "10.00");
    assert_eq!(share(shards[7], 100), "12.00");
    assert_eq!(share(shards[7], 10), "1.00");
    assert_eq!(share(Shard::new(99, 100).unwrap(), 10), "0.10");
    let hour = Duration::from_hours(1);
    let turns: Vec<Duration> = shards.iter().map(|shard| shard.stagger(hour)).collect();
    assert_eq!(turns[0], hour / 8);
    assert_eq!(turns[7], hour);
    assert!(turns.is_sorted_by(|one, next| *next == *one + hour / 8));
    assert_eq!(Shard::ALONE.stagger(hour), hour);
    assert_eq!(Shard::ALONE.startup_delay(), Duration::ZERO);
    assert_eq!(shards[3].startup_delay(), STARTUP_DELAY);
    assert_eq!(shards[3].to_string(), "shard 3 of 8, counted from 0");
}

#[test]
fn invalid_shards_are_rejected() {
    let error = |ordinal, total| Shard::new(ordinal, total).unwrap_err();
    assert_eq!(error(0, 0), "there must be at least 1 shard");
    assert_eq!(error(1, 1), "the only shard has the number 0");
    assert_eq!(
        error(8, 8),
        "shards are counted from 0, so the last of 8 has the number 7"
    );
    assert_eq!(error(0, 1001), "there can be at most 1000 shards");
    assert_eq!(Shard::new(0, 1).unwrap(), Shard::ALONE);
}
