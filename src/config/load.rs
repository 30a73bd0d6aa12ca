//! The way in: a file, or none.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::document::SourceFile;
use super::error::Error;
use super::key_path::KeyPath;
use super::types::Config;
use super::{account_files, defaults, layers, validate, values, yaml};

impl Config {
    /// Reads the file and the environment's overrides. Without a file there is one account,
    /// `default`, with the default credentials, in `TENCENTCLOUD_REGION` or else Guangzhou.
    pub fn load(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        match file {
            Some(path) => {
                let name = path.display().to_string();
                let file =
                    read(path).map_err(|why| Error::of_file(&name, &KeyPath::default(), why))?;
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
    let mut document = yaml::parse(file)?;
    let warnings = account_files::add(&mut document)?;
    let (raw, places) = layers::read(document, environment)?;
    let mut config = validate::config(raw, &places, environment)?;
    config.warnings.splice(0..0, warnings);
    Ok(config)
}

/// What files say, to be compared with what they said: a hash, for they may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHash([u8; 32]);

/// What a configuration file and the account files that it names say now; none where the
/// configuration file cannot be read.
pub fn file_hash(path: &Path) -> Option<FileHash> {
    let file = read(path).ok()?;
    let mut hash = Sha256::new_with_prefix(Sha256::digest(&file.text));
    // This is asked for again and again, so a file that names no others is not taken apart.
    if file.text.contains(account_files::KEY)
        && let Ok(document) = yaml::parse(file)
    {
        for path in account_files::named(&document) {
            hash.update(Sha256::digest(path.as_os_str().as_encoded_bytes()));
            // One that cannot be read is another than an empty one.
            if let Ok(file) = read(&path) {
                hash.update(Sha256::digest(&file.text));
            }
        }
    }
    Some(FileHash(hash.finalize().into()))
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

/// A file, bounded.
pub(super) fn read(path: &Path) -> Result<SourceFile, String> {
    let mut bytes = Vec::new();
    // One more than is taken: a file that is too long is told by its length.
    let limit = yaml::MAX_BYTES as u64 + 1;
    let is_open = File::open(path)
        .and_then(|file| {
            let is_open = is_open(path, &file.metadata()?);
            file.take(limit).read_to_end(&mut bytes)?;
            Ok(is_open)
        })
        .map_err(|error| format!("cannot read the configuration: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        format!("not UTF-8 text, first on line {line}")
    })?;
    Ok(SourceFile {
        name: path.display().to_string(),
        called: PathBuf::new(),
        text,
        is_open,
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
