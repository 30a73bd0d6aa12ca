//! The header of the file: a line with the format, the length and the hash of the payload.
//!
//! Both lines are JSON, so that `jq` can read the file.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The version of the payload. It changes if an older exporter would misread a newer file; a new
/// field is no such change.
pub const VERSION: u64 = 1;

/// The largest file that is read or written: half a million tracks fit.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Distinguishes a file of another program from a damaged one.
const FORMAT: &str = "cloudaudit-exporter state";

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u64,
    // Another version may omit these.
    #[serde(default)]
    bytes: usize,
    #[serde(default)]
    sha256: String,
}

/// Returns the content of a file with this payload.
pub fn encode(payload: &[u8]) -> Vec<u8> {
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        bytes: payload.len(),
        sha256: sha256(payload),
    };
    let mut content =
        serde_json::to_vec(&header).expect("a header of texts and numbers has a JSON form");
    content.push(b'\n');
    content.extend_from_slice(payload);
    content
}

/// Returns the payload of a file with this content.
///
/// # Errors
///
/// How the content differs from what [`encode`] returns.
pub fn decode(content: &[u8]) -> Result<&[u8], String> {
    let line = content.iter().position(|byte| *byte == b'\n');
    let (header, payload) = match line {
        Some(end) => (&content[..end], &content[end + 1..]),
        // Truncated within the first line, or another kind of file.
        None => (content, &[][..]),
    };
    let header: Header = serde_json::from_slice(header)
        .map_err(|_| "it does not begin with the header of a state file".to_owned())?;
    if header.format != FORMAT {
        return Err("it is not a state file of cloudaudit-exporter".to_owned());
    }
    if header.version != VERSION {
        let version = header.version;
        return Err(format!(
            "its format has version {version}, and this exporter supports version {VERSION}"
        ));
    }
    if header.bytes != payload.len() {
        let (found, expected) = (payload.len(), header.bytes);
        return Err(format!(
            "it has {found} bytes after the header instead of {expected}"
        ));
    }
    if header.sha256 != sha256(payload) {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(payload)
}

fn sha256(payload: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(payload))
}
