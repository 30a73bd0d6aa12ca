//! The shell completions match the flags.

use std::process::Command;

use clap::CommandFactory;
use clap_complete::{Shell, generate};
use cloudaudit_exporter::cli::Cli;

use crate::run::{file, golden, output};

const FOLDER: &str = "deploy/package/completions";

#[test]
fn golden_completions() {
    for (shell, name) in [
        (Shell::Bash, "cloudaudit-exporter.bash"),
        (Shell::Zsh, "_cloudaudit-exporter"),
        (Shell::Fish, "cloudaudit-exporter.fish"),
    ] {
        let mut text = Vec::new();
        generate(shell, &mut Cli::command(), "cloudaudit-exporter", &mut text);
        golden(
            &format!("{FOLDER}/{name}"),
            &String::from_utf8(text).unwrap(),
        );
    }
}

#[test]
fn bash_completes_a_flag_and_a_command() {
    assert_eq!(completed("--web.l"), "--web.listen-address\n");
    assert_eq!(completed("dem"), "demo\n");
    assert_eq!(completed("--gone"), "");
}

/// Returns what bash offers for the beginning of a word.
fn completed(word: &str) -> String {
    let script = r#"
        source "$1"
        function="$(complete -p cloudaudit-exporter | sed 's/.* -F \([^ ]*\) .*/\1/')"
        COMP_WORDS=(cloudaudit-exporter "$2") COMP_CWORD=1 COMPREPLY=()
        "$function" cloudaudit-exporter "$2" cloudaudit-exporter
        if ((${#COMPREPLY[@]})); then printf '%s\n' "${COMPREPLY[@]}"; fi"#;
    output(
        Command::new("bash")
            .args(["-c", script, "bash"])
            .arg(file(FOLDER).join("cloudaudit-exporter.bash"))
            .arg(word),
    )
}
