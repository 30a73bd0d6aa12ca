//! One file, read while the thread waits.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;
use std::{fmt, str};

use zeroize::Zeroizing;

/// How long one read may take. A poll at the shortest interval lasts four seconds at most, so that
/// a read that hangs still fails with a reason of its own.
pub const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// The smallest buffer, in bytes. It holds every secret: a buffer that grew would leave copies.
const LEAST_BUFFER: usize = 64 * 1024;

/// Standard input, as command lines write it.
const STDIN: &str = "-";

/// Folders and links that name descriptors of this process.
const DESCRIPTORS: [&str; 4] = [
    "/dev/fd",
    "/dev/stdin",
    "/proc/self/fd",
    "/proc/thread-self/fd",
];

/// What a file held, and what the file system says of it.
#[derive(Debug)]
pub struct Contents {
    /// The content, wiped when it is dropped: it may be a secret.
    pub bytes: Zeroizing<Vec<u8>>,
    /// As of the descriptor that was read; `None` of standard input.
    pub metadata: Option<Metadata>,
}

impl Contents {
    /// The content as text.
    ///
    /// # Errors
    ///
    /// [`ReadError::NotText`] with the first line that is not UTF-8.
    pub fn text(&self) -> Result<&str, ReadError> {
        str::from_utf8(&self.bytes).map_err(|error| {
            let good = &self.bytes[..error.valid_up_to()];
            ReadError::NotText {
                line: good.split(|byte| *byte == b'\n').count(),
            }
        })
    }
}

/// Why a file cannot be read. The message does not name the file: the caller does.
#[derive(Debug)]
pub enum ReadError {
    /// The operating system refused.
    Io(io::Error),
    /// The path names something else than a regular file.
    NotRegular(&'static str),
    /// The file has more bytes than this.
    TooLong(usize),
    /// The content is not UTF-8.
    NotText {
        /// The first line that is not.
        line: usize,
    },
    /// A link on the path leads nowhere.
    DanglingLink(String),
    /// The file system did not answer in time.
    TimedOut(Duration),
    /// The reader panicked.
    Panicked,
}

impl ReadError {
    /// Whether the file does not exist. A file that the process may not access is not absent, nor
    /// is a link that leads nowhere.
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
/// Why it cannot be read.
pub fn read(path: &Path, limit: usize) -> Result<Contents, ReadError> {
    let (file, metadata) = open(path)?;
    let bytes = read_to_end(file, metadata.len(), limit)?;
    let metadata = Some(metadata);
    Ok(Contents { bytes, metadata })
}

/// Reads a regular file, or to its end what can be read only once: standard input (`-`), or a
/// descriptor that this process was started with. Waits until the writer is done.
///
/// # Errors
///
/// The errors of [`read`].
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

/// Whether a path names standard input or another descriptor of this process. A shell makes such
/// paths of `<(…)`. They may be pipes, which can be read only once.
pub fn is_descriptor(path: &Path) -> bool {
    path == Path::new(STDIN) || DESCRIPTORS.iter().any(|it| path.starts_with(it))
}

/// Tells versions of a file apart by inode, time of change and length.
///
/// # Errors
///
/// The errors of [`read`].
pub fn stamp(path: &Path) -> Result<(u64, i64, i64, u64), ReadError> {
    let (_, found) = open(path)?;
    Ok((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
}

/// Opens a regular file. Neither a FIFO without a writer nor a terminal keeps this waiting.
fn open(path: &Path) -> Result<(File, Metadata), ReadError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            // The only things that open this way with this error are sockets and absent devices.
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
    // One byte more than the limit, so that a longer file is recognized.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.max(LEAST_BUFFER) + 1));
    let mut from = from.take(limit as u64 + 1);
    from.read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(ReadError::TooLong(limit));
    }
    Ok(bytes)
}

/// What a path names, in words.
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
