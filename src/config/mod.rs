//! File and environment → [`Config`], or an [`Error`] that names file, line and key.
//!
//! The way: YAML text → a tree of text that knows its places (`yaml`, `document`) → overrides from
//! the environment on top, by the `config` crate (`overrides`, `layers`) → raw types that know the
//! keys (`raw`, `shapes`) → values that need no further check (`values`, `lists`, `sources`,
//! `level`, `account`, `organizations`, `doubles`, `validate`). Files of accounts become a part of
//! the tree (`account_files`), so that everything behind it takes them for what they say, wherever
//! they say it.
//!
//! **The nearer setting wins**: an account's own, then `defaults`, then the top level, then what is
//! built in. That holds for `site` and each endpoint together: an account that sets `site` is not
//! asked at an `endpoint` of the top level. `labels` and `assume_role` merge key by key; `regions`,
//! `credentials` and `expected_tracks` replace.

pub use self::credentials::{AssumeRole, Credentials};
pub use self::endpoint::Endpoint;
pub use self::error::Error;
pub use self::glob::Glob;
pub use self::load::{FileHash, LOAD_TIMEOUT, file_hash};
pub use self::named_file::NamedFile;
pub use self::organization::{AccountLabel, Organization};
pub use self::schema::schema;
pub use self::secret::Secret;
pub use self::types::{Account, Config, Http, Poll, Site};

// The types, and what holds where nothing is said.
mod credentials;
mod defaults;
mod endpoint;
mod glob;
mod named_file;
mod organization;
mod secret;
mod shard_key;
mod types;

// The file as a tree with places, and what may not be shown of it.
mod account_files;
mod document;
mod error;
mod key_path;
mod public;
mod span;
mod yaml;

// The environment on top.
mod layers;
mod overrides;

// Keys, then values by themselves, then how they fit together.
mod raw;
mod shapes;

// The same for editors and for the reference.
mod schema;

mod account;
mod doubles;
mod level;
mod lists;
mod organizations;
mod quoted;
mod sources;
mod validate;
mod values;

// The way in.
mod load;
