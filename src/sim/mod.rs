//! The simulator: a simulated Tencent Cloud for the demo and the tests.
//!
//! A [`World`] has accounts, keys, regions and tracks, and a clock of its own. A test changes it
//! (`world.account("100000000001")?.set_status(641, 0)?`), injects a [`Fault`], and reads the log of
//! calls. The simulator handles requests in memory, under Tokio's paused time, or behind a socket.
//!
//! The simulator uses no other module of the crate. It reads the headers and bytes of a request,
//! verifies the signature by the specification, and responds with literal JSON. If it shared types
//! with the client, it would share the client's mistakes.

pub use account::{Account, NotFound};
pub use bucket_handle::Bucket;
pub use calls::Call;
pub use fault::Fault;
pub use fault_queue::FaultId;
pub use identity::Identity;
pub use layout::{Arrival, Layout};
pub use member::Member;
pub use operation::{Operator, RecordForm, SESSION_TOKEN};
pub use role::Role;
pub use server::Server;
pub use topic_handle::Topic;
pub use track::{Track, ckafka, cls, cos};
pub use world::{TransportFault, World};

// The entry point, and the same behind a socket.
mod server;
mod world;

// A request: the gateway of all products, the products, the metadata service, and COS.
mod cam;
mod ckafka;
mod cloudaudit;
mod cls;
mod cos;
mod events;
mod gateway;
mod metadata;
mod organization;
mod sts;

// What they share.
mod action;
mod arn;
mod cos_verify;
mod parameters;
mod refusal;
mod regions;
mod reply;
mod uuid;
mod verify;

// Faults that change a response.
mod fault;
mod fault_queue;

// Handles to an account and its storage.
mod account;
mod account_members;
mod account_operations;
mod account_roles;
mod account_storage;
mod bucket_handle;
mod topic_handle;

// The state.
mod bucket;
mod calls;
mod delivery;
mod denials;
mod identity;
mod instance;
mod keys;
mod layout;
mod member;
mod operation;
mod operations;
mod rate;
mod recording;
mod role;
mod state;
mod storage;
mod topic;
mod track;
