//! File and environment → [`Config`], or an [`Error`] that names file, line and key of each fault.
//!
//! Loading has these steps:
//!
//! 1. `sources` reads the configuration file and the account files that it names.
//! 2. `yaml` parses each into a tree of text that knows its places (`document`), and
//!    `account_files` adds the accounts of the account files to it.
//! 3. `overrides` sets values of the environment in the tree.
//! 4. `keys` states every key once, with its type. `reader` reads the tree into them, and collects
//!    every fault. The types of values are in `value_types` and `leaf`.
//! 5. `resolve` fills in what an account does not set, and checks how settings fit together.
//!
//! **The nearest setting wins**: an account's own, then `defaults`, then the top level, then the
//! built-in default. `site` and each endpoint count together: an `endpoint` of the top level does
//! not apply to an account that sets `site`. `labels` and `assume_role` merge key by key;
//! `regions`, `credentials` and `expected_tracks` replace.

pub use self::account::{Account, Attribution, Poll};
pub use self::credentials::{AssumeRole, Credentials};
pub use self::delivery::Delivery;
pub use self::endpoint::Endpoint;
pub use self::error::Error;
pub use self::glob::Glob;
pub use self::load::{FileHash, LOAD_TIMEOUT, file_hash};
pub use self::named_file::NamedFile;
pub use self::organization::{AccountLabel, Organization};
pub use self::schema::schema;
pub use self::secret::Secret;
pub use self::site::Site;
pub use self::sources::Sources;
pub use self::types::{Config, Http};

// The values, and their defaults.
mod account;
mod credentials;
mod defaults;
mod delivery;
mod endpoint;
mod glob;
mod named_file;
mod organization;
mod secret;
mod shard_key;
mod site;
mod types;

// Texts and faults.
mod error;
mod key_path;
mod redaction;
mod span;
mod text;

// Files and the environment as a tree.
mod account_files;
mod document;
mod overrides;
mod sources;
mod yaml;

// From the tree to keys.
mod definitions;
mod keys;
mod leaf;
mod reader;
mod schema;
mod value_types;

// From keys to values.
mod duplicates;
mod quoted;
mod resolve;
mod variables;

// The entry points.
mod load;
