//! The accounts of a process and what they share, over every reload.
//!
//! [`Fleet::prepare`] turns a configuration into a [`Plan`], which can no longer fail.
//! [`Fleet::apply`] makes the fleet match the plan: new accounts start, changed accounts are replaced
//! and keep their history, removed accounts stop and are unpublished, and unchanged accounts keep
//! running. Each account runs in a task that a supervisor restarts after a panic.
//!
//! Accounts with equal credentials share a provider. Accounts with the same identity share a pacer.

pub use self::all_accounts::Fleet;
pub use self::environment::Environment;
pub use self::observer::FleetObserver;
pub use self::plan::Plan;
pub use self::transport_pool::{TransportFactory, TransportKind, transport_factory};

pub(crate) use self::endpoints::{account_endpoints, organization_endpoints};
pub(crate) use self::file_providers::credential_file;
pub(crate) use self::shared_resources::SharedResources;
pub(crate) use self::transport_pool::{HttpsTransport, Transports};

// The accounts and the organizations, as they run.
mod account_task;
mod all_accounts;
mod forget;
mod name_list;
mod organizations;
mod plan;
mod prepared_account;

// The resources that accounts share.
mod client_context;
mod endpoints;
mod environment;
mod file_providers;
mod pacers;
mod providers;
mod rates;
mod shared_resources;
mod transport_pool;

// The interface to the publisher.
mod observer;
