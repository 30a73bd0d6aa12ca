//! Finds out what a path names.

use std::fs;
use std::path::Path;

use super::read::{ReadError, is_absent, kind};
use crate::escape::visible_path;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing, not even a link.
    Absent,
    /// A regular file.
    File,
    /// A directory.
    Folder,
    /// Something else, which is not read, with its description.
    Other(&'static str),
}

/// Returns what a path names. Follows links.
///
/// # Errors
///
/// Returns an error if the path cannot be accessed, or if a link on the path is dangling.
/// [`Path::exists`] returns `false` for both.
pub fn presence(path: &Path) -> Result<Presence, ReadError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(Presence::File),
        Ok(found) if found.is_dir() => Ok(Presence::Folder),
        Ok(found) => Ok(Presence::Other(kind(found.file_type()))),
        Err(error) if is_absent(&error) => match dangling_link(path) {
            Some(link) => Err(ReadError::DanglingLink(link)),
            None => Ok(Presence::Absent),
        },
        Err(error) => Err(error.into()),
    }
}

/// Returns the dangling link on a path.
fn dangling_link(path: &Path) -> Option<String> {
    let is_dangling = |place: &&Path| {
        place.is_symlink() && fs::metadata(place).is_err_and(|error| is_absent(&error))
    };
    let link = path.ancestors().find(is_dangling)?;
    Some(visible_path(link))
}
