//! The client and the accounts that poll with it, against a scripted or simulated cloud in memory.
//! Time is paused.

#[path = "../support/mod.rs"]
mod support;

// One call.
mod calls;
mod clock_skew;
mod cos_sign;
mod reasons;
mod sign;
mod wire;

// Credentials.
mod credentials;
mod default_chain;
mod half_written;
mod identities;
mod profiles;
mod refreshing_provider;
mod reloading_provider;

// Many calls.
mod events;
mod jitter;
mod listing;
mod pacer;
mod throttling;

// Accounts.
mod attribution;
mod fleet;
mod poll;

// Storage targets.
mod delivery;
mod storage;

// The simulated cloud.
mod sim;
