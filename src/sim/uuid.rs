//! Ids in the form of a UUID.

use sha2::{Digest, Sha256};

/// Returns the id of these bytes, the same in every run.
pub(super) fn uuid(bytes: &[u8]) -> String {
    let hex = base16ct::lower::encode_string(&Sha256::digest(bytes));
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32],
    ];
    parts.join("-")
}
