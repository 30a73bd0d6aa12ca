//! Files that would take much memory, and paths that cannot be read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use cloudaudit_exporter::config::{Config, LOAD_TIMEOUT, Sources};
use cloudaudit_exporter::files::ReadSlot;
use tokio::task::yield_now;
use tokio::time::{advance, resume};

fn refused(text: &str) -> String {
    let parsed = Config::parse("config.yaml", text, &BTreeMap::new());
    parsed.unwrap_err().to_string()
}

/// A file of two megabytes once took 3.7 GB.
#[test]
fn aliases_count_with_their_expanded_bytes() {
    let long = "x".repeat(1 << 20);
    let aliases = "*long, ".repeat(100_000);
    let error = refused(&format!(
        "x-long: &long {long}\nx-list: [{aliases}]\naccounts: {{a: {{}}}}\n"
    ));
    let expected = "config.yaml:2:";
    assert!(error.starts_with(expected), "{error}");
    assert!(
        error.contains("more than 8388608 bytes with aliases expanded"),
        "{error}"
    );

    // Long keys and merge keys count, too.
    let error = refused(&format!(
        "x-long: &long {{? {long}\n  : 1}}\nx-list: [{aliases}]\naccounts: {{a: {{}}}}\n"
    ));
    assert!(error.starts_with("config.yaml:"), "{error}");
    let key = "k".repeat(1000);
    let mut map = String::from("x-map: &map\n");
    for n in 0..1000 {
        writeln!(map, "  {key}{n}: v").unwrap();
    }
    map.push_str("x-copies:\n");
    for n in 0..1000 {
        writeln!(map, "  c{n}: {{<<: *map}}").unwrap();
    }
    let error = refused(&format!("{map}accounts: {{a: {{}}}}\n"));
    assert!(error.contains("bytes with aliases expanded"), "{error}");
    assert!(error.starts_with("config.yaml:1009:"), "{error}");
}

/// Each anchor is a copy, and anchors nest.
#[test]
fn nested_anchors_count_with_their_copies() {
    let anchors: String = (0..20).fold(String::new(), |text, n| text + &format!("&a{n} ["));
    let items = "1, ".repeat(50_000);
    let error = refused(&format!(
        "x-deep: {anchors}{items}{}\naccounts: {{a: {{}}}}\n",
        "]".repeat(20)
    ));
    assert!(
        error.contains("more than 200000 values with aliases expanded"),
        "{error}"
    );
    let deep = "[".repeat(5_000);
    let error = refused(&format!("x-deep: {deep}\n"));
    assert!(error.starts_with("config.yaml:1:"), "{error}");
}

#[test]
fn small_anchors_may_be_used_thousands_of_times() {
    let mut text = String::from("x-base: &base {interval: 90s, labels: {team: core}}\naccounts:\n");
    for n in 0..5_000 {
        writeln!(text, "  a-{n}: {{<<: *base}}").unwrap();
    }
    let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
    assert_eq!(config.accounts.len(), 5_000);
}

#[test]
fn account_files_share_one_budget() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(1 << 20);
    for n in 0..10 {
        let text = format!("x-a: &a {long}\nx-b: [*a, *a, *a, *a]\naccounts: {{a-{n}: {{}}}}\n");
        fs::write(folder.path().join(format!("{n}.yaml")), text).unwrap();
    }
    let main = folder.path().join("config");
    fs::write(&main, "account_files: ['*.yaml']\n").unwrap();
    let error = Config::load(Some(&main), &BTreeMap::new())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("more than 33554432 bytes with aliases expanded"),
        "{error}"
    );
}

