//! Blocking reads of one file.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;
use std::{fmt, str};

use zeroize::Zeroizing;

/// How long one read may take. A poll at the shortest interval takes at most four seconds, so a
/// hanging read fails before the poll times out.
pub const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// The smallest buffer, in bytes. It is larger than any secret: a buffer that grows would leave
/// copies of the secret in memory.
const LEAST_BUFFER: usize = 64 * 1024;

/// What to do about a file in UTF-16.
pub const UTF_16: &str = "it is UTF-16; save it as UTF-8";

/// The path that means standard input.
const STDIN: &str = "-";

/// Paths of the descriptors of this process.
const DESCRIPTORS: [&str; 4] = [
    "/dev/fd",
    "/dev/stdin",
    "/proc/self/fd",
    "/proc/thread-self/fd",
];

/// The content and the metadata of a file.
#[derive(Debug)]
pub struct Contents {
    /// The content, which is wiped on drop because it may be a secret.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The metadata of the descriptor that was read. `None` for standard input.
    pub metadata: Option<Metadata>,
}

impl Contents {
    /// Returns the content as text.
    ///
    /// # Errors
    ///
    /// Returns [`ReadError::Utf16`], or [`ReadError::NotText`] with the first line that is not UTF-8.
    pub fn text(&self) -> Result<&str, ReadError> {
        if is_utf_16(&self.bytes) {
            return Err(ReadError::Utf16);
        }
        str::from_utf8(&self.bytes).map_err(|error| {
            let good = &self.bytes[..error.valid_up_to()];
            ReadError::NotText {
                line: good.split(|byte| *byte == b'\n').count(),
            }
        })
    }
}

/// Why a file cannot be read. The caller adds the name of the file to the message.
#[derive(Debug)]
pub enum ReadError {
    /// The operating system refused.
    Io(io::Error),
    /// The path names something other than a regular file.
    NotRegular(&'static str),
    /// The file is longer than this limit.
    TooLong(usize),
    /// The content is not UTF-8.
    NotText {
        /// The first line that is not UTF-8.
        line: usize,
    },
    /// The content is UTF-16.
    Utf16,
    /// A link on the path is dangling.
    DanglingLink(String),
    /// The read timed out.
    TimedOut(Duration),
    /// The reader panicked.
    Panicked,
}

impl ReadError {
    /// Returns whether the file does not exist. `false` for a file that the process may not access,
    /// and for a dangling link.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Io(error) if is_absent(error))
    }
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotRegular(kind) => {
                write!(f, "it is {kind}; only regular files are read")
            }
            Self::TooLong(limit) => write!(f, "it is longer than {limit} bytes"),
            Self::NotText { line } => write!(f, "not UTF-8 text, first on line {line}"),
            Self::Utf16 => f.write_str(UTF_16),
            Self::DanglingLink(link) => write!(f, "the symbolic link {link} leads nowhere"),
            Self::TimedOut(limit) => write!(
                f,
                "it was not read within {limit:?}; the file system may hang"
            ),
            Self::Panicked => f.write_str("reading it panicked"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
///
/// Returns an error if the file cannot be read.
pub fn read(path: &Path, limit: usize) -> Result<Contents, ReadError> {
    let (file, metadata) = open(path)?;
    let bytes = read_to_end(file, metadata.len(), limit)?;
    let metadata = Some(metadata);
    Ok(Contents { bytes, metadata })
}

/// Reads a regular file like [`read`]. Reads standard input (`-`) or a descriptor of this process to
/// its end, and waits for the writer. Those can be read only once.
///
/// # Errors
///
/// Returns the errors of [`read`].
pub fn read_once(path: &Path, limit: usize) -> Result<Contents, ReadError> {
    if path == Path::new(STDIN) {
        let bytes = read_to_end(io::stdin().lock(), 0, limit)?;
        let metadata = None;
        return Ok(Contents { bytes, metadata });
    }
    if is_descriptor(path) {
        let file = File::open(path)?;
        let metadata = Some(file.metadata()?);
        let bytes = read_to_end(file, 0, limit)?;
        return Ok(Contents { bytes, metadata });
    }
    read(path, limit)
}

/// Returns whether a path names standard input or another descriptor of this process, such as the
/// shell's `<(…)`. It may be a pipe, which can be read only once.
pub fn is_descriptor(path: &Path) -> bool {
    path == Path::new(STDIN) || DESCRIPTORS.iter().any(|it| path.starts_with(it))
}

/// Returns inode, modification time and length, which change with the content of a file.
///
/// # Errors
///
/// Returns the errors of [`read`].
pub fn stamp(path: &Path) -> Result<(u64, i64, i64, u64), ReadError> {
    let (_, found) = open(path)?;
    Ok((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
}

/// Returns whether a text is UTF-16, as some Windows editors write it: it begins with a byte order
/// mark of UTF-16, or one byte of its first character is zero.
pub fn is_utf_16(text: &[u8]) -> bool {
    matches!(
        text,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0xff, ..] | [1..=0xff, 0, ..]
    )
}

/// Opens a regular file. Does not wait for a FIFO without a writer or for a terminal.
fn open(path: &Path) -> Result<(File, Metadata), ReadError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            // Only sockets and absent devices fail with this error here.
            Some(libc::ENXIO) => ReadError::NotRegular("a socket or a device"),
            _ => ReadError::Io(error),
        })?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((file, metadata))
    } else {
        Err(ReadError::NotRegular(kind(metadata.file_type())))
    }
}

fn read_to_end(
    from: impl Read,
    length: u64,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > limit {
        return Err(ReadError::TooLong(limit));
    }
    // Read one byte more than the limit, to detect a longer file.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.max(LEAST_BUFFER) + 1));
    let mut from = from.take(limit as u64 + 1);
    from.read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(ReadError::TooLong(limit));
    }
    Ok(bytes)
}

/// Describes a file type.
pub(super) fn kind(of: FileType) -> &'static str {
    if of.is_dir() {
        "a directory"
    } else if of.is_fifo() {
        "a FIFO"
    } else if of.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}
