//! Paths that do not name a regular file: FIFOs without a writer, devices, directories and pipes.
//! Only the part of the exporter that needs such a file fails, and nothing waits for it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::exporter::{Exporter, PATIENCE, Samples, binary};
use crate::support::site::{LIFECYCLE, Site, reload, with};

const AUTO_RELOAD: (&str, &str) = ("CLOUDAUDIT_EXPORTER_CONFIG_ENABLE_AUTO_RELOAD", "true");
const SUCCESSFUL: &str = "cloudaudit_exporter_config_last_reload_successful";
const TARGETS: &str = "cloudaudit_exporter_targets";
const POLLS: &str = "cloudaudit_polls_total";

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// Replaces a file by a FIFO.
fn replace_by_fifo(path: &Path) {
    fs::remove_file(path).unwrap();
    make_fifo(path);
}

/// Runs the program until it exits, which must be soon.
fn ends(command: &mut Command) -> (Option<i32>, String) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            return (status.code(), said);
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn threads(exporter: &Exporter) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", exporter.pid())).unwrap();
    tasks.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_becomes_a_fifo_only_fails_the_reload() {
    let site = Site::start().await;
    site.write("a: {interval: 1s, }");
    let fast = |accounts: &str| format!("poll: {{timeout: 1s}}\n{}", site.text(accounts));
    fs::write(&site.file, fast("a: {interval: 1s}")).unwrap();
    let mut exporter = Exporter::start(Some(&site.file), &with(&[AUTO_RELOAD, LIFECYCLE]));
    replace_by_fifo(&site.file);
    let failed = |it: &Samples| it.values(SUCCESSFUL, &[]) == [0.0];
    let then = exporter.metrics_when("the reload has failed", failed).await;
    let polled = then.sum(POLLS, &[]) + 2.0;
    exporter
        .metrics_when("it continues to poll", |it| it.sum(POLLS, &[]) >= polled)
        .await;
    assert_eq!(exporter.get("/-/healthy").await.0, 200);
    let (status, why) = reload(&exporter).await;
    assert_eq!(status, 500);
    assert!(why.contains("config.yaml") && why.contains("FIFO"), "{why}");
    exporter.line_with(&["it is a FIFO"]).await;

    // Later reloads still work.
    fs::remove_file(&site.file).unwrap();
    fs::write(&site.file, fast("a: {interval: 1s}, b: {interval: 1s}")).unwrap();
    let two =
        |it: &Samples| it.values(TARGETS, &[]) == [2.0] && it.values(SUCCESSFUL, &[]) == [1.0];
    exporter.metrics_when("the next reload is good", two).await;
    replace_by_fifo(&site.file);
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_becomes_a_fifo_fails_only_its_account() {
    const OTHERS: usize = 39;
    let site = Site::start().await;
    let put = |name: &str, text: &str| fs::write(site.folder.path().join(name), text).unwrap();
    put("id", "AKIDone");
    put("key", "key-one");
    put("other-key", "key-one");
    let account = |name: &str, key: &str| {
        format!(
            "{name}: {{interval: 1s, credentials: {{secret_id_file: id, secret_key_file: {key}}}}}"
        )
    };
    let mut accounts = vec![account("hung", "key")];
    accounts.extend((0..OTHERS).map(|n| account(&format!("good-{n}"), "other-key")));
    let head = "poll: {timeout: 1s}\nrate_limit: {requests_per_second: 1000}\n";
    site.world.set_rate_limit(1_000);
    fs::write(
        &site.file,
        format!("{head}{}", site.text(&accounts.join(", "))),
    )
    .unwrap();
    let exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE]));
    let up = |count: f64| move |it: &Samples| (it.sum("cloudaudit_up", &[]) - count).abs() < 0.1;
    #[expect(clippy::cast_precision_loss, reason = "it is small")]
    let (all, but_one) = (OTHERS as f64 + 1.0, OTHERS as f64);
    exporter.metrics_when("all are up", up(all)).await;
    let before = threads(&exporter);
    replace_by_fifo(&site.folder.path().join("key"));
    let failed = exporter.metrics_when("one has failed", up(but_one)).await;
    let reason = [("account", "hung"), ("reason", "credentials")];
    assert_eq!(
        failed.values("cloudaudit_last_failure_info", &reason),
        [1.0]
    );
    let polled = failed.sum(POLLS, &[]) + 200.0;
    let then = exporter
        .metrics_when("they poll on", |it| it.sum(POLLS, &[]) >= polled)
        .await;
    assert!(up(but_one)(&then));
    assert!(
        threads(&exporter) <= before + 8,
        "{} and {before}",
        threads(&exporter)
    );
    assert_eq!(reload(&exporter).await.0, 200);
    exporter.line_with(&["it is a FIFO"]).await;

    fs::remove_file(site.folder.path().join("key")).unwrap();
    put("key", "key-one");
    exporter.metrics_when("all are up again", up(all)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_fifo_ends_at_once_and_names_it() {
    let site = Site::start().await;
    let path = |name: &str| site.folder.path().join(name);
    let fifo = path("fifo");
    make_fifo(&fifo);
    site.write("a: {}");
    fs::write(
        path("web.yaml"),
        "tls_server_config: {cert_file: fifo, key_file: fifo}\n",
    )
    .unwrap();
    fs::write(
        path("endless.yaml"),
        "tls_server_config: {cert_file: /dev/zero, key_file: fifo}\n",
    )
    .unwrap();
    let ca = "http: {ca_file: fifo}\naccounts: {a: {credentials: {secret_id: AKIDone, secret_key: key-one}}}\n";
    fs::write(path("ca.yaml"), ca).unwrap();
    fs::write(path("files.yaml"), "account_files: [fif?]\n").unwrap();
    let flag = |name: &str, value: &Path| format!("--{name}={}", value.display());
    let config = |name: &str| flag("config.file", &path(name));
    let cases = [
        (vec![flag("config.file", &fifo)], Some(78), "it is a FIFO"),
        (vec![config("files.yaml")], Some(78), "it is a FIFO"),
        (
            vec![flag("config.file", Path::new("/dev/zero"))],
            Some(78),
            "it is a device",
        ),
        (
            vec![flag("config.file", site.folder.path())],
            Some(78),
            "it is a directory",
        ),
        (
            vec!["check".into(), flag("config.file", &fifo)],
            Some(78),
            "it is a FIFO",
        ),
        (
            vec![
                "check".into(),
                "--policy".into(),
                flag("config.file", &fifo),
            ],
            Some(78),
            "it is a FIFO",
        ),
        (
            vec!["once".into(), flag("config.file", &fifo)],
            Some(78),
            "it is a FIFO",
        ),
        (
            vec![config("config.yaml"), flag("web.config.file", &fifo)],
            Some(78),
            "it is a FIFO",
        ),
        (
            vec![
                config("config.yaml"),
                flag("web.config.file", &path("web.yaml")),
            ],
            Some(78),
            "cert_file",
        ),
        (
            vec![
                config("config.yaml"),
                flag("web.config.file", &path("endless.yaml")),
            ],
            Some(78),
            "it is a device",
        ),
        (
            vec!["health".into(), flag("web.config.file", &fifo)],
            Some(1),
            "it is a FIFO",
        ),
        (vec![config("ca.yaml")], Some(1), "http.ca_file"),
    ];
    for (mut arguments, code, expected) in cases {
        arguments.push("--web.listen-address=127.0.0.1:0".to_owned());
        let (ended, said) = ends(binary().args(&arguments).envs(with(&[])));
        assert_eq!(ended, code, "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

/// Runs a line of bash, where `exporter` is the program.
fn bash(line: &str, folder: &Path) -> Output {
    bash_command(line, folder).output().unwrap()
}

fn bash_command(line: &str, folder: &Path) -> Command {
    let exporter = binary().get_program().to_owned();
    let mut command = Command::new("bash");
    command
        .args(["-c", &format!("exporter=$0; {line}")])
        .arg(exporter)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

#[test]
fn a_configuration_from_a_pipe_is_read_once() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("more")).unwrap();
    fs::write(folder.path().join("more/b.yaml"), "b: {}\n").unwrap();
    let text = "printf 'account_files: [more/*.yaml]\\naccounts: {a: {}}\\n'";
    for line in [
        format!("{text} | $exporter check --config.file=-"),
        format!("{text} | $exporter check --config.file=/dev/stdin"),
        format!("$exporter check --config.file=<({text})"),
        format!("$exporter check --config.file=- < <({text})"),
        format!("{text} >on-disk; $exporter check --config.file=- <on-disk"),
    ] {
        let output = bash(&line, folder.path());
        let (said, error) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{line}: {error}");
        assert!(said.contains("a ") && said.contains("b "), "{line}: {said}");
    }
    let output = bash(
        "$exporter check --config.file=- <<<'accounts: {a: {nonsense: 1}}'",
        folder.path(),
    );
    assert_eq!(output.status.code(), Some(78));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("-:1:16: accounts.a.nonsense"), "{error}");

    let web = "<(echo 'auth_exempt_paths: [/]')";
    let output = bash(&format!("$exporter --web.config.file={web}"), folder.path());
    assert_eq!(output.status.code(), Some(78));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("a pipe can be read only once"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_with_a_configuration_from_a_pipe_says_why_it_cannot_reload() {
    let site = Site::start().await;
    site.write("a: {interval: 1s}");
    let text = fs::read_to_string(&site.file).unwrap();
    fs::write(&site.file, format!("poll: {{timeout: 1s}}\n{text}")).unwrap();
    tokio::join!(
        cannot_reload(&site, "--config.file=- < <(cat config.yaml)"),
        cannot_reload(&site, "--config.file=/dev/stdin < <(cat config.yaml)"),
        cannot_reload(&site, "--config.file=<(cat config.yaml)"),
    );
}

/// Starts a daemon whose configuration is a pipe. It must go on polling, and must refuse a reload.
async fn cannot_reload(site: &Site, configuration: &str) {
    /// Longer than two checks for a changed file.
    const WATCHED: Duration = Duration::from_secs(5);
    let address = crate::support::address::free_address();
    let line = format!(
        "exec $exporter --config.enable-auto-reload --web.enable-lifecycle \
         --web.listen-address={address} {configuration}"
    );
    let mut child = bash_command(&line, site.folder.path())
        .envs(with(&[]))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    let client = crate::support::site::client();
    let scrape = async || {
        let response = client.get(format!("http://{address}/metrics")).send();
        Some(Samples::parse(&response.await.ok()?.text().await.ok()?))
    };
    let start = Instant::now();
    while scrape().await.is_none() {
        assert!(start.elapsed() < PATIENCE, "{configuration}: no answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(WATCHED).await;
    let response = client.post(format!("http://{address}/-/reload")).send();
    let response = response.await.unwrap();
    let status = response.status().as_u16();
    let why = response.text().await.unwrap();
    let polled = scrape().await.unwrap().sum(POLLS, &[]);
    let terminated = Command::new("kill").arg(child.id().to_string()).status();
    assert!(terminated.unwrap().success());
    let mut log = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!((status, code), (500, Some(0)), "{configuration}: {log}");
    assert!(why.contains("can be read only once"), "{why}");
    assert!(
        log.contains("--config.enable-auto-reload has no effect"),
        "{configuration}: {log}"
    );
    assert!(polled >= 2.0, "{configuration}: {polled} polls");
}

/// Regression test: each discovery woke the reloader, which then forgot the detected change.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_detected_while_an_organization_refreshes_every_second() {
    let site = Site::start().await;
    let organization = "organizations: {main: {refresh: 1s, role_name: reader, organization_endpoint: ENDPOINT}}\n";
    let text = |accounts: &str| {
        let text = site.text(accounts);
        let endpoint = text
            .lines()
            .next()
            .unwrap()
            .trim_start_matches("endpoint: ")
            .to_owned();
        format!("{text}{}", organization.replace("ENDPOINT", &endpoint))
    };
    fs::write(&site.file, text("a: {}")).unwrap();
    let exporter = Exporter::start(Some(&site.file), &with(&[AUTO_RELOAD]));
    fs::write(&site.file, text("a: {}, b: {}")).unwrap();
    let two = |it: &Samples| it.values(TARGETS, &[]) == [2.0];
    exporter.metrics_when("the change is noticed", two).await;
}
