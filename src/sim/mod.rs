//! A simulated Tencent Cloud: what the demo shows and what tests poll.
//!
//! It is a [`World`] with accounts, identities, regions and tracks, and with a clock of its own.
//! Whoever holds it changes the world (`world.account("100000000001")?.set_status(641, 0)?`), plays
//! a [`Fault`], and looks at what was asked of it. It can be asked in memory, under Tokio's paused
//! time, and behind a socket.
//!
//! It uses nothing of the rest of the crate: it reads a request's headers and bytes as they came,
//! verifies the signature from the specification, and answers with literal JSON. A simulation that
//! shared the client's types would share the client's mistakes.

pub use account::{Account, NotFound};
pub use calls::Call;
pub use fault::Fault;
pub use fault_queue::FaultId;
pub use identity::Identity;
pub use member::Member;
pub use role::Role;
pub use server::Server;
pub use track::{Track, ckafka, cls, cos};
pub use world::{TransportFault, World};

// What there is, and what may be done to it.
mod account;
mod denials;
mod identity;
mod keys;
mod member;
mod role;
mod track;
mod world;

// The way of a request: the front door of every product, then the product; and what has none.
mod cloudaudit;
mod gateway;
mod metadata;
mod organization;
mod parameters;
mod refusal;
mod regions;
mod sts;
mod verify;

// What is counted and remembered of it.
mod calls;
mod rate;

// How the answer goes back, or does not.
mod fault;
mod fault_queue;
mod reply;
mod server;
