//! The file of `http.ca_file` while it is written, and with certificates that are no use.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::exporter::{Exporter, binary};
use crate::support::site::{LIFECYCLE, reload, with};

/// No account is polled: the exporter only loads and reloads the CA file.
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_file_that_is_empty_for_a_moment_is_waited_for_by_a_reload() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pem = fs::read("tests/support/ca.pem").unwrap();
    fs::write(at("ca.pem"), &pem).unwrap();
    let config = "endpoint: https://127.0.0.1:1\nhttp: {ca_file: ca.pem}\n\
                  accounts: {a: {interval: 20m, sts_endpoint: https://127.0.0.1:1}}\n";
    fs::write(at("config.yaml"), config).unwrap();
    let exporter = Exporter::start(Some(&at("config.yaml")), &with(&[LIFECYCLE]));
    // It listens before it has read everything, and answers after that.
    exporter.metrics().await;
    fs::write(at("ca.pem"), "").unwrap();
    let (answer, ()) = tokio::join!(reload(&exporter), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        fs::write(at("ca.pem"), &pem).unwrap();
    });
    assert_eq!(answer.0, 200, "{}", answer.1);
    fs::write(at("ca.pem"), "").unwrap();
    let (status, why) = reload(&exporter).await;
    assert_eq!(status, 500);
    assert!(why.contains("http.ca_file"), "{why}");
}

/// A certificate that expired long ago, and is not a CA.
fn useless_certificate() -> String {
    let mut params = rcgen::CertificateParams::new(vec!["old.example".into()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_file_that_is_useless_is_a_warning_and_a_broken_one_a_failed_reload() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy("tests/support/ca.pem", at("ca.pem")).unwrap();
    let config = |account: &str| {
        format!(
            "endpoint: https://127.0.0.1:1\nhttp: {{ca_file: ca.pem}}\n\
             accounts: {{{account}: {{interval: 20m, sts_endpoint: https://127.0.0.1:1}}}}\n"
        )
    };
    fs::write(at("config.yaml"), config("a")).unwrap();
    let exporter = Exporter::start(Some(&at("config.yaml")), &with(&[LIFECYCLE]));
    exporter.metrics().await;
    let warning = format!("http.ca_file {}: certificate", at("ca.pem").display());
    assert!(!exporter.log().contains(&warning), "{}", exporter.log());

    let pem = fs::read_to_string("tests/support/ca.pem").unwrap();
    let cut = useless_certificate().replacen("MII", "", 1);
    fs::write(at("ca.pem"), format!("{pem}{cut}")).unwrap();
    fs::write(at("config.yaml"), config("b")).unwrap();
    let (status, why) = reload(&exporter).await;
    assert_eq!(status, 500);
    assert!(why.contains(&format!("{warning} 2 (line ")), "{why}");
    let (_, kept) = exporter.get("/api/v1/targets").await;
    assert!(kept.contains(r#""account":"a""#), "{kept}");
    let metrics = exporter.metrics().await;
    let successful = "cloudaudit_exporter_config_last_reload_successful";
    assert_eq!(metrics.values(successful, &[]), [0.0]);

    fs::write(at("ca.pem"), format!("{pem}{}", useless_certificate())).unwrap();
    let (status, why) = reload(&exporter).await;
    assert_eq!(status, 200, "{why}");
    let expected = [
        format!("{warning} 2 (CN=rcgen self signed cert) expired on 2001-01-01T00:00:00Z"),
        format!("{warning} 2 (CN=rcgen self signed cert) is not a CA certificate"),
    ];
    let started = Exporter::start(Some(&at("config.yaml")), &with(&[]));
    for expected in &expected {
        exporter.line_with(&[expected]).await;
        started.line_with(&[expected]).await;
    }
    let checked = binary()
        .arg("check")
        .arg(format!("--config.file={}", at("config.yaml").display()))
        .output()
        .unwrap();
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    for expected in &expected {
        assert!(checked.contains(expected), "{checked}");
    }
}
