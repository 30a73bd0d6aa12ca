//! Who a fleet works for.

use std::sync::Arc;
use std::time::Duration;

use crate::heartbeat::Heartbeat;
use crate::poll::Publish;
use crate::snapshot::AccountInfo;

/// Shows what accounts publish, and is told what becomes of them.
pub trait FleetObserver: Send + Sync + 'static {
    /// A way to publish for an account. It is asked for again after a panic.
    fn publisher_for(&self, account: &Arc<AccountInfo>) -> Publish;

    /// The account's loop has begun, and beats there from now on.
    fn account_started(&self, account: &str, heartbeat: &Arc<Heartbeat>);

    /// The account's loop has panicked, and is going to be started again.
    fn account_restarted(&self, account: &str);

    /// The account has left the configuration: nothing of it is to be shown any more.
    fn account_removed(&self, account: &str);

    /// The organisation is asked for its members once in `refresh`; whether they are known already.
    fn organization_added(&self, _organization: &str, _refresh: Duration, _known: bool) {}

    /// The organisation has so many members; none where that could not be told.
    fn organization_refreshed(&self, _organization: &str, _members: Option<usize>) {}

    /// The organisation has left the configuration.
    fn organization_removed(&self, _organization: &str) {}
}
