//! The way in: a file, or none.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::Error;
use super::key_path::KeyPath;
use super::types::Config;
use super::{defaults, layers, validate, values, yaml};

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
                let text =
                    read(path).map_err(|why| Error::of_file(&name, &KeyPath::default(), why))?;
                Self::parse(&name, &text, environment)
            }
            None => without_file(environment),
        }
    }

    /// The same, of a text. Paths in it are relative to the folder of `file_name`, which errors name
    /// and nobody reads.
    pub fn parse(
        file_name: &str,
        text: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let document = yaml::parse(file_name, text)?;
        let (raw, places) = layers::read(document, environment)?;
        validate::config(&raw, &places, environment)
    }
}

/// The content of a file, to be compared with what it was: its hash, for the content may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHash([u8; 32]);

/// What a configuration file says now; none where it cannot be read.
pub fn file_hash(path: &Path) -> Option<FileHash> {
    let text = read(path).ok()?;
    Some(FileHash(Sha256::digest(text).into()))
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

/// The text of a file, bounded.
fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    // One more than is taken: a file that is too long is told by its length.
    let limit = yaml::MAX_BYTES as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read the configuration: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        format!("not UTF-8 text, first on line {line}")
    })
}
