//! A key in the credentials file of Tencent Cloud's tools: an INI file with a section for each
//! profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};
use secrecy::SecretString;

use super::{Credential, Shelf, files};
use crate::files::{Presence, presence};

/// Names another file, as it does for the official Go SDK.
const FILE_VARIABLE: &str = "TENCENTCLOUD_CREDENTIALS_FILE";

/// The file below a user's home.
const BELOW_HOME: &str = ".tencentcloud/credentials";

/// The machine's file, for users without one of their own.
const OF_THE_MACHINE: &str = "/etc/tencentcloud/credentials";

/// A profile, and the files that it may be in: the first that is there counts.
#[derive(Debug)]
pub struct Profile {
    /// The section.
    pub name: String,
    /// Where to look, in this order.
    pub files: Vec<PathBuf>,
}

impl Profile {
    /// Where the official SDKs look.
    pub fn places(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        if let Some(file) = set(FILE_VARIABLE) {
            return vec![PathBuf::from(file)];
        }
        let home = set("HOME").map(|home| Path::new(home).join(BELOW_HOME));
        home.into_iter()
            .chain([PathBuf::from(OF_THE_MACHINE)])
            .collect()
    }

    /// The first of the files that is there. One that cannot be looked at is there: only reading it
    /// tells what is wrong with it.
    pub fn file(&self) -> Result<&Path, String> {
        let is_there = |file: &&PathBuf| !matches!(presence(file), Ok(Presence::Absent));
        let found = self.files.iter().find(is_there);
        found.map(PathBuf::as_path).ok_or_else(|| {
            let files: Vec<String> = self
                .files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            format!("there is no {}", files.join(", and no "))
        })
    }
}

impl Shelf for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn place(&self) -> String {
        let files: Vec<String> = (self.files.iter())
            .map(|file| file.display().to_string())
            .collect();
        files.join(", ")
    }

    fn read(&self) -> Result<Credential, String> {
        let file = self.file()?;
        let text = files::read(file)?;
        let mut ini = Ini::new_from_defaults(ini_format());
        // The parser's own message may quote the line that it does not take.
        ini.read(text.to_string())
            .map_err(|_| format!("{} is no INI file", file.display()))?;
        let mut keys = ini.get_map().unwrap_or_default();
        let mut section = keys.remove(&self.name).ok_or_else(|| {
            let (file, name) = (file.display(), &self.name);
            format!("{file} has no profile {name:?}; its section would be [{name}]")
        })?;
        let mut value = |key: &str| {
            section
                .remove(key)
                .flatten()
                .filter(|text| !text.is_empty())
        };
        let at = |what: &str| {
            let (file, name) = (file.display(), &self.name);
            format!("profile {name:?} of {file} has {what}")
        };
        let id = value("secret_id").ok_or_else(|| at("no secret_id"))?;
        let key = value("secret_key").ok_or_else(|| at("no secret_key"))?;
        let token = value("token").map(SecretString::from);
        Credential::new(id, SecretString::from(key), token)
            .map_err(|part| at(&format!("a {part} that cannot be one")))
    }
}

/// `#` and `;` begin a comment at the beginning of a line only: within a value they may be a
/// secret's.
fn ini_format() -> IniDefault {
    let mut format = IniDefault::default();
    format.case_sensitive = true;
    format.delimiters = vec!['='];
    format.comment_symbols = vec!['#', ';'];
    format.inline_comment_symbols = Some(Vec::new());
    format
}
