//! The way in: a file, or none.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::document::SourceFile;
use super::error::Error;
use super::key_path::KeyPath;
use super::types::Config;
use super::{account_files, defaults, layers, validate, values, yaml};
use crate::files::{self, Contents, ReadError, ReadSlot};

/// How long loading may take: thousands of account files, on a busy machine.
pub const LOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// The same for standard input or a pipe, whose writer may be slow.
const PIPE_TIMEOUT: Duration = Duration::from_mins(1);

impl Config {
    /// Runs `load`, which loads `file`, off the runtime and within a time limit.
    ///
    /// # Errors
    ///
    /// The error of `load`, or a timeout.
    pub async fn load_in(
        slot: &ReadSlot,
        file: Option<&Path>,
        load: impl FnOnce() -> Result<Self, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let limit = match file {
            Some(file) if files::is_descriptor(file) => PIPE_TIMEOUT,
            _ => LOAD_TIMEOUT,
        };
        let loaded = slot.run(limit, load).await;
        loaded.unwrap_or_else(|error| {
            let name = file.unwrap_or(Path::new("the configuration file"));
            let name = name.display().to_string();
            let why = cannot_read(&error);
            Err(Error::of_file(&name, &KeyPath::default(), why))
        })
    }

    /// Reads the file and the environment's overrides. Without a file there is one account,
    /// `default`, with the default credentials, in `TENCENTCLOUD_REGION` or else Guangzhou.
    ///
    /// The file is a regular file, or standard input (`-`) or another descriptor of this process,
    /// which is read once to its end. Blocks meanwhile.
    pub fn load(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        match file {
            Some(path) => {
                let name = path.display().to_string();
                let file = files::read_once(path, yaml::MAX_BYTES)
                    .map_err(|error| cannot_read(&error))
                    .and_then(|contents| source_file(path, &contents));
                let file = file.map_err(|why| Error::of_file(&name, &KeyPath::default(), why))?;
                of_file(file, environment)
            }
            None => without_file(environment),
        }
    }

    /// The same, of a text. Paths in it are relative to the folder of `file_name`, which errors
    /// name and nobody reads.
    pub fn parse(
        file_name: &str,
        text: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let file = SourceFile {
            name: file_name.to_owned(),
            called: PathBuf::new(),
            text: text.to_owned(),
            is_open: false,
        };
        of_file(file, environment)
    }
}

fn of_file(file: SourceFile, environment: &BTreeMap<String, String>) -> Result<Config, Error> {
    let mut document = yaml::parse(file, &mut yaml::Budget::default())?;
    let warnings = account_files::add(&mut document)?;
    let (raw, places) = layers::read(document, environment)?;
    let mut config = validate::config(raw, &places, environment)?;
    config.warnings.splice(0..0, warnings);
    Ok(config)
}

/// What files say, to be compared with what they said: a hash, for they may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHash([u8; 32]);

/// Hashes a configuration file and the account files that it names, as they are now. Blocks
/// meanwhile.
///
/// # Errors
///
/// Why the configuration file cannot be read.
pub fn file_hash(path: &Path) -> Result<FileHash, ReadError> {
    let file = files::read(path, yaml::MAX_BYTES)?;
    let mut hash = Sha256::new_with_prefix(Sha256::digest(&file.bytes));
    // This is asked for again and again, so a file that names no others is not taken apart.
    if let Ok(text) = file.text()
        && text.contains(account_files::KEY)
        && let Ok(file) = source_file(path, &file)
        && let Ok(document) = yaml::parse(file, &mut yaml::Budget::default())
    {
        for path in account_files::named(&document) {
            hash.update(Sha256::digest(path.as_os_str().as_encoded_bytes()));
            // One that cannot be read is another than an empty one.
            if let Ok(file) = files::read(&path, yaml::MAX_BYTES) {
                hash.update(Sha256::digest(&file.bytes));
            }
        }
    }
    Ok(FileHash(hash.finalize().into()))
}

fn without_file(environment: &BTreeMap<String, String>) -> Result<Config, Error> {
    const REGION_VARIABLE: &str = "TENCENTCLOUD_REGION";
    let text = format!("accounts: {{{}: {{}}}}", defaults::ACCOUNT);
    let mut config = Config::parse("(no configuration file)", &text, environment)?;
    // An empty variable is what a compose file makes of one that is not set.
    if let Some(region) = environment
        .get(REGION_VARIABLE)
        .filter(|text| !text.is_empty())
    {
        let region = values::region(region)
            .map_err(|why| Error::of_variable(REGION_VARIABLE, &KeyPath::default(), why))?;
        for account in &mut config.accounts {
            account.regions = vec![region.clone()];
        }
    }
    Ok(config)
}

/// A regular file, bounded.
pub(super) fn read(path: &Path) -> Result<SourceFile, String> {
    let contents = files::read(path, yaml::MAX_BYTES).map_err(|error| cannot_read(&error))?;
    source_file(path, &contents)
}

fn cannot_read(error: &ReadError) -> String {
    match error {
        ReadError::TooLong(limit) => yaml::too_long(*limit),
        error => format!("cannot read the configuration: {error}"),
    }
}

fn source_file(path: &Path, contents: &Contents) -> Result<SourceFile, String> {
    let text = contents.text().map_err(|error| error.to_string())?;
    Ok(SourceFile {
        name: path.display().to_string(),
        called: PathBuf::new(),
        text: text.to_owned(),
        is_open: (contents.metadata.as_ref()).is_some_and(|metadata| is_open(path, metadata)),
    })
}

/// Whether everybody on this machine can read a file: it lets them, and so does every folder above
/// it.
#[cfg(unix)]
fn is_open(path: &Path, file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const OTHERS_READ: u32 = 0o004;
    const OTHERS_PASS: u32 = 0o001;
    let lets = |metadata: &Metadata, bit: u32| metadata.permissions().mode() & bit != 0;
    lets(file, OTHERS_READ)
        && path.canonicalize().is_ok_and(|path| {
            let mut folders = path.ancestors().skip(1);
            folders.all(|folder| folder.metadata().is_ok_and(|it| lets(&it, OTHERS_PASS)))
        })
}

/// Other systems have no mode to look at.
#[cfg(not(unix))]
fn is_open(_: &Path, _: &Metadata) -> bool {
    false
}
