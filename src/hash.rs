//! A hash that is the same in every process and version. Schedules and shards depend on it, and a
//! restart must not move them.

use sha2::{Digest, Sha256};

/// Returns the stable hash of a name.
pub fn stable_hash(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    let first: [u8; 8] = digest[..8].try_into().expect("a digest has 32 bytes");
    u64::from_be_bytes(first)
}

/// The odd number closest to 2^64 divided by the golden ratio. Its multiples are far apart.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the weight of a hash for the shard with this number. Every account needs a weight for
/// every shard, so it is computed by `SplitMix64`, which is much cheaper than a digest.
pub fn weight(hash: u64, number: u32) -> u64 {
    mixed(hash ^ mixed(GOLDEN.wrapping_mul(u64::from(number) + 1)))
}

fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
