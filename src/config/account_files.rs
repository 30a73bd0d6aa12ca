//! Account files: found by the patterns of the configuration file, and added to its accounts.

use std::collections::{BTreeMap, HashMap};
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::defaults::{MOST_ACCOUNT_FILES, MOST_ACCOUNT_FILES_BYTES, MOST_LISTED};
use super::document::{Document, Entry, FREE_KEYS, Node, Place, SourceFile, Value};
use super::error::Fault;
use super::glob::Glob;
use super::key_path::{KeyPath, Step};
use super::named_file::folder_of;
use super::text::quoted;
use super::yaml::{self, Budget};
use crate::escape::visible_path;
use crate::files::{Presence, presence};

pub(super) const KEY: &str = "account_files";
const ACCOUNTS: &str = "accounts";

/// The account files that a configuration file names.
#[derive(Default)]
pub(super) struct Found {
    /// Their paths, each with the path as the configuration spells it.
    pub(super) files: BTreeMap<PathBuf, PathBuf>,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
}

/// Finds the account files that a document names.
pub(super) fn find(document: &Document) -> Found {
    let folder = folder_of(Path::new(&document.main().name));
    let mut found = Found::default();
    for (place, path, pattern) in patterns(document) {
        let files = match matching(folder, pattern) {
            Ok(files) => files,
            Err(why) => {
                found.faults.push(document.fault(place, &path, why));
                continue;
            }
        };
        if files.is_empty() {
            let (place, pattern) = (document.display(place), quoted(pattern));
            let warning = format!("{place}: {path}: no file matches {pattern}");
            found.warnings.push(warning);
        }
        for file in files {
            if found.files.len() == MOST_ACCOUNT_FILES && !found.files.contains_key(&file) {
                let why = format!(
                    "more than {MOST_ACCOUNT_FILES} files; the limit is {MOST_ACCOUNT_FILES}"
                );
                found.faults.push(document.fault(place, &path, why));
                return found;
            }
            let display_path = display_path(&file, folder, pattern);
            found.files.entry(file).or_insert(display_path);
        }
    }
    found
}

