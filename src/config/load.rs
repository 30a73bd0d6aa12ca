//! The entry points: from files or a text to a [`Config`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::document::SourceFile;
use super::error::{Error, Fault};
use super::leaf::Region;
use super::reader::Reader;
use super::sources::{Sources, cannot_read, found_files, source_file};
use super::types::Config;
use super::value_types::Leaf;
use super::yaml::{self, Budget};
use super::{account_files, defaults, overrides, resolve, variables};
use crate::files::{self, ReadError, ReadSlot};

/// The time limit for reading the files of a configuration. Parsing has none: it needs no other
/// machine, and the sizes of files are limited.
pub const LOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The time limit for standard input or a pipe, whose writer may be slow.
const PIPE_TIMEOUT: Duration = Duration::from_mins(1);

impl Config {
    /// Runs `read`, which reads `file`, off the runtime and within a time limit, then parses the
    /// result off the runtime.
    ///
    /// # Errors
    ///
    /// The error of `read` or of the configuration, or a timeout.
    pub async fn load_in(
        slot: &ReadSlot,
        file: Option<&Path>,
        read: impl FnOnce() -> Result<Sources, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let limit = match file {
            Some(file) if files::is_descriptor(file) => PIPE_TIMEOUT,
            _ => LOAD_TIMEOUT,
        };
        let refuse = |error: &ReadError| {
            let name = file.unwrap_or(Path::new("the configuration file"));
            Fault::of_file(&name.display().to_string(), cannot_read(error))
        };
        let sources = slot
            .run(limit, read)
            .await
            .map_err(|error| refuse(&error))??;
        let parsed = spawn_blocking(move || sources.parse()).await;
        parsed.unwrap_or_else(|_| Err(refuse(&ReadError::Panicked).into()))
    }

    /// Reads and parses a configuration; see [`Sources::read`]. Blocks until it is done.
    pub fn load(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        Sources::read(file, environment)?.parse()
    }

    /// Parses a text as the configuration; see [`Sources::text`].
    pub fn parse(
        file_name: &str,
        text: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        Sources::text(file_name, text, environment).parse()
    }
}

impl Sources {
    /// Parses the files and applies the overrides of the environment. Does no I/O.
    ///
    /// # Errors
    ///
    /// Returns every fault, up to the first file with invalid YAML.
    pub fn parse(self) -> Result<Config, Error> {
        let Self {
            main,
            account_files,
            environment,
            shard,
            mut faults,
            mut warnings,
        } = self;
        let has_file = main.is_some();
        let main = main.unwrap_or_else(built_in);
        let mut document = yaml::parse(main, &mut Budget::default())?;
        faults.extend(account_files::add(&mut document, account_files));
        faults.extend(overrides::apply(&environment, &mut document));
        let home = environment.get("HOME").filter(|home| !home.is_empty());
        let mut reader = Reader::new(&document, home.map(String::as_str));
        let mut config = resolve::config(&mut reader, &environment);
        if !has_file {
            set_region(&mut config, &mut reader, &environment);
        }
        let (more_faults, more_warnings) = reader.finish();
        faults.extend(more_faults);
        if !faults.is_empty() {
            return Err(faults.into());
        }
        warnings.extend(more_warnings);
        warnings.extend(variables::warning(&document));
        config.warnings.splice(0..0, warnings);
        Ok(Config { shard, ..config })
    }
}

/// Returns the configuration without a file.
fn built_in() -> SourceFile {
    let text = format!("accounts: {{{}: {{}}}}", defaults::ACCOUNT);
    SourceFile {
        name: "(no configuration file)".to_owned(),
        display_path: <_>::default(),
        text,
        world_readable: false,
    }
}

/// Without a file, the environment sets the region, as for the official tools.
fn set_region(config: &mut Config, reader: &mut Reader, environment: &BTreeMap<String, String>) {
    const REGION: &str = "TENCENTCLOUD_REGION";
    // A compose file sets an empty variable for a variable that is not set.
    let Some(region) = environment.get(REGION).filter(|text| !text.is_empty()) else {
        return;
    };
    match Region::parse(region) {
        Ok(region) => {
            for account in &mut config.accounts {
                Arc::make_mut(account).regions = vec![region.clone()];
            }
        }
        Err(why) => reader.refuse_variable(REGION, why),
    }
}

/// A hash of the content of files. It is a hash because the files may contain secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHash([u8; 32]);

/// Hashes a configuration file and the account files that it names. Blocks until they are read.
///
/// # Errors
///
/// Why the configuration file cannot be read.
pub fn file_hash(path: &Path) -> Result<FileHash, ReadError> {
    let file = files::read(path, yaml::MAX_BYTES)?;
    let mut hash = Sha256::new_with_prefix(Sha256::digest(&file.bytes));
    let found = source_file(path, &file).map(|file| found_files(&file));
    for path in found.unwrap_or_default().files.keys() {
        hash.update(Sha256::digest(path.as_os_str().as_encoded_bytes()));
        // An unreadable file differs from an empty one.
        if let Ok(file) = files::read(path, yaml::MAX_BYTES) {
            hash.update(Sha256::digest(&file.bytes));
        }
    }
    Ok(FileHash(hash.finalize().into()))
}
