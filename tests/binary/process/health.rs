//! `health` reaches an exporter that listens on every address, whatever loopback the machine has.

use std::process::Command;

use super::program::{shell, text};
use crate::support::exporter::{Exporter, binary};
use crate::support::site::{Site, with};

/// Runs a script in a network namespace after `setup` has changed its loopback. Returns `None` if the
/// test may not create one.
fn in_a_network(setup: &str, script: &str) -> Option<(bool, String)> {
    let whole = format!(
        r#"exec unshare --net --mount bash -c '
        ip link set lo up && {setup} || exit 99
        {script}
        ' "$0""#
    );
    let output = shell(&whole, &binary());
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code() != Some(99) && !said.contains("unshare failed"))
        .then(|| (output.status.success(), said))
}

#[test]
fn both_loopbacks_are_tried() {
    let no_v6 = "{ ip -6 addr del ::1/128 dev lo 2>/dev/null || true; }";
    let no_v4 = "{ ip -4 addr del 127.0.0.1/8 dev lo 2>/dev/null || true; }";
    for (setup, address) in [
        (no_v6, "[::]:19629"),
        (no_v6, ":19629"),
        (no_v6, "[0:0:0:0:0:0:0:0]:19629"),
        (no_v6, "0.0.0.0:19629"),
        (no_v4, "[::]:19629"),
        (no_v4, ":19629"),
    ] {
        let script = format!(
            r#"
            "$0" --web.listen-address={address} 2>/dev/null & daemon=$!
            for _ in $(seq 100); do
                said=$("$0" health --web.listen-address={address} 2>&1) && kill $daemon && exit 0
                sleep 0.1
            done
            echo "$said"; kill $daemon; exit 1
            "#
        );
        match in_a_network(setup, &script) {
            Some((succeeded, said)) => assert!(succeeded, "{setup} {address}: {said}"),
            None => eprintln!("not run: this needs the right to make a network namespace"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_of_the_same_exporter_is_tried() {
    let site = Site::start().await;
    site.write("a: {}");
    let exporter = Exporter::start(Some(&site.file), &with(&[]));
    let health = |addresses: &[String]| {
        let mut command = binary();
        command.arg("health");
        for address in addresses {
            command.args(["--web.listen-address", address]);
        }
        command.output().unwrap()
    };
    let here = exporter.address().to_string();
    let socket = format!("unix:{}", site.folder.path().join("none").display());
    let ended = health(&[socket.clone(), here]);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let ended = health(&[socket.clone(), "127.0.0.1:1".to_owned()]);
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        said.contains(&socket) && said.contains("127.0.0.1:1"),
        "{said}"
    );
}

/// `health` cannot know the address of a socket that systemd passes.
#[test]
fn a_socket_of_systemd_is_named_as_a_reason() {
    let output = Command::new(binary().get_program())
        .args(["health", "--web.systemd-socket"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("--web.listen-address"), "{said}");
}
