//! Keys → values: `defaults` and the top level fill in what an account does not set.

pub(super) use self::config::config;

mod account;
mod config;
mod delivery;
mod layers;
mod organization;
