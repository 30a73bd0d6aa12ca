//! Every key of the configuration, stated once: its name, type, default and meaning.
//!
//! The doc comment of a key is its description in the JSON schema and in `docs/configuration.md`.

pub(super) use self::account::{AccountKeys, CommonKeys};
pub(super) use self::credentials::AssumeRoleKeys;
pub(super) use self::delivery::DeliveryKeys;
pub(super) use self::organization::OrganizationKeys;
pub(super) use self::poll::PollKeys;
pub(super) use self::root::{ConfigKeys, HttpKeys};

mod account;
mod attribution;
mod credentials;
mod delivery;
mod mapping;
mod organization;
mod poll;
mod rate_limit;
mod root;
mod source;
mod track;
