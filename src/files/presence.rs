//! What a path names, if anything.

use std::fs;
use std::path::Path;

use super::read::{ReadError, is_absent, kind};

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing, not even a link.
    Absent,
    /// A regular file.
    File,
    /// A directory.
    Folder,
    /// Something that is not read, in words.
    Other(&'static str),
}

/// What a path names, links followed.
///
/// # Errors
///
/// If that cannot be found out, or if a link on the path leads nowhere. [`Path::exists`] calls both
/// absent.
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

/// The link on a path that leads nowhere.
fn dangling_link(path: &Path) -> Option<String> {
    let leads_nowhere = |place: &&Path| {
        place.is_symlink() && fs::metadata(place).is_err_and(|error| is_absent(&error))
    };
    let link = path.ancestors().find(leads_nowhere)?;
    Some(link.display().to_string())
}
