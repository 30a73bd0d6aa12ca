//! Files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(name: &str) -> String {
    let file = root().join(name);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Compares a file with its expected text. `UPDATE_GOLDEN=1` rewrites it.
pub(crate) fn golden(name: &str, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(name), text).unwrap();
    }
    let written = fs::read_to_string(root().join(name)).unwrap_or_default();
    let differs = text
        .lines()
        .zip(written.lines().chain(std::iter::repeat("")))
        .find(|(new, old)| new != old);
    assert!(
        text == written,
        "{name} differs (`make golden` rewrites it), first in {differs:?}"
    );
}

/// Compares the generated part of a page, which is between two marks, with its expected text.
pub(crate) fn golden_part(name: &str, text: &str) {
    const BEGIN: &str = "<!-- generated: `make golden` rewrites this part -->\n";
    const END: &str = "<!-- end of the generated part -->\n";
    let page = read(name);
    let (before, rest) = page.split_once(BEGIN).expect("the mark before the part");
    let (_, after) = rest.split_once(END).expect("the mark after the part");
    golden(name, &format!("{before}{BEGIN}\n{text}\n{END}{after}"));
}

/// Returns the paths of all Markdown files, relative to the root.
pub(crate) fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if name != "target" && (!name.starts_with('.') || name == ".github") {
                walk(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path.strip_prefix(root()).unwrap().to_owned());
        }
    }
}
