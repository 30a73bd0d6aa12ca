//! How a process determines its shard, and where it reports the shard.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::shard::STARTUP_DELAY;
use cloudaudit_exporter::state::{decode, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::{Cloud, loopback, world, write_config};
use crate::commands::text;
use crate::support::exporter::{Exporter, binary};

const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

fn check(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    let accounts = NAMES.map(|name| {
        format!(
            "  {name}: {{credentials: {{env: {{secret_id: {name}_ID, secret_key: {name}_KEY}}}}}}\n"
        )
    });
    fs::write(&file, format!("accounts:\n{}", accounts.concat())).unwrap();
    let mut command = binary();
    command.args(["check", "--config.file", file.to_str().unwrap()]);
    command.args(arguments).env_remove("HOSTNAME");
    command.envs(environment.iter().copied()).output().unwrap()
}

/// Returns the shard that `check` reports.
fn shard(arguments: &[&str], environment: &[(&str, &str)]) -> Value {
    let output = check(&[arguments, &["--output", "json"]].concat(), environment);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut said: Value = serde_json::from_slice(&output.stdout).unwrap();
    said["shard"].take()
}

fn refusal(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = check(arguments, environment);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    text(&output.stderr)
}

const TOTAL: &str = "CLOUDAUDIT_EXPORTER_TOTAL_SHARDS";
const SHARD: &str = "CLOUDAUDIT_EXPORTER_SHARD";

#[test]
fn flags_the_environment_or_the_host_name_determine_the_shard() {
    let is = |ordinal: u32, total: u32| json!({"ordinal": ordinal, "total": total, "accounts_of_all_shards": NAMES.len()});
    assert_eq!(shard(&[], &[]), Value::Null);
    assert_eq!(shard(&["--shard", "0"], &[]), Value::Null);
    assert_eq!(
        shard(&["--shard", "3", "--total-shards", "8"], &[]),
        is(3, 8)
    );
    let variables = [(SHARD, "3"), (TOTAL, "8")];
    assert_eq!(shard(&[], &variables), is(3, 8));
    assert_eq!(shard(&["--shard=4"], &variables), is(4, 8));
    assert_eq!(shard(&[], &[(SHARD, ""), (TOTAL, "")]), Value::Null);

    let host = [
        ("HOSTNAME", "cloudaudit-exporter-7"),
        (TOTAL, "8"),
        (SHARD, ""),
    ];
    assert_eq!(shard(&[], &host), is(7, 8));
    assert_eq!(shard(&["--shard=2"], &host), is(2, 8));
    let host = [
        ("HOSTNAME", "exporter-0.audit.svc.cluster-9.local"),
        (TOTAL, "2"),
    ];
    assert_eq!(shard(&[], &host), is(0, 2));
    let host = [("HOSTNAME", "exporter-7")];
    assert_eq!(
        shard(&[], &host),
        Value::Null,
        "the exporter is not sharded"
    );
}

#[test]
fn an_invalid_shard_is_wrong_usage() {
    let refused = refusal(&["--shard=8", "--total-shards=8"], &[]);
    let expected = "--shard=8 does not fit --total-shards=8: shards are counted from 0, so the last of 8 has the number 7";
    assert!(refused.contains(expected), "{refused}");
    let refused = refusal(&["--shard=1"], &[]);
    assert!(
        refused.contains("the only shard has the number 0"),
        "{refused}"
    );
    for wrong in ["0", "1001", "-1", "eight", "1.5"] {
        let refused = refusal(&[&format!("--total-shards={wrong}")], &[]);
        assert!(refused.contains("a number from 1 to 1000"), "{refused}");
    }
    for wrong in ["1000", "-1", "first"] {
        let refused = refusal(&[&format!("--shard={wrong}"), "--total-shards=8"], &[]);
        assert!(refused.contains("a number from 0 to 999"), "{refused}");
    }
    for (host, why) in [
        ("exporter", "does not end in a hyphen and a number"),
        (
            "exporter-8c7d9-x2kqp",
            "does not end in a hyphen and a number",
        ),
        ("exporter-+3", "does not end in a hyphen and a number"),
        ("-3", "does not end in a hyphen and a number"),
        (
            "exporter-8",
            "does not fit: shards are counted from 0, so the last of 8 has the number 7",
        ),
    ] {
        let refused = refusal(&["--total-shards=8"], &[("HOSTNAME", host)]);
        let expected = format!(
            "--total-shards=8 without --shard takes the number of the shard from the host name, but {host:?} {why}; \
             set --shard"
        );
        assert!(refused.contains(&expected), "{refused}");
    }
    // The daemon and `once` refuse it, too. The demo refuses even a valid shard.
    for (command, shard) in [
        (None, 9),
        (Some("once"), 9),
        (Some("demo"), 9),
        (Some("demo"), 3),
    ] {
        let mut binary = binary();
        binary.args(command).arg("--total-shards=8");
        binary.arg(format!("--shard={shard}"));
        assert_eq!(binary.output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn check_shows_the_accounts_of_the_shard_and_says_so() {
    let mut all = BTreeSet::new();
    for ordinal in 0..3 {
        let flags = [&format!("--shard={ordinal}"), "--total-shards=3"];
        let said = text(&check(&flags, &[]).stdout);
        let names = said.lines().skip(1).map(|line| line.split(' ').next());
        let names: Vec<String> = names.flatten().map(str::to_owned).collect();
        let (accounts, end) = names.split_at(names.len() - 2);
        let expected = format!(
            "shard {ordinal} of 3, counted from 0: {} of 6 configured accounts\n",
            accounts.len()
        );
        assert!(said.ends_with(&expected), "{end:?}: {said}");
        for account in accounts {
            assert!(all.insert(account.clone()), "{account} is twice there");
        }

        let policy = check(&[&flags[..], &["--policy"]].concat(), &[]);
        let warning = text(&policy.stderr);
        let expected = format!("shard {ordinal} of 3, counted from 0");
        assert!(warning.contains(&expected), "{warning}");
        let printed: Value = serde_json::from_slice(&policy.stdout).unwrap();
        assert!(printed["statement"].is_array(), "{printed}");
    }
    assert_eq!(all, NAMES.map(str::to_owned).into());
    let alone = text(&check(&[], &[]).stdout);
    assert!(alone.ends_with("6 accounts, 6 targets\n"), "{alone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_waits_and_then_polls_its_own_accounts() {
    let world = world(&NAMES);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let head = "poll: {interval: 1s, timeout: 1s}\n";
    let file = write_config(&folder, &cloud, head, &NAMES);
    let began = SystemTime::now();
    let exporter = Exporter::start(Some(&file), &[(SHARD, "1"), (TOTAL, "2")]);
    let first = exporter.metrics().await;
    assert_eq!(first.sum("cloudaudit_exporter_shard_ordinal", &[]), 1.0);
    assert_eq!(first.sum("cloudaudit_exporter_shards", &[]), 2.0);
    let own = first.values("cloudaudit_up", &[]).len();
    assert!((1..NAMES.len()).contains(&own), "{own}");
    assert_eq!(first.sum("cloudaudit_exporter_targets", &[]), own as f64);
    let (_, page) = exporter.get("/").await;
    assert!(
        page.contains("Running as shard 1 of 2, counted from 0."),
        "{page}"
    );
    exporter.line_with(&["ordinal=1 shards=2"]).await;

    let samples = exporter
        .metrics_when("its own accounts are up", |samples| {
            samples.sum("cloudaudit_up", &[]) == own as f64
        })
        .await;
    let polls = samples.values("cloudaudit_last_poll_timestamp_seconds", &[]);
    let settled = began + STARTUP_DELAY;
    let settled = settled.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(polls.iter().all(|at| *at > settled), "{polls:?}");
    let first = world.calls()[0].at.duration_since(began).unwrap();
    assert!(first >= STARTUP_DELAY, "{first:?}");

    // A reload need not wait: no other shard polled these accounts.
    let names = &NAMES[1..];
    let before = world.call_count();
    write_config(
        &folder,
        &cloud,
        "poll: {interval: 1h, timeout: 1s, stale_after: 2h}\n",
        names,
    );
    let reloaded = SystemTime::now();
    exporter.signal("HUP");
    exporter
        .metrics_when("the changed accounts are polled", |samples| {
            let polls = samples.values("cloudaudit_last_poll_timestamp_seconds", &[]);
            let intervals = samples.values("cloudaudit_poll_interval_seconds", &[]);
            world.call_count() > before
                && intervals.iter().all(|interval| *interval == 3600.0)
                && polls
                    .iter()
                    .all(|at| UNIX_EPOCH + Duration::from_secs_f64(*at) > reloaded)
        })
        .await;
    let took = reloaded.elapsed().unwrap();
    assert!(took < STARTUP_DELAY, "{took:?}");
}

/// A shard compares only with recent state: another shard may have polled its accounts meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_does_not_compare_with_old_state() {
    let world = world(&["one", "two", "three"]);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let head = "poll: {interval: 1s, timeout: 1s}\nstate: {file: state.json}\n";
    let names = ["one", "two", "three"];
    let file = write_config(&folder, &cloud, head, &names);
    for (days, vanished) in [(0, true), (2, false)] {
        let mut exporter = Exporter::start(Some(&file), &[]);
        exporter
            .metrics_when("all are up", |samples| {
                samples.sum("cloudaudit_up", &[]) == 3.0
            })
            .await;
        exporter.signal("TERM");
        assert_eq!(exporter.wait_for_end(), Some(0));
        age(&folder, days);
        for account in names {
            let account = world.account(&crate::cloud::uin(account)).unwrap();
            account.delete(if days == 0 { 1 } else { 2 }).unwrap();
        }
        let exporter = Exporter::start(Some(&file), &[(SHARD, "1"), (TOTAL, "2")]);
        let samples = exporter
            .metrics_when("its own accounts were polled", |samples| {
                let polled = samples.values("cloudaudit_polls_total", &[]);
                polled.iter().all(|polls| *polls > 0.0)
            })
            .await;
        let own = samples.values("cloudaudit_up", &[]).len() as f64;
        assert!(own > 0.0);
        let gone = samples.sum("cloudaudit_track_changes_total", &[("change", "vanished")]);
        assert_eq!(gone, if vanished { own } else { 0.0 });
        drop(exporter);
        fs::remove_file(folder.path().join("state.json")).unwrap();
    }
}

/// Makes the state file this many days older.
fn age(folder: &TempDir, days: u64) {
    let file = folder.path().join("state.json");
    let content = fs::read(&file).unwrap();
    let mut saved: Value = serde_json::from_slice(decode(&content).unwrap()).unwrap();
    let by = Duration::from_hours(24 * days).as_nanos();
    set_back(&mut saved, u64::try_from(by).unwrap());
    fs::write(&file, encode(&serde_json::to_vec(&saved).unwrap())).unwrap();
}

fn set_back(value: &mut Value, by: u64) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| set_back(value, by)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_u64() {
                    Some(at) if name == "at_unix_ns" => *value = json!(at - by),
                    _ => set_back(value, by),
                }
            }
        }
        _ => {}
    }
}
