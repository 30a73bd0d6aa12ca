//! The files of a configuration, read but not parsed.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::account_files;
use super::document::SourceFile;
use super::error::{Error, Fault};
use super::yaml::{self, Budget};
use crate::files::{self, Contents, ReadError};
use crate::shard::Shard;

/// The files of a configuration and the environment. [`Sources::parse`] makes a configuration of
/// them without reading anything else.
#[derive(Clone)]
pub struct Sources {
    /// The configuration file, `None` for the configuration without a file.
    pub(super) main: Option<SourceFile>,
    pub(super) account_files: Vec<SourceFile>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) shard: Shard,
    /// What is wrong with account files.
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
}

impl Sources {
    /// Reads the configuration file and the account files that it names. Without a file the
    /// configuration is one account, `default`, with the default credentials, in
    /// `TENCENTCLOUD_REGION` or else Guangzhou.
    ///
    /// The file is a regular file, or standard input (`-`) or another descriptor of this process,
    /// which is read once to its end. Blocks until everything is read.
    pub fn read(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let Some(path) = file else {
            return Ok(Self::of(None, environment));
        };
        let read = files::read_once(path, yaml::MAX_BYTES);
        let file = read
            .map_err(|error| cannot_read(&error))
            .and_then(|contents| source_file(path, &contents));
        let file = file.map_err(|why| Fault::of_file(&path.display().to_string(), why))?;
        Ok(Self::of(Some(file), environment))
    }

    /// Takes a text as the configuration file, and reads the account files that it names. Paths in
    /// it are relative to the folder of `file_name`. No file of that name is read.
    pub fn text(file_name: &str, text: &str, environment: &BTreeMap<String, String>) -> Self {
        let file = SourceFile {
            name: file_name.to_owned(),
            display_path: PathBuf::new(),
            text: text.to_owned(),
            world_readable: false,
        };
        Self::of(Some(file), environment)
    }

    /// Sets the part of the accounts that this process polls.
    #[must_use]
    pub fn with_shard(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    fn of(main: Option<SourceFile>, environment: &BTreeMap<String, String>) -> Self {
        let mut sources = Self {
            main,
            account_files: Vec::new(),
            environment: environment.clone(),
            shard: Shard::ALONE,
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        let found = sources.main.as_ref().map(found_files).unwrap_or_default();
        for (path, display_path) in found.files {
            match read_regular(&path) {
                Ok(file) => sources.account_files.push(SourceFile {
                    display_path,
                    ..file
                }),
                Err(why) => {
                    let fault = Fault::of_file(&path.display().to_string(), why);
                    sources.faults.push(fault);
                }
            }
        }
        sources.faults.extend(found.faults);
        sources.warnings = found.warnings;
        sources
    }
}

/// Returns the account files that a configuration file names.
pub(super) fn found_files(file: &SourceFile) -> account_files::Found {
    // Most files name no others, and the watch for changes asks often: do not parse those.
    if !file.text.contains(account_files::KEY) {
        return account_files::Found::default();
    }
    // `Sources::parse` reports what is wrong with the file.
    let document = yaml::parse(file.clone(), &mut Budget::default());
    document.map_or_else(
        |_| account_files::Found::default(),
        |it| account_files::find(&it),
    )
}

fn read_regular(path: &Path) -> Result<SourceFile, String> {
    let contents = files::read(path, yaml::MAX_BYTES).map_err(|error| cannot_read(&error))?;
    source_file(path, &contents)
}

pub(super) fn cannot_read(error: &ReadError) -> String {
    match error {
        ReadError::TooLong(limit) => yaml::too_long(*limit),
        error => format!("cannot read the configuration: {error}"),
    }
}

pub(super) fn source_file(path: &Path, contents: &Contents) -> Result<SourceFile, String> {
    let text = contents.text().map_err(|error| error.to_string())?;
    let metadata = contents.metadata.as_ref();
    Ok(SourceFile {
        name: path.display().to_string(),
        display_path: PathBuf::new(),
        text: text.to_owned(),
        world_readable: metadata.is_some_and(|metadata| world_readable(path, metadata)),
    })
}

/// Returns whether every user of this machine can read a file: the file and all folders above it
/// allow it.
#[cfg(unix)]
fn world_readable(path: &Path, file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const OTHERS_READ: u32 = 0o004;
    const OTHERS_PASS: u32 = 0o001;
    let allows = |metadata: &Metadata, bit: u32| metadata.permissions().mode() & bit != 0;
    allows(file, OTHERS_READ)
        && path.canonicalize().is_ok_and(|path| {
            let mut folders = path.ancestors().skip(1);
            folders.all(|folder| folder.metadata().is_ok_and(|it| allows(&it, OTHERS_PASS)))
        })
}

/// Other systems have no mode.
#[cfg(not(unix))]
fn world_readable(_: &Path, _: &Metadata) -> bool {
    false
}