/// Adds the accounts of account files to a document, and returns what is wrong with the files.
pub(super) fn add(document: &mut Document, files: Vec<SourceFile>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut known: HashMap<String, Place> = places(document);
    // One budget for all files, so that many small files cannot expand to more than a large one.
    let mut budget = Budget::of_many_files();
    let mut bytes = 0;
    for file in files {
        bytes += file.text.len();
        if bytes > MOST_ACCOUNT_FILES_BYTES {
            let why = format!(
                "with this file, the account files have more than {MOST_ACCOUNT_FILES_BYTES} bytes, the limit for all of them"
            );
            faults.push(Fault::of_file(&file.name, why));
            break;
        }
        let accounts = yaml::parse(file, &mut budget).and_then(|file| {
            let accounts = entries(&file)?.to_vec();
            Ok((file, accounts))
        });
        let (file, mut accounts) = match accounts {
            Ok(accounts) => accounts,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        accounts.retain(|entry| match known.get(&entry.key) {
            None => true,
            Some(other) => {
                let why = format!(
                    "the same account again; it is already at {}",
                    document.display(other)
                );
                let path = KeyPath::from([ACCOUNTS, &entry.key]);
                faults.push(file.fault(&entry.place, &path, why));
                false
            }
        });
        let index = document.add_file(file);
        let added = document.add_entries(ACCOUNTS, index, accounts);
        known.extend(added.iter().map(|it| (it.key.clone(), it.place.clone())));
    }
    faults
}

/// Returns the path of a found file as the configuration spells it.
fn display_path(file: &Path, folder: &Path, pattern: &str) -> PathBuf {
    if Path::new(pattern).is_absolute() {
        return file.to_owned();
    }
    file.strip_prefix(folder).unwrap_or(file).to_owned()
}

/// Returns the patterns in the document. Reading the keys reports the other entries.
fn patterns(document: &Document) -> Vec<(&Place, KeyPath, &str)> {
    let path = KeyPath::from([KEY]);
    let Some(Value::List(items)) = document.get(&path).map(|node| &node.value) else {
        return Vec::new();
    };
    let items = items.iter().enumerate();
    let texts = items.filter_map(|(index, item)| match &item.value {
        Value::Scalar(text) if !text.is_empty() => {
            let mut path = path.clone();
            path.push(Step::Index(index));
            Some((&item.place, path, text.as_str()))
        }
        _ => None,
    });
    texts.collect()
}

/// Returns the places of the document's own accounts.
fn places(document: &Document) -> HashMap<String, Place> {
    let accounts = document.get(&KeyPath::from([ACCOUNTS]));
    let entries = accounts.map_or(&[][..], Node::entries).iter();
    let places = entries.map(|entry| (entry.key.clone(), entry.place.clone()));
    places.collect()
}

/// Returns the accounts of a file: all its keys, or those below the single key `accounts`.
fn entries(document: &Document) -> Result<&[Entry], Fault> {
    let mut keys = document.root().entries().iter();
    let Some(accounts) = keys.find(|entry| entry.key == ACCOUNTS) else {
        return Ok(document.root().entries());
    };
    let mut others = document.root().entries().iter();
    if let Some(other) = others.find(|it| it.key != ACCOUNTS && !it.key.starts_with(FREE_KEYS)) {
        let why = "not allowed in an account file; move it to the configuration file";
        let path = KeyPath::from([other.key.as_str()]);
        return Err(document.fault(&other.place, &path, why));
    }
    match &accounts.node.value {
        Value::Map(entries) => Ok(entries),
        Value::List(_) | Value::Scalar(_) => {
            let why = "not a mapping; write accounts by name";
            Err(document.fault(&accounts.place, &KeyPath::from([ACCOUNTS]), why))
        }
    }
}

/// Returns the files that a pattern matches. A path without `*` and `?` matches itself, whether it
/// exists or not.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![folder.to_owned()];
    for part in Path::new(pattern) {
        let part = part.to_string_lossy();
        let glob = Glob::from(part.as_ref());
        if !glob.is_wild() {
            for path in &mut found {
                path.push(part.as_ref());
            }
            continue;
        }
        let mut below = Vec::new();
        for path in found {
            below.extend(members(&path, &glob)?);
            if below.len() > MOST_ACCOUNT_FILES {
                return Err(format!(
                    "{} matches more than {MOST_ACCOUNT_FILES} names, the limit",
                    quoted(pattern)
                ));
            }
        }
        found = below;
    }
    if !Glob::from(pattern).is_wild() {
        return Ok(found);
    }
    let mut files = Vec::with_capacity(found.len());
    for path in found {
        match presence_of(&path)? {
            // A folder, or a file that was deleted after its folder was listed.
            Presence::Folder | Presence::Absent => {}
            // Skipping anything else would silently drop an account. Reading it reports the reason.
            Presence::File | Presence::Other(_) => files.push(path),
        }
    }
    Ok(files)
}

fn presence_of(path: &Path) -> Result<Presence, String> {
    presence(path).map_err(|error| format!("cannot access {}: {error}", visible_path(path)))
}

/// Returns the paths in a folder that match. As in a shell, only a pattern with a leading dot
/// matches a name with one: editors and Kubernetes use such names for their own files.
fn members(folder: &Path, glob: &Glob) -> Result<Vec<PathBuf>, String> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let cannot = |error| format!("cannot list the folder {}: {error}", visible_path(here));
    let listing = match here.read_dir() {
        Ok(listing) => listing,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            // A dangling link is not an absent folder.
            return presence_of(here).map(|_| Vec::new());
        }
        Err(error) => return Err(cannot(error)),
    };
    let listing: Result<Vec<DirEntry>, _> = listing.take(MOST_LISTED + 1).collect();
    let listing = listing.map_err(cannot)?;
    if listing.len() > MOST_LISTED {
        let here = visible_path(here);
        return Err(format!(
            "more than {MOST_LISTED} names in the folder {here}"
        ));
    }
    let names = listing.iter().map(DirEntry::file_name);
    let matching = names.filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with('.') == glob.as_str().starts_with('.') && glob.matches(&name)
    });
    Ok(matching.map(|name| folder.join(name)).collect())
}
