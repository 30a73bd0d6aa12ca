//! The life cycle of the process: start, reloads (by signal, over HTTP, automatic), the protocol
//! with the service manager, and shutdown by one signal or two.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::ops::Range;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::support::exporter::{Exporter, ONE_ARENA, PATIENCE, Samples};
use crate::support::site::{LIFECYCLE, Site, client, reload, with};

const AUTO_RELOAD: (&str, &str) = ("CLOUDAUDIT_EXPORTER_CONFIG_ENABLE_AUTO_RELOAD", "true");

const GRACE: (&str, &str) = ("CLOUDAUDIT_EXPORTER_WEB_SHUTDOWN_GRACE_PERIOD", "5s");

/// How many blocking threads a busy machine may add. Tokio starts one if no blocking thread is free
/// for a file to read or a change of accounts, and stops one after ten idle seconds. Their number
/// does not depend on the number of reloads.
const MORE_THREADS: f64 = 4.0;

const SUCCESSFUL: &str = "cloudaudit_exporter_config_last_reload_successful";
const SUCCESS_TIME: &str = "cloudaudit_exporter_config_last_reload_success_timestamp_seconds";
const HASH: &str = "cloudaudit_exporter_config_hash";
const TARGETS: &str = "cloudaudit_exporter_targets";
const RESTARTS: &str = "cloudaudit_exporter_account_restarts_total";

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_over_http_is_done_when_it_is_answered() {
    let site = Site::start().await;
    site.write("a: {regions: [ap-guangzhou, ap-tokyo]}, b: {}");
    let exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE]));
    let up = |count: f64| move |it: &Samples| (it.sum("cloudaudit_up", &[]) - count).abs() < 0.1;
    let before = exporter.metrics_when("all are up", up(3.0)).await;
    assert_eq!(before.values(SUCCESSFUL, &[]), [1.0]);
    assert_eq!(before.values(TARGETS, &[]), [3.0]);
    assert_eq!(before.values(RESTARTS, &[]), [0.0, 0.0]);

    site.write("a: {labels: {team: core}}, c: {}");
    assert_eq!(reload(&exporter).await, (200, "reloaded\n".to_owned()));
    let after = exporter.metrics().await;
    assert_eq!(after.values(TARGETS, &[]), [2.0]);
    assert_eq!(after.values(RESTARTS, &[("account", "c")]), [0.0]);
    assert!(after.values(RESTARTS, &[("account", "b")]).is_empty());
    for gone in [("account", "b"), ("region", "ap-tokyo")] {
        let left = after.series();
        let left = left
            .iter()
            .filter(|it| it.contains(&format!("{}=\"{}\"", gone.0, gone.1)));
        assert_eq!(left.count(), 0, "{gone:?}");
    }
    let kept = [("account", "a"), ("team", "core"), ("track", "audit-all")];
    assert_eq!(after.values("cloudaudit_track_enabled", &kept), [1.0]);
    assert!(after.sum(SUCCESS_TIME, &[]) > before.sum(SUCCESS_TIME, &[]));
    assert_ne!(after.values(HASH, &[]), before.values(HASH, &[]));
    assert_eq!(
        exporter.get("/-/ready").await.0,
        200,
        "it is not taken back"
    );

    site.write("a: {lables: {team: core}}, d: {}");
    let (status, why) = reload(&exporter).await;
    assert_eq!(status, 500);
    assert!(why.contains("accounts.a.lables"), "{why}");
    let failed = exporter.metrics().await;
    assert_eq!(failed.values(SUCCESSFUL, &[]), [0.0]);
    for same in [SUCCESS_TIME, HASH, TARGETS] {
        assert_eq!(failed.values(same, &[]), after.values(same, &[]), "{same}");
    }
    assert_eq!(failed.values("cloudaudit_track_enabled", &kept), [1.0]);
}

