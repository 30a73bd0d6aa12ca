//! What people are told to type can be typed.

use std::collections::BTreeSet;

use clap::{CommandFactory, Parser};
use cloudaudit_exporter::cli::Cli;

use crate::files::{pages, read, root};
use crate::markdown::Markdown;

#[test]
fn every_command_of_the_pages_is_one_that_there_is() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let name = page.to_string_lossy();
        // What the changelog says was so once.
        if name != "CHANGELOG.md" {
            for command in Markdown::of(&read(&name)).commands() {
                seen += 1;
                wrong.extend(objection(&command).map(|why| format!("{name}: {command}: {why}")));
            }
        }
    }
    assert!(seen > 20, "{seen} commands");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_command_that_there_is_not_is_found() {
    assert_eq!(objection("make test"), None);
    assert_eq!(
        objection("cargo run --release -- check --output json"),
        None
    );
    assert!(objection("make coffee").is_some());
    assert!(objection("cloudaudit-exporter check --police").is_some());
    assert!(objection("cargo run --release -- brew").is_some());
    assert!(objection("docker build -f deploy/gone .").is_some());
}

fn objection(command: &str) -> Option<String> {
    // What follows a pipe belongs to others.
    let words = command.split_whitespace().take_while(|word| *word != "|");
    let words: Vec<&str> = words.collect();
    match words[..] {
        // Another folder's targets are made by its own rules.
        ["make", "-C", folder, ..] => {
            (!root().join(folder).join("Makefile").exists()).then(|| "no such folder".to_owned())
        }
        ["make", target, ..] => {
            let rule = format!("{target}:");
            let known = read("Makefile").lines().any(|line| line.starts_with(&rule));
            (!known).then(|| "no such target".to_owned())
        }
        ["cargo", "run", "--release", ref rest @ ..] => {
            usage(rest.strip_prefix(&["--"]).unwrap_or(rest))
        }
        ["cloudaudit-exporter", ref rest @ ..] => usage(rest),
        ["docker", ref rest @ ..] => {
            let file = rest.iter().skip_while(|word| **word != "-f").nth(1)?;
            (!root().join(file).exists()).then(|| "no such file".to_owned())
        }
        // What belongs to others: cargo, curl, export and the like.
        _ => None,
    }
}

fn usage(arguments: &[&str]) -> Option<String> {
    let arguments = std::iter::once(&"cloudaudit-exporter").chain(arguments);
    let error = Cli::try_parse_from(arguments).err()?;
    let help = matches!(
        error.kind(),
        clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
    );
    (!help).then(|| error.to_string())
}

#[test]
fn every_flag_is_documented_and_every_documented_flag_exists() {
    let page = Markdown::of(&read("docs/operation.md"));
    let documented: BTreeSet<String> = page
        .spans
        .iter()
        .filter(|span| span.starts_with("--"))
        .map(|span| span.split(['=', ' ']).next().unwrap_or_default().to_owned())
        .chain(["--output".to_owned()])
        .collect();
    let mut cli = Cli::command();
    cli.build();
    let commands = std::iter::once(&cli).chain(cli.get_subcommands());
    let existing: BTreeSet<String> = commands
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
        .collect();
    assert_eq!(documented, existing);
}

#[test]
fn every_flag_s_row_names_its_variable_and_its_default() {
    let page = Markdown::of(&read("docs/operation.md"));
    for argument in Cli::command().get_arguments() {
        let Some(variable) = argument.get_env() else {
            continue;
        };
        let flag = format!("`--{}`", argument.get_long().unwrap());
        let row = page.rows.iter().find(|row| row[0].starts_with(&flag));
        let row = row.unwrap_or_else(|| panic!("{flag} has no row"));
        assert!(row[1].contains(&*variable.to_string_lossy()), "{row:?}");
        for default in argument.get_default_values() {
            let default = default.to_string_lossy();
            let is_switch = default == "false" && row[2] == "off";
            assert!(is_switch || row[2] == format!("`{default}`"), "{row:?}");
        }
    }
}

#[test]
fn every_command_and_every_exit_code_has_its_row() {
    let page = Markdown::of(&read("docs/operation.md"));
    let has = |cell: &str| page.rows.iter().any(|row| row[0] == cell);
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(has(&format!("`cloudaudit-exporter {name}`")), "{name}");
    }
    for code in ["0", "1", "2", "78"] {
        assert!(has(code), "{code}");
    }
}
