//! Cloud Object Storage: lists objects, and finds the newest one below a prefix.

pub use self::bucket::full_name;
pub use self::bucket_client::GET_BUCKET;
pub(super) use self::client::CosClient;
pub use self::listing::{MAX_DEPTH, MAX_ENTRIES, MAX_FIELD_BYTES, Object, Page, parse_page};
pub use self::search::{Depth, MAX_REQUESTS};

// One request.
mod bucket;
mod bucket_client;
mod errors;
mod listing;
pub mod sign;

// The search.
mod client;
mod dates;
mod folders;
mod marker;
mod paths;
mod place;
mod search;
