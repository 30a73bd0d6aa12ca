//! From the accounts of a configuration to accounts that poll, and from one configuration to the
//! next.
//!
//! A configuration is taken up in two steps. Everything that can fail is done first and changes
//! nothing that anybody sees ([`Fleet::prepare`]); then the accounts change over at once
//! ([`Fleet::adopt`]), and nothing of that can fail. Those that stay as they are notice nothing.

pub use self::accounts::{Fleet, Plan};
pub use self::audience::Audience;
pub use self::inquiry::{
    AccountFound, Asked, Findings, INQUIRY_TIME, MEMBERS_TRIED, OrganizationFound, RegionFound,
    Trouble, inquire,
};
pub use self::shared::Environment;
pub use self::ways::{Connect, Way, connect};

// All accounts, and how they change; and where those come from that nobody wrote down.
mod accounts;
mod organizations;

// One account: as it should run, and running.
mod desired;
mod running;

// Asked once, before anybody polls.
mod inquiry;
mod questions;

// What accounts share.
mod file_keys;
mod identity;
mod providers;
mod rates;
mod shared;
mod ways;

// Who is shown and told what they do.
mod audience;
