//! The shell blocks of the pages: their syntax, and the variables, paths and chart values in them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use cloudaudit_exporter::cli::Cli;
use cloudaudit_exporter::config::Config;
use serde_json::Value;

use crate::files::{pages, read, root};
use crate::markdown::Markdown;

/// Folders of the repository whose files may be in a block.
const FOLDERS: [&str; 4] = ["deploy/", "grafana/", "docs/", "tests/"];

/// A folder that a command of a page creates.
const CREATED: &str = "deploy/kustomize/overlays/ours";

#[test]
fn every_shell_block_of_the_pages_is_valid() {
    let mut errors = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let name = page.to_string_lossy();
        for block in Markdown::of(&read(&name)).shell_blocks() {
            seen += 1;
            errors.extend(error_in(&block).map(|why| format!("{name}: {why} in\n{block}")));
        }
    }
    assert!(seen > 50, "{seen} blocks");
    assert!(errors.is_empty(), "{}", errors.join("\n\n"));
}

#[test]
fn an_invalid_block_is_found() {
    assert_eq!(error_in("cp deploy/prometheus/rules/*.yaml ."), None);
    for block in [
        "for a in 1; echo",
        "export CLOUDAUDIT_EXPORTER_WEB_PATH=/x",
        "export CLOUDAUDIT_EXPORTER__POLL__EVERY=1m",
        "cp deploy/gone/*.yaml .",
        "helm install a b --set persistence.enable=true",
    ] {
        assert!(error_in(block).is_some(), "{block}");
    }
}

fn error_in(block: &str) -> Option<String> {
    syntax(block).or_else(|| {
        let code = block.replace("\\\n", " ");
        let code: String = code
            .lines()
            .map(|line| line.split(" # ").next().unwrap_or_default().to_owned() + "\n")
            .collect();
        let between = |c: char| c.is_whitespace() || "'\"();".contains(c);
        let words: Vec<&str> = code
            .split(between)
            .filter(|word| !word.is_empty())
            .collect();
        words
            .iter()
            .find_map(|word| variable(word).or_else(|| path(word)))
            .or_else(|| chart_value(&words))
    })
}

/// Parses a block with the shell without running it.
fn syntax(block: &str) -> Option<String> {
    let mut shell = Command::new("bash")
        .args(["-n", "-s"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    input.write_all(block.as_bytes()).unwrap();
    drop(input);
    let done = shell.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr).into_owned();
    (!done.status.success()).then_some(errors)
}

/// Checks that a variable of the exporter belongs to a flag or a key of the configuration.
fn variable(word: &str) -> Option<String> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    if !name.starts_with("CLOUDAUDIT_EXPORTER_") {
        return None;
    }
    if name.starts_with("CLOUDAUDIT_EXPORTER__") {
        let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let accounts = "accounts: {default: {}, prod: {credentials: {secret_id: AKIDexample}}}";
        let parsed = Config::parse("a page", accounts, &environment);
        // Errors about other parts of the configuration are not errors of the variable.
        return parsed
            .err()
            .map(|error| error.to_string())
            .filter(|error| error.contains(name));
    }
    let cli = Cli::command();
    let known: BTreeSet<_> = cli.get_arguments().filter_map(clap::Arg::get_env).collect();
    (!known.iter().any(|flag| *flag == name)).then(|| format!("no flag has the variable {name}"))
}

/// Checks that a path or the folder of a pattern exists in the repository.
fn path(word: &str) -> Option<String> {
    let path = word.rsplit('=').next()?.trim_start_matches("./");
    let is_in_repository = FOLDERS.iter().any(|folder| path.starts_with(folder));
    if !is_in_repository || path.starts_with(CREATED) {
        return None;
    }
    let folder = path.split('*').next()?.trim_end_matches(',');
    let exists = root().join(folder).exists();
    (!exists).then(|| format!("no such path as {path}"))
}

/// Checks that the chart has each value that `--set` names.
fn chart_value(words: &[&str]) -> Option<String> {
    let schema = read("deploy/helm/cloudaudit-exporter/values.schema.json");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let sets = words.iter().zip(words.iter().skip(1));
    let mut values = sets.filter(|(flag, _)| flag.starts_with("--set"));
    values.find_map(|(_, value)| {
        let keys = value.split('=').next()?;
        let known = keys
            .split('.')
            .try_fold(&schema, |node, key| below(&schema, node, key));
        known.is_none().then(|| format!("no such value as {keys}"))
    })
}

/// Returns the schema of a key, or of the items of its list. A mapping without properties accepts
/// any key.
fn below<'s>(schema: &'s Value, node: &'s Value, key: &str) -> Option<&'s Value> {
    let (name, items) = key
        .split_once('[')
        .map_or((key, false), |(name, _)| (name, true));
    let node = crate::configuration::resolved(schema, node);
    let node = match node["properties"].as_object() {
        Some(properties) => properties.get(name)?,
        None => node,
    };
    let node = crate::configuration::resolved(schema, node);
    Some(if items { &node["items"] } else { node })
}
