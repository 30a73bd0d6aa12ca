//! Files of accounts, which the configuration file names: read, and added to what it says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::defaults::{MOST_ACCOUNT_FILES, MOST_ACCOUNT_FILES_BYTES, MOST_LISTED};
use super::document::{Document, Entry, FREE_KEYS, Node, Part, SourceFile, Value};
use super::error::{Error, quoted};
use super::glob::Glob;
use super::key_path::KeyPath;
use super::load;
use super::span::Span;
use super::yaml;
use crate::files::{self, Presence, presence};

pub(super) const KEY: &str = "account_files";
const ACCOUNTS: &str = "accounts";

/// Adds the accounts of all files that the document names, and returns what should be warned of.
pub(super) fn add(document: &mut Document) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    let folder = folder_of(Path::new(&document.main().name)).to_owned();
    let mut files = BTreeMap::new();
    for (span, path, pattern) in patterns(document) {
        let found = matching(&folder, &pattern);
        let found = found.map_err(|why| Error::of_document(document, span, &path, why))?;
        if found.is_empty() {
            let (place, pattern) = (document.place(span), quoted(&pattern));
            warnings.push(format!("{place}: {path}: no file is called like {pattern}"));
        }
        for file in found {
            let called = called(&file, &folder, &pattern);
            files.entry(file).or_insert(called);
        }
        if files.len() > MOST_ACCOUNT_FILES {
            let why = format!("more than {MOST_ACCOUNT_FILES} files, the most that are read");
            return Err(Error::of_document(document, span, &path, why));
        }
    }
    let mut known: HashMap<String, Span> = names(document);
    let mut bytes = 0;
    // Of all files together, so that many small ones cannot expand to more than one large one.
    let mut budget = yaml::Budget::of_many_files();
    for (file, called) in files {
        let added = read(&file, &mut budget)?;
        bytes += added.main().text.len();
        if bytes > MOST_ACCOUNT_FILES_BYTES {
            let why = format!(
                "with this file more than {MOST_ACCOUNT_FILES_BYTES} bytes of account files, the most that is read"
            );
            let root = KeyPath::default();
            return Err(Error::of_file(&added.main().name, &root, why));
        }
        let accounts = entries(&added)?.to_vec();
        if let Some((again, other)) = accounts
            .iter()
            .find_map(|entry| Some((entry, known.get(&entry.key)?)))
        {
            let place = document.place(*other);
            let path = KeyPath::from([ACCOUNTS, &again.key]);
            let why = format!("the same account again; it is already at {place}");
            return Err(Error::of_document(&added, again.key_span, &path, why));
        }
        let file = SourceFile {
            called,
            ..added.into_main()
        };
        let accounts = document.add_file(file, accounts);
        known.extend(accounts.iter().map(|it| (it.key.clone(), it.key_span)));
        document.add(ACCOUNTS, accounts);
    }
    Ok(warnings)
}

/// The files that a document names now, whatever they say; none where it cannot be told.
pub(super) fn named(document: &Document) -> BTreeSet<PathBuf> {
    let folder = folder_of(Path::new(&document.main().name));
    let patterns = patterns(document).into_iter();
    let found = patterns.filter_map(|(_, _, pattern)| matching(folder, &pattern).ok());
    found.flatten().take(MOST_ACCOUNT_FILES).collect()
}

/// What a path in a file means: paths are relative to the file's folder.
pub(super) fn beside(file: &Path, text: &str) -> PathBuf {
    folder_of(file).join(text)
}

/// The folder that paths in a file are relative to: the working folder if it is no file but a
/// descriptor.
fn folder_of(file: &Path) -> &Path {
    if files::is_descriptor(file) {
        return Path::new("");
    }
    file.parent().unwrap_or(Path::new(""))
}

/// What the configuration calls a file that it names by a pattern.
fn called(file: &Path, folder: &Path, pattern: &str) -> PathBuf {
    if Path::new(pattern).is_absolute() {
        return file.to_owned();
    }
    file.strip_prefix(folder).unwrap_or(file).to_owned()
}

