//! Checks the storage targets of tracks: does the bucket, topic or instance exist, and when did the
//! newest records arrive? No request returns the content of records.

pub use self::cam::GET_USER_APP_ID;
pub use self::ckafka::DESCRIBE_TOPIC_ATTRIBUTES;
pub use self::clients::{StorageClients, StorageParts};
pub use self::cls::{DESCRIBE_LOG_HISTOGRAM, DESCRIBE_TOPICS};
pub use self::cos::GET_BUCKET;
pub use self::result::CheckResult;

// All services behind one interface.
mod clients;

// The services.
mod cam;
mod ckafka;
mod cls;
pub mod cos;

// What they share.
mod result;
mod time;
