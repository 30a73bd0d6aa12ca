//! Files that are replaced: at once, so that readers see the old content or the new, and with the
//! owner, the group and the links that are there.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// As many symbolic links as Linux follows.
const MAX_LINKS: usize = 40;

/// The permissions of a file while it is written.
const OWNER_ONLY: u32 = 0o600;

/// The bits of a mode that say who may do what.
const PERMISSIONS: u32 = 0o777;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Destination {
    /// To a regular file, or to none yet. No link is left in the last part of this path.
    File(PathBuf),
    /// To a device or a pipe, which takes what is written and is never replaced.
    Stream(PathBuf),
    /// To the standard output of this process.
    Stdout,
}

/// Who may read a file that is replaced.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Those who could before; of a new file this, whatever the umask is.
    PreserveOr(u32),
    /// These in any case.
    Always(u32),
}

/// Follows the links of `path`.
///
/// # Errors
///
/// The path can be neither replaced nor written to.
pub fn resolve(path: &Path) -> io::Result<Destination> {
    let mut path = path.to_owned();
    for _ in 0..=MAX_LINKS {
        if is_descriptor(&path) {
            let own = format!("/proc/{}/fd/1", std::process::id());
            let folder = fs::canonicalize(folder_of(&path))?;
            let is_stdout = folder.join(path.file_name().unwrap_or_default()) == Path::new(&own);
            return Ok(if is_stdout {
                Destination::Stdout
            } else {
                Destination::Stream(path)
            });
        }
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return match path.as_os_str().as_encoded_bytes().last() {
                    Some(b'/') => Err(ErrorKind::IsADirectory.into()),
                    _ => Ok(Destination::File(path)),
                };
            }
            found => found?.file_type(),
        };
        if found.is_symlink() {
            path = folder_of(&path).join(fs::read_link(&path)?);
        } else if found.is_file() {
            return Ok(Destination::File(path));
        } else if found.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        } else if found.is_socket() {
            return Err(io::Error::other("it is a socket, not a file"));
        } else {
            return Ok(Destination::Stream(path));
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Whether the path names an open file of a process. It may lead to a regular file that this
/// process was given to write into, not to replace.
fn is_descriptor(path: &Path) -> bool {
    let folder = fs::canonicalize(folder_of(path)).unwrap_or_default();
    folder.starts_with("/proc") && folder.ends_with("fd")
}

/// Puts a new file in the place of `file`, through `temporary` in the same folder, which must not
/// exist. If `write` or anything else fails, `file` is the old one and `temporary` is gone. Blocks
/// meanwhile.
///
/// # Errors
///
/// What went wrong, and which folder the process must be able to write in if that is it.
pub fn replace(
    file: &Path,
    temporary: &Path,
    mode: Mode,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(temporary)
        .map_err(|error| {
            let folder = folder_of(temporary).display().to_string();
            let message = format!("cannot create a new file in the folder {folder}: {error}");
            io::Error::new(error.kind(), message)
        })?;
    let replaced = write(&mut new)
        .and_then(|()| copy_ownership(&new, file, mode))
        .and_then(|()| new.sync_all())
        .and_then(|()| fs::rename(temporary, file));
    if replaced.is_err() {
        // What is left of it is useless, and the first error is the one to report.
        drop(fs::remove_file(temporary));
    }
    replaced
}

/// Gives the new file the owner, the group and the mode that it should have.
fn copy_ownership(new: &File, old: &Path, mode: Mode) -> io::Result<()> {
    let old = fs::metadata(old).ok();
    if let Some(old) = &old {
        // Only root may give a file away, and only members of a group may give it to the group.
        drop(fchown(new, None, Some(old.gid())));
        drop(fchown(new, Some(old.uid()), None));
    }
    let mode = match (mode, old) {
        (Mode::Always(mode), _) | (Mode::PreserveOr(mode), None) => mode,
        (Mode::PreserveOr(_), Some(old)) => old.mode() & PERMISSIONS,
    };
    new.set_permissions(Permissions::from_mode(mode))
}

/// The folder that a file is in, or would be.
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
