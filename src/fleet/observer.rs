//! The interface through which a fleet publishes and reports changes.

use std::sync::Arc;
use std::time::Duration;

use crate::changes::ChangeFeed;
use crate::failure::Failure;
use crate::heartbeat::Heartbeat;
use crate::poll::Publish;
use crate::snapshot::AccountInfo;

/// Receives the reports of accounts, and the changes of accounts and organizations.
pub trait FleetObserver: Send + Sync + 'static {
    /// Returns the function that publishes for an account. A restart after a panic requests another
    /// one.
    fn publisher_for(&self, account: &Arc<AccountInfo>) -> Publish;

    /// Returns the feed to which accounts append their changes.
    fn change_feed(&self) -> Arc<ChangeFeed>;

    /// The account has started. Its loop updates the heartbeat.
    fn account_started(&self, account: &str, heartbeat: &Arc<Heartbeat>);

    /// The loop of the account has panicked and will restart.
    fn account_restarted(&self, account: &str);

    /// The account was removed from the configuration and must be unpublished.
    fn account_removed(&self, account: &str);

    /// The organization is discovered every `refresh`. `known`: whether its members are known
    /// already.
    fn organization_added(&self, _organization: &str, _refresh: Duration, _known: bool) {}

    /// A discovery of the organization has ended: with the number of members, or a failure.
    fn organization_refreshed(&self, _organization: &str, _members: Result<usize, &Failure>) {}

    /// The organization was removed from the configuration.
    fn organization_removed(&self, _organization: &str) {}
}
