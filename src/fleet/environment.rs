//! The environment variables of the process.

use std::collections::BTreeMap;

/// The environment variables, as they were when the process began.
pub type Environment = BTreeMap<String, String>;
