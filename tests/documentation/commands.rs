//! The commands in the pages are valid.

use std::collections::BTreeSet;

use clap::{CommandFactory, Parser};
use cloudaudit_exporter::cli::Cli;

use crate::files::{pages, read, root};
use crate::markdown::Markdown;

#[test]
fn every_command_in_the_pages_is_valid() {
    let mut errors = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let name = page.to_string_lossy();
        // Commands in the changelog may be outdated.
        if name != "CHANGELOG.md" {
            for command in Markdown::of(&read(&name)).commands() {
                seen += 1;
                errors.extend(error_in(&command).map(|why| format!("{name}: {command}: {why}")));
            }
        }
    }
    assert!(seen > 20, "{seen} commands");
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn an_invalid_command_is_found() {
    assert_eq!(error_in("make test"), None);
    assert_eq!(error_in("cargo run --release -- check --output json"), None);
    assert!(error_in("make coffee").is_some());
    assert!(error_in("cloudaudit-exporter check --police").is_some());
    assert!(error_in("cargo run --release -- brew").is_some());
    assert!(error_in("docker build -f deploy/gone .").is_some());
    assert!(error_in("docker run -e A=b cloudaudit-exporter chek").is_some());
    assert!(error_in("export A=b; cloudaudit-exporter chek").is_some());
    assert_eq!(error_in("docker run cloudaudit-exporter"), None);
}

fn error_in(line: &str) -> Option<String> {
    let line = line.replace(" && ", " ; ").replace("; ", " ; ");
    line.split(" ; ").find_map(error_in_one)
}

fn error_in_one(command: &str) -> Option<String> {
    // A word after a pipe or a redirection belongs to another program or is a file.
    let words = command.split_whitespace();
    let words: Vec<&str> = words
        .take_while(|word| !["|", ">"].contains(word))
        .collect();
    match words[..] {
        // Targets of another folder are not checked.
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
        // The arguments of the exporter follow the name of its image or its program.
        ["docker", "run", ..] | ["kubectl", ..] => {
            let place = words
                .iter()
                .rposition(|word| *word == "cloudaudit-exporter")?;
            let is_run = words.contains(&"run") || words.contains(&"exec");
            is_run.then(|| usage(&words[place + 1..])).flatten()
        }
        ["docker", ref rest @ ..] => {
            let flag = |word: &&&str| ["-f", "--file"].contains(*word);
            let file = rest.iter().skip_while(|word| !flag(word)).nth(1)?;
            (!root().join(file).exists()).then(|| "no such file".to_owned())
        }
        // Commands of other programs: cargo, curl, export and the like.
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