/// The first log line names the version and the configuration; a reload logs what it changed.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_start_and_what_a_reload_changes() {
    let site = Site::start().await;
    let state = site.folder.path().join("state.json");
    let yaml = |accounts: &str| {
        let state = state.display();
        format!("{}\nstate: {{file: {state}}}\n", site.text(accounts))
    };
    fs::write(&site.file, yaml("a: {}, b: {}")).unwrap();
    let start = |format: &'static str| {
        let format = ("CLOUDAUDIT_EXPORTER_LOG_FORMAT", format);
        Exporter::start(Some(&site.file), &with(&[LIFECYCLE, format]))
    };
    let mut exporter = start("logfmt");
    let is_up = |it: &Samples| (it.sum("cloudaudit_up", &[]) - 2.0).abs() < 0.1;
    let samples = exporter.metrics_when("both are up", is_up).await;
    let line = (exporter.line_with(&["starting cloudaudit-exporter"])).await;
    let config_hash = samples.values(HASH, &[])[0];
    for part in [
        "level=info".to_owned(),
        "msg=\"starting cloudaudit-exporter\"".to_owned(),
        format!("version={}", env!("CARGO_PKG_VERSION")),
        "revision=".to_owned(),
        format!("file={}", site.file.display()),
        format!("config_hash={config_hash} "),
        "accounts=2 targets=2 organizations=0".to_owned(),
        format!("state_file={}", state.display()),
        "state_restored=false restored_accounts=0".to_owned(),
    ] {
        assert!(line.contains(&part), "{part}: {line}");
    }
    fs::write(&site.file, yaml("b: {labels: {team: x}}, c: {}, d: {}")).unwrap();
    assert_eq!(reload(&exporter).await.0, 200);
    let line = (exporter.line_with(&["applied the accounts", "changed=1"])).await;
    let named = "added=2 changed=1 removed=1 kept=0 added_accounts=\"c, d\" changed_accounts=b removed_accounts=a";
    // The order of the first polls is that of a hash.
    let line = line.replace("\"d, c\"", "\"c, d\"");
    assert!(line.contains(named), "{line}");
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));

    let exporter = start("json");
    let line = (exporter.line_with(&["starting cloudaudit-exporter"])).await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "info");
    assert_eq!(line["msg"], "starting cloudaudit-exporter");
    assert!(line["ts"].is_string());
    assert_eq!(line["state_restored"], true);
    assert_eq!(line["accounts"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_reloads_over_http_are_refused() {
    let site = Site::start().await;
    site.write("a: {}");
    let exporter = Exporter::start(Some(&site.file), &with(&[]));
    site.write("a: {}, b: {}");
    let (status, why) = reload(&exporter).await;
    assert_eq!(status, 403);
    assert!(why.contains("--web.enable-lifecycle"), "{why}");
    assert_eq!(exporter.metrics().await.values(TARGETS, &[]), [1.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_and_an_unreadable_file_does_not_stop_the_exporter() {
    let site = Site::start().await;
    site.write("a: {}");
    let mut exporter = Exporter::start(Some(&site.file), &with(&[]));
    site.write("a: {}, b: {}");
    exporter.signal("HUP");
    let targets = |count: f64| move |it: &Samples| it.values(TARGETS, &[]) == [count];
    exporter.metrics_when("there are two", targets(2.0)).await;
    fs::remove_file(&site.file).unwrap();
    exporter.signal("HUP");
    let failed = |it: &Samples| it.values(SUCCESSFUL, &[]) == [0.0];
    let samples = exporter.metrics_when("it has failed", failed).await;
    assert_eq!(samples.values(TARGETS, &[]), [2.0]);
    exporter.line_with(&["cannot reload", "config.yaml"]).await;
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_link_reloads_and_a_touched_file_does_not() {
    let site = Site::start().await;
    // As Kubernetes mounts a ConfigMap: the file is a link through a link that is swapped.
    let version = |name: &str, accounts: &str| {
        let folder = site.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.yaml"), site.text(accounts)).unwrap();
        folder
    };
    let link = |to: &PathBuf| {
        let new = site.folder.path().join("..new");
        std::os::unix::fs::symlink(to, &new).unwrap();
        fs::rename(&new, site.folder.path().join("..data")).unwrap();
    };
    let first = version("v1", "a: {}");
    link(&first);
    std::os::unix::fs::symlink("..data/config.yaml", &site.file).unwrap();
    let exporter = Exporter::start(Some(&site.file), &with(&[AUTO_RELOAD]));
    let before = exporter.metrics().await;

    let file = fs::File::options().append(true).open(&site.file).unwrap();
    file.set_modified(SystemTime::now()).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let touched = exporter.metrics().await;
    assert_eq!(
        touched.values(SUCCESS_TIME, &[]),
        before.values(SUCCESS_TIME, &[])
    );

    link(&version("v2", "a: {}, b: {}"));
    let two = |it: &Samples| it.values(TARGETS, &[]) == [2.0];
    exporter.metrics_when("there are two", two).await;
    assert!(
        !exporter.log().contains("cannot reload"),
        "{}",
        exporter.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reloads_leave_no_thread_no_descriptor_and_no_memory_behind() {
    let site = Site::start().await;
    let accounts = |round: u32| {
        let account = |number: u32| {
            let name = if number < 3 {
                number + 10 * (round % 2)
            } else {
                number
            };
            format!("a{name}: {{labels: {{team: t{}}}}}", round % 3)
        };
        (0..8).map(account).collect::<Vec<_>>().join(", ")
    };
    site.write(&accounts(0));
    let exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE, ONE_ARENA]));
    let client = client();
    let url = format!("http://{}/-/reload", exporter.address());
    let rounds = async |rounds: Range<u32>| {
        for round in rounds {
            site.write(&accounts(round));
            let response = client.post(&url).send().await.unwrap();
            assert_eq!(response.status(), 200, "{}", exporter.log());
        }
    };
    // The first reloads fill the caches.
    rounds(0..200).await;
    let before = exporter.metrics().await;
    rounds(200..1_200).await;
    // The connections of canceled polls close a moment later.
    let descriptors = before.sum("process_open_fds", &[]) + 8.0;
    let are_closed = |it: &Samples| it.sum("process_open_fds", &[]) <= descriptors;
    let after = exporter.metrics_when("connections are closed", are_closed);
    let after = after.await;
    let grown = |metric| after.sum(metric, &[]) - before.sum(metric, &[]);
    assert!(
        grown("process_threads") <= MORE_THREADS,
        "{}",
        grown("process_threads")
    );
    // A leaked account would be more than these four kilobytes per reload.
    let memory = grown("process_resident_memory_bytes");
    assert!(memory < 4_000.0 * 1_024.0, "{memory}");
    assert_eq!(after.values("cloudaudit_up", &[]).len(), 8);
    assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_notified() {
    let site = Site::start().await;
    site.write("a: {}");
    let address = site.folder.path().join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let socket = address.to_str().unwrap();
    let variables = [("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "200000")];
    let mut exporter = Exporter::start(Some(&site.file), &with(&variables));
    assert_eq!(next_but_life(&manager), "READY=1");
    let start = Instant::now();
    for _ in 0..5 {
        assert_eq!(next(&manager), "WATCHDOG=1");
    }
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );

    exporter.signal("HUP");
    let reloading = next_but_life(&manager);
    let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    assert!(since.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
    assert_eq!(next_but_life(&manager), "READY=1");
    exporter.signal("TERM");
    assert_eq!(next_but_life(&manager), "STOPPING=1");
    assert_eq!(exporter.wait_for_end(), Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_at_an_abstract_socket_is_notified_too() {
    use std::os::linux::net::SocketAddrExt;
    let site = Site::start().await;
    site.write("a: {}");
    let name = format!("cloudaudit-exporter-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let socket = format!("@{name}");
    let variables = [
        ("NOTIFY_SOCKET", &*socket),
        ("WATCHDOG_USEC", "200000"),
        ("WATCHDOG_PID", "1"),
    ];
    let _exporter = Exporter::start(Some(&site.file), &with(&variables));
    assert_eq!(next(&manager), "READY=1");
    manager
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let silent = manager.recv(&mut [0; 64]);
    assert!(silent.is_err(), "its watchdog is meant for another process");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_does_not_wait_for_open_requests() {
    let site = Site::start().await;
    site.write("a: {}");
    for (signals, code) in [(vec!["TERM"], 0), (vec!["TERM", "INT"], 1)] {
        let mut exporter = Exporter::start(Some(&site.file), &with(&[GRACE]));
        // A request that is never finished.
        let mut client = TcpStream::connect(exporter.address()).unwrap();
        client.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let start = Instant::now();
        for signal in &signals {
            exporter.signal(signal);
            // The kernel may merge two signals that are pending at the same time.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        assert_eq!(exporter.wait_for_end(), Some(code), "{signals:?}");
        let took = start.elapsed();
        let drained = took > Duration::from_secs(4);
        assert_eq!(drained, signals.len() == 1, "{signals:?}: {took:?}");
        assert!(took < Duration::from_secs(7), "{signals:?}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_exporter_polls_no_more() {
    let site = Site::start().await;
    let fast = "poll: {interval: 1s, timeout: 500ms}\n";
    fs::write(&site.file, format!("{fast}{}", site.text("a: {}"))).unwrap();
    let mut exporter = Exporter::start(Some(&site.file), &with(&[GRACE]));
    exporter
        .metrics_when("it polls", |it| it.sum("cloudaudit_polls_total", &[]) > 1.0)
        .await;
    let mut client = TcpStream::connect(exporter.address()).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    exporter.signal("TERM");
    exporter.line_with(&["msg=stopping"]).await;
    // A request that was sent before may still arrive.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let calls = site.world.call_count();
    assert_eq!(exporter.wait_for_end(), Some(0), "after five seconds");
    assert_eq!(site.world.call_count(), calls);
}

/// A reader that pauses gets every line, in order, and the last one at the end.
#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_lost_while_the_reader_of_the_log_pauses() {
    const RELOADS: usize = 500;
    let site = Site::start().await;
    site.write("a: {}");
    let mut exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE]));
    exporter.leave_log_unread(true);
    for number in 0..RELOADS {
        site.write(&format!("a: {{no_such_key_{number:03}: 1}}"));
        assert_eq!(reload(&exporter).await.0, 500);
    }
    let dropped = "cloudaudit_exporter_log_lines_dropped_total";
    assert_eq!(exporter.metrics().await.values(dropped, &[]), [0.0]);
    exporter.leave_log_unread(false);
    let last = format!("no_such_key_{:03}", RELOADS - 1);
    exporter.line_with(&[&last]).await;
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    let log = exporter.log();
    let numbers = log.match_indices("accounts.a.no_such_key_");
    let numbers: Vec<usize> = numbers
        .map(|(place, key)| log[place + key.len()..][..3].parse().unwrap())
        .collect();
    assert_eq!(numbers, (0..RELOADS).collect::<Vec<_>>());
}

/// Returns the next message to the service manager.
fn next(manager: &UnixDatagram) -> String {
    let mut text = [0; 256];
    let length = manager.recv(&mut text).unwrap();
    String::from_utf8(text[..length].to_vec()).unwrap()
}

/// Returns the next message that is not `WATCHDOG=1`.
fn next_but_life(manager: &UnixDatagram) -> String {
    let mut messages = std::iter::repeat_with(|| next(manager));
    messages.find(|text| text != "WATCHDOG=1").unwrap()
}
