//! A key in the credentials file of the official tools: an INI file with a section for each
//! profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::ini::Section;
use super::{Credential, CredentialFile, key_files};
use crate::escape::visible_path;
use crate::files::{Presence, presence};
use crate::tencent::credential::INVALID_REASONS;

/// The variable with the path of another file, as in the official Go SDK.
const FILE_VARIABLE: &str = "TENCENTCLOUD_CREDENTIALS_FILE";

/// The path of the file below the home directory.
const BELOW_HOME: &str = ".tencentcloud/credentials";

/// The file of the machine, for users without a file.
const OF_THE_MACHINE: &str = "/etc/tencentcloud/credentials";

/// A profile, and the files that may contain it. The first existing file is used.
#[derive(Debug)]
pub struct Profile {
    /// The name of the section.
    pub name: String,
    /// The candidate files, in order.
    pub files: Vec<PathBuf>,
}

impl Profile {
    /// Returns the files that the official SDKs read.
    pub fn default_files(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        if let Some(file) = set(FILE_VARIABLE) {
            return vec![PathBuf::from(file)];
        }
        let home = set("HOME").map(|home| Path::new(home).join(BELOW_HOME));
        home.into_iter()
            .chain([PathBuf::from(OF_THE_MACHINE)])
            .collect()
    }

    /// Returns the first existing file. A file whose state is unknown, such as one in an unreadable
    /// folder, counts as existing: skipping it would change the key.
    ///
    /// # Errors
    ///
    /// The paths of all files, if none exists.
    pub fn file(&self) -> Result<&Path, String> {
        let exists = |file: &&PathBuf| !matches!(presence(file), Ok(Presence::Absent));
        let found = self.files.iter().find(exists);
        found.map(PathBuf::as_path).ok_or_else(|| {
            let files: Vec<String> = self.files.iter().map(|file| visible_path(file)).collect();
            format!("there is no {}", files.join(", and no "))
        })
    }
}

impl CredentialFile for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn location(&self) -> String {
        let files: Vec<String> = (self.files.iter()).map(|file| visible_path(file)).collect();
        files.join(", ")
    }

    fn read(&self) -> Result<Credential, String> {
        let file = self.file()?;
        let bytes = key_files::read_bytes(file)?;
        let at = |what: &str| {
            let (file, name) = (visible_path(file), &self.name);
            format!("profile {name:?} of {file} has {what}")
        };
        let section = Section::find(&bytes, &self.name)
            .map_err(|why| format!("{}: {why}", visible_path(file)))?;
        let id = section.secret_id.ok_or_else(|| at("no secret_id"))?;
        let key = section.secret_key.ok_or_else(|| at("no secret_key"))?;
        let token = section.token.map(SecretString::from);
        Credential::new(id.to_owned(), SecretString::from(key), token)
            .map_err(|part| at(&format!("an invalid {part}: {INVALID_REASONS}")))
    }
}
