//! A key in separate files, as secrets are mounted.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Credential, CredentialFile};
use crate::escape::visible_path;
use crate::files::{self, UTF_16, is_utf_16};
use crate::tencent::credential::INVALID_REASONS;

/// The maximum size of a file with secrets, in bytes.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// The files of the id, the key and the optional token.
#[derive(Debug)]
pub struct KeyFiles {
    /// The file with the secret id.
    pub secret_id: PathBuf,
    /// The file with the secret key.
    pub secret_key: PathBuf,
    /// The file with the token of a temporary key.
    pub token: Option<PathBuf>,
}

impl CredentialFile for KeyFiles {
    fn name(&self) -> &'static str {
        "files"
    }

    fn location(&self) -> String {
        let token = self.token.iter();
        let files = [&self.secret_id, &self.secret_key].into_iter().chain(token);
        let files: Vec<String> = files.map(|file| visible_path(file)).collect();
        files.join(", ")
    }

    fn read(&self) -> Result<Credential, String> {
        let id = trimmed(&self.secret_id)?;
        let key = SecretString::from(trimmed(&self.secret_key)?.as_str());
        let token = self.token.as_deref().map(trimmed).transpose()?;
        let token = token.map(|token| SecretString::from(token.as_str()));
        Credential::new(id.to_string(), key, token).map_err(|part| {
            format!(
                "the {part} in {} is not valid: {INVALID_REASONS}",
                self.location()
            )
        })
    }
}

/// Returns the text of a file without surrounding whitespace.
fn trimmed(path: &Path) -> Result<Zeroizing<String>, String> {
    let text = read(path)?;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(format!("{} is empty", visible_path(path)));
    }
    Ok(Zeroizing::new(trimmed.to_owned()))
}

/// Reads a text file with secrets, within the size limit, without the byte order mark that some editors
/// write. The text is wiped when it is dropped.
/// Blocks the thread.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let bytes = read_bytes(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        format!(
            "{} cannot be read: it is not UTF-8 text",
            visible_path(path)
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads the bytes of a file with secrets, within the size limit. They are wiped when they are
/// dropped. Blocks the thread.
pub(super) fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let failed = |why: &dyn Display| format!("{} cannot be read: {why}", visible_path(path));
    let contents = files::read(path, MAX_BYTES).map_err(|error| failed(&error))?;
    if is_utf_16(&contents.bytes) {
        return Err(failed(&UTF_16));
    }
    Ok(contents.bytes)
}