/// What the key holds, as far as it has the right shape: the rest is told with the rest.
fn patterns(document: &Document) -> Vec<(Span, KeyPath, String)> {
    let path = KeyPath::from([KEY]);
    let Some(Value::List(items)) = document.get(&path).map(|node| &node.value) else {
        return Vec::new();
    };
    let items = items.iter().enumerate();
    let texts = items.filter_map(|(index, item)| match &item.value {
        Value::Scalar(text) if !text.is_empty() => {
            Some((item.span, path.index(index), text.clone()))
        }
        _ => None,
    });
    texts.collect()
}

/// Where the document's own accounts stand.
fn names(document: &Document) -> HashMap<String, Span> {
    let accounts = document.get(&KeyPath::from([ACCOUNTS]));
    let entries = accounts.map_or(&[][..], Node::entries).iter();
    entries
        .map(|entry| (entry.key.clone(), entry.key_span))
        .collect()
}

fn read(file: &Path, budget: &mut yaml::Budget) -> Result<Document, Error> {
    let refuse = |why| Error::of_file(&file.display().to_string(), &KeyPath::default(), why);
    yaml::parse(load::read(file).map_err(refuse)?, budget)
}

/// The accounts of a file: all its keys, or those below the one key `accounts`.
fn entries(document: &Document) -> Result<&[Entry], Error> {
    let path = KeyPath::from([ACCOUNTS]);
    let Some(accounts) = document.get(&path) else {
        return Ok(document.root().entries());
    };
    let mut others = document.root().entries().iter();
    if let Some(other) = others.find(|it| it.key != ACCOUNTS && !it.key.starts_with(FREE_KEYS)) {
        let why = "beside accounts; nothing else stands in a file of accounts, it belongs into the configuration file";
        let path = KeyPath::from([other.key.as_str()]);
        return Err(Error::of_document(document, other.key_span, &path, why));
    }
    match &accounts.value {
        Value::Map(entries) => Ok(entries),
        Value::List(_) | Value::Scalar(_) => {
            let span = document.span(&path, Part::Key).unwrap_or(Span::START);
            let why = "not a mapping; accounts by their names are allowed here";
            Err(Error::of_document(document, span, &path, why))
        }
    }
}

/// The files that a pattern names. A path without `*` and `?` names itself, whether it is there or
/// not.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![folder.to_owned()];
    for part in Path::new(pattern) {
        let part = part.to_string_lossy();
        let glob = Glob::from(part.as_ref());
        if !glob.is_wild() {
            for place in &mut found {
                place.push(part.as_ref());
            }
            continue;
        }
        let mut below = Vec::new();
        for place in found {
            below.extend(members(&place, &glob)?);
            if below.len() > MOST_ACCOUNT_FILES {
                return Err(format!(
                    "{} fits more than {MOST_ACCOUNT_FILES} names, the most that are taken",
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
        match what_is(&path)? {
            // Folders beside the files, and files that were deleted after the folder was listed.
            Presence::Folder | Presence::Absent => {}
            // Anything else with such a name is a missing account. Reading it returns the reason.
            Presence::File | Presence::Other(_) => files.push(path),
        }
    }
    Ok(files)
}

fn what_is(path: &Path) -> Result<Presence, String> {
    presence(path).map_err(|error| format!("cannot access {}: {error}", path.display()))
}

/// What in a folder is called so. As in a shell, what begins with a dot is only fit by a dot:
/// editors and Kubernetes keep what is theirs under such names.
fn members(folder: &Path, glob: &Glob) -> Result<Vec<PathBuf>, String> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let cannot = |error| format!("cannot list the folder {}: {error}", here.display());
    let listing = match here.read_dir() {
        Ok(listing) => listing,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            // A link that leads nowhere is not an absent folder.
            return what_is(here).map(|_| Vec::new());
        }
        Err(error) => return Err(cannot(error)),
    };
    let listing: Result<Vec<DirEntry>, _> = listing.take(MOST_LISTED + 1).collect();
    let listing = listing.map_err(cannot)?;
    if listing.len() > MOST_LISTED {
        let here = here.display();
        return Err(format!(
            "more than {MOST_LISTED} names in the folder {here}"
        ));
    }
    let fits = |entry: &DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with('.') == glob.as_str().starts_with('.') && glob.matches(&name)
    };
    let fitting = listing.iter().filter(|entry| fits(entry));
    Ok(fitting
        .map(|entry| folder.join(entry.file_name()))
        .collect())
}