#[test]
fn an_unreadable_account_file_is_never_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("acc")).unwrap();
    fs::write(at("acc/good.yaml"), "a: {}\n").unwrap();
    let main = at("config.yaml");
    let load = |pattern: &str| {
        fs::write(
            &main,
            format!("account_files: [{pattern}]\naccounts: {{b: {{}}}}\n"),
        )
        .unwrap();
        Config::load(Some(&main), &BTreeMap::new()).map_err(|error| error.to_string())
    };
    assert!(load("'acc/*.yaml'").is_ok());

    symlink("../..data/gone.yaml", at("acc/link.yaml")).unwrap();
    let error = load("'acc/*.yaml'").unwrap_err();
    assert!(
        error.contains("config.yaml:1:17: account_files[0]: "),
        "{error}"
    );
    assert!(error.contains("acc/link.yaml leads nowhere"), "{error}");
    fs::remove_file(at("acc/link.yaml")).unwrap();

    let made = Command::new("mkfifo").arg(at("acc/fifo.yaml")).status();
    assert!(made.unwrap().success());
    for pattern in ["'acc/*.yaml'", "acc/fifo.yaml"] {
        let error = load(pattern).unwrap_err();
        assert!(
            error.contains("acc/fifo.yaml: ") && error.contains("it is a FIFO"),
            "{error}"
        );
    }

    symlink("nowhere", at("folder")).unwrap();
    symlink("loop", at("loop")).unwrap();
    let error = load("'folder/*.yaml'").unwrap_err();
    assert!(error.contains("folder leads nowhere"), "{error}");
    let error = load("'loop/*.yaml'").unwrap_err();
    assert!(error.contains("cannot list the folder"), "{error}");
    let error = load("'l*p/good.yaml'").unwrap_err();
    assert!(error.contains("loop/good.yaml"), "{error}");
    let absent = load("'none/*.yaml'").unwrap();
    assert_eq!(absent.warnings.len(), 1, "{:?}", absent.warnings);
}

/// Invisible characters in names of files and keys are escaped, on one line.
#[test]
fn names_in_errors_are_visible() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    fs::write(&config, "account_files: [\"*.yml\"]\naccounts: {z: {}}\n").unwrap();
    let odd = "a\nconfig.yaml: all is well\u{202e}\u{200b}b.yml";
    fs::write(folder.path().join(odd), "x: {").unwrap();
    let error = Config::load(Some(&config), &BTreeMap::new()).unwrap_err();
    let error = error.to_string();
    let shown = r"a\nconfig.yaml: all is well\u{202e}\u{200b}b.yml";
    assert!(error.contains(shown), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");

    for (yaml, shown) in [
        ("\"a\\u200b\"", r"accounts.a\u{200b}: "),
        ("\"\\u202ea\"", r"accounts.\u{202e}a: "),
        ("\"a\\u2028b\"", r"accounts.a\u{2028}b: "),
        ("\"it's\"", "accounts.it's: "),
        ("\"\u{4e91}\"", "accounts.\u{4e91}: "),
    ] {
        let error = refused(&format!("accounts: {{{yaml}: {{}}}}"));
        assert!(error.contains(shown), "{error}");
    }
}

/// A hung mount, for example. The kernel may never return, so the load ends without the read.
#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_is_an_error_and_does_not_prevent_later_loads() {
    let file = Path::new("/mnt/config.yaml");
    let slot = ReadSlot::default();
    let sources = || {
        let text = "accounts: {a: {}}";
        Ok(Sources::text("/mnt/config.yaml", text, &BTreeMap::new()))
    };
    // The blocking thread stops the paused clock from advancing by itself.
    let past_the_limit = async || {
        yield_now().await;
        advance(LOAD_TIMEOUT + Duration::from_millis(1)).await;
    };

    let (end, ended) = mpsc::channel::<()>();
    let hung = Config::load_in(&slot, Some(file), move || {
        let _ = ended.recv();
        sources()
    });
    let (first, ()) = tokio::join!(hung, past_the_limit());
    let error = first.unwrap_err().to_string();
    assert!(error.starts_with("/mnt/config.yaml"), "{error}");
    assert!(error.contains("not read within 10s"), "{error}");

    // The second load waits for the slot, and does not occupy another thread.
    let (began, begins) = mpsc::channel();
    let waiting = Config::load_in(&slot, Some(file), move || {
        began.send(()).unwrap();
        sources()
    });
    let (second, ()) = tokio::join!(waiting, past_the_limit());
    assert!(second.is_err());
    assert!(begins.try_recv().is_err(), "a second read has begun");

    drop(end);
    resume();
    let config = Config::load_in(&slot, Some(file), sources).await.unwrap();
    assert_eq!(config.accounts[0].name, "a");
}
