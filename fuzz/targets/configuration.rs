//! A configuration file, with the environment in its first lines. Loading never panics, messages show
//! no secret, and an accepted configuration is usable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::config::{self, Config, Credentials};
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::snapshot::{AccountInfo, Report};
use http::{HeaderValue, Uri};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::text_format::parse;

/// The mark of a secret.
const MARK: &str = "HUSH";

const FILE: &str = "fuzz.yaml";

/// Reads the input as the cases of `tests/config` are read.
pub fn configuration(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let environment = environment(&text);
    match Config::parse(FILE, &text, &environment) {
        Ok(config) => {
            let shown = format!("{config:#?}");
            let secrets = ["secret_key", "token", "proxy"];
            assert!(
                !shown.contains(MARK) || !is_marked_in(&text, &environment, &secrets),
                "{shown}"
            );
            for warning in &config.warnings {
                can_be_shown(warning);
            }
            for account in &config.accounts {
                can_be_signed(account);
                can_be_published(account);
            }
        }
        Err(error) => {
            let error = error.to_string();
            can_be_shown(&error);
            let is_syntax = error.contains(": not valid YAML: ");
            let secrets = ["secret_id", "secret_key", "token", "proxy"];
            if error.contains(MARK) {
                let is_hidden = is_syntax || is_marked_in(&text, &environment, &secrets);
                assert!(!is_hidden, "{error}");
            }
        }
    }
}

/// Leading comments `# env: NAME=value`.
fn environment(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map_while(|line| line.strip_prefix("# env: "))
        .filter_map(|variable| variable.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns whether the mark is in values of these keys and in no other value, so that no output may
/// contain it. Another YAML parser decides; text that it cannot parse is not checked.
fn is_marked_in(text: &str, environment: &BTreeMap<String, String>, keys: &[&str]) -> bool {
    let is_secret = |(name, value): (&String, &String)| {
        let key = name.rsplit("__").next().unwrap_or_default();
        let is_of_key = keys.contains(&key.to_lowercase().as_str());
        !name.contains(MARK) && (is_of_key || !value.contains(MARK))
    };
    let root = serde_saphyr::from_str::<Value>(text);
    environment.iter().all(is_secret) && root.is_ok_and(|root| is_marked_below(&root, &[], keys))
}

fn is_marked_below(value: &Value, path: &[&str], keys: &[&str]) -> bool {
    match value {
        Value::Object(entries) => entries.iter().all(|(key, value)| {
            let path = [path, &[key.as_str()]].concat();
            !key.contains(MARK) && is_marked_below(value, &path, keys)
        }),
        Value::Array(items) => items.iter().all(|item| is_marked_below(item, path, keys)),
        Value::String(text) if text.contains(MARK) => match path {
            ["http", key] | [.., "credentials", key] => {
                keys.contains(key) && !path.contains(&"labels")
            }
            _ => false,
        },
        _ => true,
    }
}

/// Lines of text, and nothing that moves a terminal's cursor.
fn can_be_shown(message: &str) {
    let moves = |c: char| c.is_control() && c != '\n';
    assert!(!message.contains(moves), "{message:?}");
}

/// The client takes for granted that these can be sent.
fn can_be_signed(account: &config::Account) {
    let header = |text: &str| HeaderValue::from_str(text).expect("it fits into a header");
    for region in &account.regions {
        header(region);
    }
    let endpoint = &account.endpoint;
    header(endpoint.authority());
    let url = format!("{}://{}/", endpoint.scheme(), endpoint.authority());
    let url: Uri = url
        .parse()
        .expect("an endpoint is a scheme and an authority");
    let authority = url.authority().expect("there is one").as_str();
    assert_eq!(authority, endpoint.authority(), "what is signed is sent");
    if let Credentials::Inline {
        secret_id,
        secret_key: _,
        token,
    } = &account.credentials
    {
        header(secret_id);
        if let Some(token) = token {
            header(token.expose_secret());
        }
    }
    assert!(!account.regions.is_empty());
    assert!(account.requests_per_second > 0 && !account.interval.is_zero());
}

/// Its labels go to Prometheus as they are.
fn can_be_published(account: &config::Account) {
    let now = Moment {
        wall: UNIX_EPOCH,
        steady: Instant::now(),
    };
    let info = Arc::new(AccountInfo {
        name: account.name.clone(),
        labels: account.labels.clone(),
        site: account.site.as_str(),
        provider: "inline",
        ..AccountInfo::default()
    });
    let publisher = Publisher::new();
    let report = Report {
        account: Arc::clone(&info),
        requests_per_second: f64::from(account.requests_per_second),
        ..Report::default()
    };
    let evidence = report.evidence;
    publisher
        .account(info)
        .publish(Arc::new(report), evidence, now);
    let text = publisher.exposition(false, "", now).concat();
    let families = parse(str::from_utf8(&text).expect("the text format is UTF-8"));
    for sample in families.iter().flat_map(|family| &family.samples) {
        assert_eq!(sample.label("account"), account.name);
        for (name, value) in &account.labels {
            assert_eq!(sample.label(name), value);
        }
    }
}
