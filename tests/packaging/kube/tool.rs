//! Running tools, and preparing the folders that they check.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a program, and returns its standard output, or all its output as an error if it fails.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    run_with(command, "")
}

/// Runs a program with this standard input.
pub(crate) fn run_with(command: &mut Command, input: &str) -> Result<String, String> {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = process.stdin.take().expect("a pipe");
    let input = input.to_owned();
    // A program that fails early may not read all its input, so errors of the writer are ignored.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = process
        .wait_with_output()
        .expect("the output of the program");
    writer.join().expect("the writer does not panic");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stdout) + &text(&output.stderr))
    }
}

/// Copies a folder and follows links.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
}

/// Replaces a text in a file, which must contain it.
pub(crate) fn damage(file: &PathBuf, sound: &str, broken: &str) {
    let text = fs::read_to_string(file).expect("a file");
    assert!(text.contains(sound), "{sound} is not in {}", file.display());
    fs::write(file, text.replace(sound, broken)).expect("a writable file");
}
