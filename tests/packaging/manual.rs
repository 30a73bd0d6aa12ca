//! The manual page, generated from the flags and from fixed sections.

use std::io::Write;
use std::process::{Command, Stdio};

use clap::{Arg, CommandFactory};
use clap_mangen::Man;
use cloudaudit_exporter::cli::Cli;

use crate::run::{file, golden, read};

const PAGE: &str = "deploy/package/cloudaudit-exporter.1";

const NAME_AND_SYNOPSIS: &str = r"
.SH NAME
cloudaudit\-exporter \- Prometheus exporter for Tencent Cloud CloudAudit tracks
.SH SYNOPSIS
.SY cloudaudit\-exporter
.RI [ options ]
.RI [ command ]
.YS
";

const AFTER: &str = r#"
.SH FILES
.TP
\fI/etc/default/cloudaudit\-exporter\fR
Environment variables of the service, for keys and flags. Only root can read this file.
.TP
\fI/etc/cloudaudit\-exporter/cloudaudit\-exporter.yaml\fR
Example configuration with every key. The service uses this file if \fBCLOUDAUDIT_EXPORTER_CONFIG_FILE\fR names it.
.TP
\fI/var/lib/cloudaudit\-exporter/state.json\fR
State file: listings, changes and evidence, which the exporter restores after a restart.
.TP
\fI/usr/share/cloudaudit\-exporter/\fR
Alert rules for Prometheus, dashboards for Grafana, and the JSON Schema of the configuration.
.SH SIGNALS
.TP
.B SIGHUP
Reloads the configuration file.
.TP
.BR SIGTERM ", " SIGINT ", " SIGQUIT
Stops the process within a second, or within the grace period if requests are in flight. A second signal stops the process at once.
.SH EXIT STATUS
.TP
.B 0
Success.
.TP
.B 1
Failure, or a second signal. For \fBonce\fR and \fBcheck \-\-online\fR, a poll failed.
.TP
.B 2
Wrong usage.
.TP
.B 78
Bad configuration.
.SH SEE ALSO
.BR systemctl (1),
.UR https://github.com/cloudaudit-exporter/cloudaudit-exporter
the home of the project
.UE .
"#;

#[test]
fn golden_manual() {
    golden(PAGE, &page());
}

#[test]
fn groff_has_no_warnings_about_the_manual() {
    assert_eq!(warnings(&read(file(PAGE))), "");
}

#[test]
fn an_unknown_roff_request_is_found() {
    let broken = format!("{}.GONE\n", read(file(PAGE)));
    assert!(warnings(&broken).contains("GONE"));
}

#[test]
fn every_exit_code_of_the_help_is_in_the_manual() {
    let help = Cli::command().get_after_help().unwrap().to_string();
    let codes: Vec<&str> = help
        .split(|c: char| !c.is_ascii_digit())
        .filter(|code| !code.is_empty())
        .collect();
    assert!(codes.len() > 3);
    for code in codes {
        assert!(AFTER.contains(&format!(".TP\n.B {code}\n")), "{code}");
    }
}

fn page() -> String {
    let man = Man::new(Cli::command());
    // The crate omits an empty date, and then the next field would be read as the date.
    let title = concat!(
        ".TH cloudaudit\\-exporter 1 \"\" \"cloudaudit\\-exporter ",
        env!("CARGO_PKG_VERSION"),
        "\" \"User Commands\"\n",
    );
    let mut text = title.as_bytes().to_vec();
    text.extend_from_slice(NAME_AND_SYNOPSIS.trim_start().as_bytes());
    man.render_description_section(&mut text).unwrap();
    text.extend_from_slice(commands().as_bytes());
    man.render_options_section(&mut text).unwrap();
    text.extend_from_slice(AFTER.trim_start().as_bytes());
    String::from_utf8(text).unwrap()
}

/// Formats the commands with their flags. The crate would refer to a separate page for each.
fn commands() -> String {
    let mut lines = vec![".SH COMMANDS".to_owned()];
    for command in Cli::command().get_subcommands() {
        let flags: Vec<&Arg> = command.get_arguments().collect();
        let usage = flags.iter().map(|flag| {
            if !flag.get_action().takes_values() {
                return format!(" [{}]", bold(flag));
            }
            let value = &flag.get_value_names().unwrap()[0];
            format!(" [{} \\fI{value}\\fR]", bold(flag))
        });
        let usage: String = usage.collect();
        lines.push(format!(".TP\n\\fB{}\\fR{usage}", command.get_name()));
        let about = command.get_about().unwrap().to_string();
        lines.push(format!("{}.", escaped(&about)));
        lines.extend(flags.iter().map(|flag| {
            let help = flag.get_help().unwrap().to_string();
            format!(".br\n{}: {}.", bold(flag), escaped(&help))
        }));
    }
    lines.join("\n") + "\n"
}

fn bold(flag: &Arg) -> String {
    format!("\\fB\\-\\-{}\\fR", flag.get_long().unwrap())
}

/// Escapes hyphens in a line of prose, and checks that it is not a roff request.
fn escaped(text: &str) -> String {
    assert!(!text.starts_with(['.', '\'']) && !text.contains('\\'));
    text.replace('-', "\\-")
}

/// Returns the warnings of groff about a page.
fn warnings(page: &str) -> String {
    let mut groff = Command::new("groff")
        .args(["-ww", "-man", "-Tutf8", "-z"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("groff");
    groff
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let output = groff.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}
