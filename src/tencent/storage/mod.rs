//! Looks at the storage targets of tracks: does the bucket, topic or instance exist, and when did
//! the newest records arrive? No call returns the content of records.

pub use self::clients::{COS_HOST, StorageClients, StorageParts};
pub use self::result::CheckResult;

mod clients;
mod result;
