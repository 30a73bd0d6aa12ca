//! A hash that is the same in every process and every version: schedules are derived from it, and a
//! restart must not move them.

use sha2::{Digest, Sha256};

/// The stable hash of a name.
pub fn stable_hash(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    let first: [u8; 8] = digest[..8].try_into().expect("a digest has 32 bytes");
    u64::from_be_bytes(first)
}
