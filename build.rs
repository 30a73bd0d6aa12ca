//! Passes the revision, the compiler and the target to the build, for
//! `cloudaudit_exporter_build_info`.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo configures build scripts through the environment"
)]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    // A build outside a checkout can set the variable; otherwise git knows the revision.
    println!("cargo:rerun-if-env-changed=CLOUDAUDIT_EXPORTER_REVISION");
    // Each commit appends a line to this file. Without it, cargo watches the whole package.
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo:rerun-if-changed=.git/logs/HEAD");
    }
    let revision = env::var("CLOUDAUDIT_EXPORTER_REVISION")
        .ok()
        .or_else(|| first_line("git", &["rev-parse", "--short=12", "HEAD"]))
        .unwrap_or_else(|| "unknown".to_owned());
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let rustc = first_line(&rustc, &["--version"])
        .and_then(|line| line.split_whitespace().nth(1).map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned());
    let target = env::var("TARGET").unwrap_or_else(|_| "unknown".to_owned());
    println!("cargo:rustc-env=BUILD_REVISION={revision}");
    println!("cargo:rustc-env=BUILD_RUSTC={rustc}");
    println!("cargo:rustc-env=BUILD_TARGET={target}");
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
