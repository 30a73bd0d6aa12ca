//! The command line: commands, flags, environment variables, exit codes and signals.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Identity, Server, Track, World};
use tempfile::TempDir;

use crate::support::address::free_address;
use crate::support::exporter::{Exporter, Samples, binary};

const ENDPOINT_VARIABLE: &str = "CLOUDAUDIT_EXPORTER__ENDPOINT";

#[test]
fn wrong_usage_is_2_and_bad_configuration_is_78() {
    assert_eq!(run(&["--no-such-flag"]).status.code(), Some(2));
    assert_eq!(run(&["no-such-command"]).status.code(), Some(2));
    assert_eq!(run(&["--log.level", "loud"]).status.code(), Some(2));
    assert_eq!(
        run(&["--web.telemetry-path", "metrics"]).status.code(),
        Some(2)
    );

    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.yaml");
    fs::write(&file, "accounts:\n  prod:\n    intervall: 1m\n").unwrap();
    let file = file.to_str().unwrap();
    for command in [vec![], vec!["check"], vec!["once"]] {
        let output = run(&[&["--config.file", file], command.as_slice()].concat());
        assert_eq!(output.status.code(), Some(78), "{command:?}");
        let message = text(&output.stderr);
        assert!(
            message.contains("bad.yaml:3:5: accounts.prod.intervall"),
            "{message}"
        );
    }
    let absent = run(&["--config.file", "/nowhere/at/all.yaml", "check"]);
    assert_eq!(absent.status.code(), Some(78));
    assert!(text(&absent.stderr).contains("/nowhere/at/all.yaml"));
}

