//! A hash that is the same in every process and every version: schedules and shards are derived
//! from it, and a restart must not move them.

use sha2::{Digest, Sha256};

/// The stable hash of a name.
pub fn stable_hash(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    let first: [u8; 8] = digest[..8].try_into().expect("a digest has 32 bytes");
    u64::from_be_bytes(first)
}

/// The odd number next to 2^64 divided by the golden ratio: multiples of it lie far apart.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The weight of a hash for the one with this number among several, as stable as the hash. It is
/// `SplitMix64`, which costs nothing beside a digest: there is a weight for each account and each
/// shard.
pub fn weight(hash: u64, number: u32) -> u64 {
    mixed(hash ^ mixed(GOLDEN.wrapping_mul(u64::from(number) + 1)))
}

fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
