//! The examples and the numbers in the pages are correct.

use std::collections::BTreeMap;
use std::process::Command;

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
            {
                // The values of the chart contain a configuration.
                let text = if text.starts_with("config:") {
                    below_config(&lines)
                } else {
                    text
                };
                seen += 1;
                Config::parse(&name, &text, &BTreeMap::new())
                    .unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
    assert!(seen >= 3, "{seen} configurations");
}

/// The page shows a configuration, and the policy that the exporter prints for it.
#[test]
fn the_policy_of_the_page_is_what_the_exporter_prints() {
    let page = Markdown::of(&read("docs/delivery.md"));
    let block = |expected: &str, part: &str| {
        let blocks = page.blocks.iter();
        let texts = blocks.filter(|(language, _)| language == expected);
        let mut texts = texts.map(|(_, lines)| lines.join("\n"));
        texts.find(|text| text.contains(part)).unwrap()
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, block("yaml", "name: to-cos")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
        .env_clear()
        .args(["check", "--policy", "--config.file"])
        .arg(&file)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.trim_end(), block("json", "statement"));
}

/// Returns the configuration in the values of the chart.
fn below_config(lines: &[String]) -> String {
    let inside = lines[1..].iter().map_while(|line| line.strip_prefix("  "));
    inside.collect::<Vec<_>>().join("\n")
}

/// The folder of the test contains certificates with the names in the examples.
#[tokio::test]
async fn every_web_configuration_of_the_pages_loads() {
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

/// Several pages repeat the policy for convenience.
#[test]
fn the_policy_is_the_same_everywhere() {
    let pages = [
        "README.md",
        "README.zh-CN.md",
        "docs/credentials.md",
        "docs/zh/credentials.md",
    ];
    let policies = pages.map(|page| {
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

/// The numbers are counted in the exposition of an account with one target.
#[test]
fn the_documented_numbers_of_series_are_correct() {
    let text = read("tests/golden/healthy.prom");
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let count = |fits: &dyn Fn(&str) -> bool| samples.iter().filter(|sample| fits(sample)).count();
    let is_of_track = |sample: &str| sample.contains("track_id=");
    let target = count(&|sample| sample.contains("region=") && !is_of_track(sample));
    let account = count(&|sample| !sample.contains("region="));
    let track = count(&|sample| sample.contains("track_id=\"7\"") && !sample.contains("_changed_"));
    let rows = Markdown::of(&read("docs/sizing.md")).rows;
    let documented = |of: &str| {
        let row = rows.iter().find(|row| row[0] == of).unwrap();
        let digits: String = row[1].chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().unwrap()
    };
    // The process adds one series for each account: the restarts of its loop.
    assert_eq!(
        [
            documented("account"),
            documented("target"),
            documented("track")
        ],
        [account + 1, target, track]
    );
}