/// Whatever a value holds, a message can neither move the cursor of a terminal, nor reorder its text,
/// nor have a line that the exporter did not write.
#[test]
fn messages_escape_invisible_characters_of_values() {
    const VALUE: &str = "\u{1b}[31m\u{202e}\u{200b}\u{9b}\nerror: forged";
    let output = format!("/nowhere/{VALUE}/x");
    let unix = format!("unix:/nowhere/{VALUE}/x");
    let option = format!("--{VALUE}");
    for arguments in [
        &[option.as_str()][..],
        &[VALUE],
        &["demo", VALUE],
        &["help", VALUE],
        &["check", "--output", VALUE],
        &["--log.level", VALUE],
        &["--log.format", VALUE],
        &["--shard", VALUE],
        &["--total-shards", VALUE],
        &["--web.route-prefix", VALUE],
        &["--web.telemetry-path", VALUE],
        &["--web.external-url", VALUE],
        &["--web.shutdown-grace-period", VALUE],
        &["--web.listen-address", VALUE],
        &["--web.listen-address", &unix],
        &["--web.config.file", VALUE],
        &["--config.file", VALUE],
        &["check", "--config.file", VALUE],
        &["health", "--web.config.file", VALUE],
        &["health", "--web.listen-address", VALUE],
        &["health", "--web.listen-address", &unix],
        &["once", "--output", &output],
    ] {
        let output = binary()
            .args(arguments)
            .env(ENDPOINT_VARIABLE, "http://127.0.0.1:1")
            .env("TENCENTCLOUD_SECRET_ID", "AKIDexample")
            .env("TENCENTCLOUD_SECRET_KEY", "key")
            .output()
            .unwrap();
        let message = text(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(is_visible(&message), "{arguments:?}: {message:?}");
        assert!(message.contains("\\u{202e}"), "{arguments:?}: {message:?}");
    }
    for variable in ["LOG_LEVEL", "SHARD", "CONFIG_FILE", "_POLL__INTERVAL", "_X"] {
        let mut command = binary();
        command.env(format!("CLOUDAUDIT_EXPORTER_{variable}"), VALUE);
        let message = text(&command.arg("check").output().unwrap().stderr);
        assert!(is_visible(&message), "{variable}: {message:?}");
    }
}

fn is_visible(text: &str) -> bool {
    let hidden = |c: char| c.is_control() || ['\u{202e}', '\u{200b}'].contains(&c);
    text.lines()
        .all(|line| !line.contains(hidden) && !line.starts_with("error: forged"))
}

#[test]
fn help_and_version_say_what_they_should() {
    let help = text(&run(&["--help"]).stdout);
    for word in [
        "demo",
        "check",
        "once",
        "health",
        "--config.file",
        "--web.listen-address",
        "--web.telemetry-path",
        "--log.level",
        "--log.format",
        "CLOUDAUDIT_EXPORTER_CONFIG_FILE",
        "78",
    ] {
        assert!(help.contains(word), "{word} is not in:\n{help}");
    }
    let version = text(&run(&["--version"]).stdout);
    assert!(version.starts_with("cloudaudit-exporter 0."), "{version}");
}

#[test]
fn flags_stand_before_and_after_the_command_and_beat_the_environment() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, region: &str| {
        let file = folder.path().join(name);
        fs::write(&file, format!("accounts: {{a: {{regions: [{region}]}}}}\n")).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (one, other) = (
        write("one.yaml", "ap-tokyo"),
        write("other.yaml", "ap-seoul"),
    );
    let before = run(&["--config.file", &one, "check"]);
    let after = run(&["check", "--config.file", &one]);
    assert_eq!(text(&before.stdout), text(&after.stdout));
    assert!(text(&before.stdout).contains("ap-tokyo"));
    let both = binary()
        .args(["check", "--config.file", &one])
        .env("CLOUDAUDIT_EXPORTER_CONFIG_FILE", &other)
        .output()
        .unwrap();
    assert!(text(&both.stdout).contains("ap-tokyo"));
    let twin = binary()
        .arg("check")
        .env("CLOUDAUDIT_EXPORTER_CONFIG_FILE", &other)
        .output()
        .unwrap();
    assert!(text(&twin.stdout).contains("ap-seoul"));
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let mut command = binary();
    for twin in [
        "CONFIG_FILE",
        "WEB_LISTEN_ADDRESS",
        "WEB_TELEMETRY_PATH",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "SHARD",
        "TOTAL_SHARDS",
    ] {
        command.env(format!("CLOUDAUDIT_EXPORTER_{twin}"), "");
    }
    let output = command.arg("check").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_environment_variables_are_enough() {
    let cloud = cloud().await;
    let exporter = Exporter::start(
        None,
        &[
            ("TENCENTCLOUD_SECRET_ID", "AKIDone"),
            ("TENCENTCLOUD_SECRET_KEY", "key-one"),
            ("TENCENTCLOUD_REGION", "ap-singapore"),
            (ENDPOINT_VARIABLE, &cloud),
        ],
    );
    let samples = exporter
        .metrics_when("the account is up", |samples| {
            samples.sum("cloudaudit_up", &[]) > 0.0
        })
        .await;
    let labels = [
        ("account", "default"),
        ("region", "ap-singapore"),
        ("track", "audit-all"),
    ];
    assert_eq!(samples.values("cloudaudit_track_enabled", &labels), [1.0]);
    assert_eq!(exporter.get("/-/ready").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_prints_replaces_a_file_and_fails_with_a_target() {
    let cloud = cloud().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cloudaudit.prom");
    fs::write(&file, "what was there before").unwrap();
    let once = |key: &'static str, more: &[&str]| {
        let mut command = binary();
        command
            .arg("once")
            .args(more)
            .env("TENCENTCLOUD_SECRET_ID", "AKIDone")
            .env("TENCENTCLOUD_SECRET_KEY", key)
            .env(ENDPOINT_VARIABLE, &cloud);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let printed = once("key-one", &[]).await.unwrap();
    assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
    let printed = text(&printed.stdout);
    assert_eq!(Samples::parse(&printed).sum("cloudaudit_tracks", &[]), 1.0);
    assert!(
        !printed.contains("process_"),
        "no series of the process itself"
    );
    assert!(
        !printed.contains("cloudaudit_exporter_"),
        "no series of the process itself"
    );

    let written = once("key-one", &["--output", file.to_str().unwrap()])
        .await
        .unwrap();
    assert_eq!(written.status.code(), Some(0));
    assert!(written.stdout.is_empty());
    let content = fs::read_to_string(&file).unwrap();
    assert_eq!(Samples::parse(&content).sum("cloudaudit_tracks", &[]), 1.0);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else is left there"
    );

    let failed = once("wrong-key", &[]).await.unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let samples = Samples::parse(&text(&failed.stdout));
    assert_eq!(samples.values("cloudaudit_up", &[]), [0.0]);
    let labels = [
        ("reason", "unauthenticated"),
        ("code", "AuthFailure.SignatureFailure"),
    ];
    assert_eq!(
        samples.values("cloudaudit_last_failure_info", &labels),
        [1.0]
    );
    assert!(
        !text(&failed.stderr).contains("wrong-key"),
        "no secret in the log"
    );

    let nowhere = folder.path().join("not/there.prom");
    let unwritable = once("key-one", &["--output", nowhere.to_str().unwrap()])
        .await
        .unwrap();
    assert_eq!(unwritable.status.code(), Some(1));
    assert!(text(&unwritable.stderr).contains("there.prom"));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_asks_the_running_exporter() {
    let cloud = cloud().await;
    let exporter = Exporter::start(None, &[(ENDPOINT_VARIABLE, &cloud)]);
    let health = |address: String| {
        let output = binary()
            .args(["health", "--web.listen-address", &address])
            .output();
        output.unwrap().status.code()
    };
    assert_eq!(health(exporter.address().to_string()), Some(0));
    assert_eq!(health(format!(":{}", exporter.address().port())), Some(0));
    assert_eq!(
        health(free_address().to_string()),
        Some(1),
        "no process listens there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_it_cleanly_and_at_once() {
    for signal in ["TERM", "INT"] {
        let mut exporter = Exporter::start(None, &[]);
        let start = Instant::now();
        exporter.signal(signal);
        assert_eq!(exporter.wait_for_end(), Some(0), "{signal}");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{signal}: {:?}",
            start.elapsed()
        );
    }
}

/// A key with characters that a header cannot contain fails its target and does not stop the loop.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_sent_is_a_failing_target_and_not_a_dead_loop() {
    let cloud = cloud().await;
    let keys: [(&str, &str); 3] = [
        ("AKID\nx", "key-one"),
        ("AKIDone", "k\u{e9}y"),
        ("AKID/one", "key-one"),
    ];
    for (id, key) in keys {
        let exporter = Exporter::start(
            None,
            &[
                ("TENCENTCLOUD_SECRET_ID", id),
                ("TENCENTCLOUD_SECRET_KEY", key),
                (ENDPOINT_VARIABLE, &cloud),
            ],
        );
        let labels = [("reason", "credentials")];
        exporter
            .metrics_when("the poll has failed", |samples| {
                samples.sum("cloudaudit_last_failure_info", &labels) > 0.0
            })
            .await;
        assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
        assert!(!exporter.log().contains(key), "{}", exporter.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credentials_are_a_failing_target_and_not_a_dead_process() {
    let exporter = Exporter::start(None, &[]);
    let labels = [("reason", "credentials")];
    let samples = exporter
        .metrics_when("the poll has failed", |samples| {
            samples.sum("cloudaudit_poll_failures_total", &labels) > 0.0
        })
        .await;
    assert_eq!(samples.values("cloudaudit_up", &[]), [0.0]);
    assert!(samples.values("cloudaudit_tracks", &[]).is_empty());
    exporter.line_with(&["TENCENTCLOUD_SECRET_ID"]).await;
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--web.listen-address", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains(&address),
        "{}",
        text(&output.stderr)
    );
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    binary().args(arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Starts a simulated cloud with one account and one track, and returns its URL.
async fn cloud() -> String {
    let world = World::new(SystemTime::now());
    let account = world.add_account("100000000001");
    account.add_identity(Identity::permanent("AKIDone", "key-one"));
    account.create(Track::new(1, "audit-all"));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(address, world).await.unwrap();
    let url = format!("http://{}", server.local_addr());
    tokio::spawn(server.serve(std::future::pending::<()>()));
    url
}
