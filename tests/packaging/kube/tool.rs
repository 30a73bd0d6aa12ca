//! Programs that judge, and the folders they judge in.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a program says; as an error, all it said, if it fails.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    run_with(command, "")
}

/// The same, with something to read.
pub(crate) fn run_with(command: &mut Command, input: &str) -> Result<String, String> {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = process.stdin.take().expect("it was piped");
    let input = input.to_owned();
    // One that gives up early has not read everything, which is for its verdict to say.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = process.wait_with_output().expect("it can be waited for");
    writer.join().expect("the writer does not panic");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stdout) + &text(&output.stderr))
    }
}

/// Copies a folder; links become what they lead to.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let name = entry.expect("it can be listed").file_name();
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a file can be copied");
        }
    }
}

/// Replaces a text in a file, which has to be there.
pub(crate) fn damage(file: &PathBuf, sound: &str, broken: &str) {
    let text = fs::read_to_string(file).expect("the file is there");
    assert!(text.contains(sound), "{sound} is not in {}", file.display());
    fs::write(file, text.replace(sound, broken)).expect("it can be written");
}
