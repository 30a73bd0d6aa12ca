//! What surrounds the payload: a line before it that says what follows, how long it is, and its
//! hash.
//!
//! Both lines are JSON, so that `jq` reads the file as it is.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The version of the payload. It changes when an older exporter would misread a newer file; a new
/// field is no such change.
pub const VERSION: u64 = 1;

/// Neither is a larger file read nor a larger one written: half a million tracks fit.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;

/// A file of another kind, such as somebody's `state.json`, should be called that and not damaged.
const FORMAT: &str = "cloudaudit-exporter state";

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u64,
    // Another version may do without the rest.
    #[serde(default)]
    bytes: usize,
    #[serde(default)]
    sha256: String,
}

/// The content of a file with this payload.
pub fn encode(payload: &[u8]) -> Vec<u8> {
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        bytes: payload.len(),
        sha256: sha256(payload),
    };
    let mut content = serde_json::to_vec(&header).expect("a header has nothing that JSON has not");
    content.push(b'\n');
    content.extend_from_slice(payload);
    content
}

/// The payload of a file with this content.
///
/// # Errors
///
/// In what way it is not what [`encode`] makes.
pub fn decode(content: &[u8]) -> Result<&[u8], String> {
    let line = content.iter().position(|byte| *byte == b'\n');
    let (header, payload) = match line {
        Some(end) => (&content[..end], &content[end + 1..]),
        // Cut within the first line, or never one of ours.
        None => (content, &[][..]),
    };
    let header: Header = serde_json::from_slice(header)
        .map_err(|_| "it does not begin with the header of a state file".to_owned())?;
    if header.format != FORMAT {
        return Err("it is a file of another kind".to_owned());
    }
    if header.version != VERSION {
        let version = header.version;
        return Err(format!(
            "it is of version {version}, and this exporter knows version {VERSION}"
        ));
    }
    if header.bytes != payload.len() {
        let (are, should) = (payload.len(), header.bytes);
        return Err(format!(
            "it has {are} bytes after the header instead of {should}"
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
