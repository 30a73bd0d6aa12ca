//! Examples in the pages are right, and so is what they say of themselves in numbers.

use std::collections::BTreeMap;

use cloudaudit_exporter::config::Config;
use cloudaudit_exporter::web_config::WebConfig;
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use crate::files::{pages, read};
use crate::markdown::Markdown;

#[test]
fn every_configuration_of_the_pages_loads() {
    let mut seen = 0;
    for page in pages() {
        let name = page.to_string_lossy();
        for (language, lines) in Markdown::of(&read(&name)).blocks {
            let text = lines.join("\n");
            if language == "yaml"
                && (text.contains("accounts:") || text.contains("organizations:"))
                && text.contains('\n')
                && !text.contains("scrape_configs")
                && !text.contains("apiVersion")
                // A chart's values have a configuration in them, which tests/packaging/kube checks.
                && !text.starts_with("config:")
            {
                seen += 1;
                Config::parse(&name, &text, &BTreeMap::new())
                    .unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
    assert!(seen >= 3, "{seen} configurations");
}

/// Beside certificates of the names that the examples have.
#[tokio::test]
async fn every_web_configuration_of_the_pages_is_taken() {
    let folder = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let key = key.serialize_pem();
    for (name, pem) in [
        ("server.crt", &certificate),
        ("tls.crt", &certificate),
        ("ca.pem", &certificate),
        ("server.key", &key),
        ("tls.key", &key),
    ] {
        std::fs::write(folder.path().join(name), pem).unwrap();
    }
    let file = folder.path().join("web.yaml");
    let mut seen = 0;
    for page in pages() {
        let name = page.to_string_lossy();
        for (language, lines) in Markdown::of(&read(&name)).blocks {
            let text = lines.join("\n");
            let is_of_the_listener = ["tls_server_config:", "basic_auth_users:"]
                .iter()
                .any(|key| text.starts_with(key));
            if language == "yaml" && is_of_the_listener {
                seen += 1;
                std::fs::write(&file, text).unwrap();
                WebConfig::load(&file)
                    .await
                    .unwrap_or_else(|why| panic!("{name}: {why}"));
            }
        }
    }
    assert!(seen >= 2, "{seen} configurations");
}

/// The policy stands in several places, so that nobody has to look for it.
#[test]
fn the_policy_is_the_same_everywhere() {
    let policies = ["README.md", "README.zh-CN.md", "docs/credentials.md"].map(|page| {
        let blocks = Markdown::of(&read(page)).blocks;
        let (_, lines) = blocks
            .into_iter()
            .find(|(language, _)| language == "json")
            .unwrap();
        lines.join("\n")
    });
    assert!(
        policies.iter().all(|policy| *policy == policies[0]),
        "{policies:#?}"
    );
    let policy: serde_json::Value = serde_json::from_str(&policies[0]).unwrap();
    assert_eq!(
        policy["statement"][0]["action"],
        serde_json::json!(["cloudaudit:DescribeAuditTracks"])
    );
}

/// How many series there are of what, counted in the exposition of an account with one target.
#[test]
fn the_numbers_of_series_are_those_of_the_exposition() {
    let text = read("tests/golden/healthy.prom");
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let count = |fits: &dyn Fn(&str) -> bool| samples.iter().filter(|sample| fits(sample)).count();
    let is_of_track = |sample: &str| sample.contains("track_id=");
    let target = count(&|sample| sample.contains("region=") && !is_of_track(sample));
    let account = count(&|sample| !sample.contains("region="));
    let track = count(&|sample| sample.contains("track_id=\"7\"") && !sample.contains("_changed_"));
    let rows = Markdown::of(&read("docs/sizing.md")).rows;
    let said = |of: &str| {
        let row = rows.iter().find(|row| row[0] == of).unwrap();
        let digits: String = row[1].chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().unwrap()
    };
    // One more of an account is the process's: its loop's restarts.
    assert_eq!(
        [said("account"), said("target"), said("track")],
        [account + 1, target, track]
    );
}
