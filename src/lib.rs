//! # cloudaudit-exporter
//!
//! Tencent Cloud's CloudAudit ships an account's operation log through *tracks*. Switch a track off
//! and nobody is told: the log just ends. This daemon lists the tracks of every configured account
//! and region on a clock of its own and serves what it saw to Prometheus, so that somebody is told.
//!
//! ## The way of the data
//!
//! *Prometheus scrapes us; we poll the cloud.* Each account polls itself on its own clock, turns
//! every poll into a plain value, and hands what is rendered of it to a publisher that scrapes read
//! from. An account is the unit of credentials, rate limit, schedule, isolation and rendering, so
//! none of those needs a lock, a global or a special case.
//!
//! ```text
//! file + environment ─▶ config ─▶ fleet: the accounts that should run here, in this shard
//!                                  │  one task per account; pacers and connections of identities
//!                    ┌─────────────┴─────────────┐
//!                    ▼                           ▼
//!                 account                     account     poll/: phase = hash(name)
//!                    │  tick: every region its own future, all through the pacer
//!                    │     page 1, 2, … : pace → credentials → sign → send → parse    tencent/
//!                    ▼
//!              listing or failure, region by region, as each ends
//!                    │  history: (what was known, the listing, now) → report, changes
//!                    ▼
//!              report ─▶ exposition: text ─▶ publisher ─▶ /metrics, /, /-/ready
//! ```
//!
//! ## Words
//!
//! A **target** is an account in a region. A **poll** lists all **pages** of one target and yields
//! a **listing** or a **failure**. A **report** is what we know of one account's targets. A
//! **call** is one request to the API and its **answer**; **response** is HTTP's word on our own
//! listener. A **track** is the API's tracking set.
//!
//! ## The layers
//!
//! The modules below stand in layers, and each may use only what the table in `tests/layers.rs`
//! allows it; that test reads the sources and holds them to it.

// What is known, as plain values.
pub mod clock;
pub mod failure;
pub mod files;
pub mod hash;
pub mod shard;
pub mod snapshot;

// Which proxy calls go through, and the certificates of PEM files.
pub mod pem;
pub mod proxy;

// The cloud: calls become listings or failures.
pub mod tencent;

// What was known and what a poll brought, and what of it outlives the process.
pub mod history;
pub mod state;

// What is shown of it: as text, to whoever scrapes, over HTTP.
pub mod exposition;
pub mod http;
pub mod publisher;
pub mod web_config;

// The process itself, and its ways to the system: limits, signals, pipes, and files that are replaced.
pub mod process;
pub mod pulse;
pub mod replace;
pub mod resources;
pub mod signals;
pub mod stdio;
pub mod systemd;

// What the file and the environment ask for.
pub mod config;

// One account at work, and all of them.
pub mod fleet;
pub mod organization;
pub mod poll;

// A simulated Tencent Cloud, and the demo that plays in it.
pub mod demo;
pub mod sim;

// The program: the parts put together, its commands, its command line and its log.
pub mod app;
pub mod cli;
pub mod commands;
pub mod logging;
