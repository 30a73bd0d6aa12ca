//! The log line of a change of a storage target's state.

use tracing::{info, warn};

use crate::escape::{escaped, visible};
use crate::snapshot::{DeliveryReport, DeliveryState};

/// Logs the state of a storage target: a warning if operation records do not arrive.
pub(super) fn log_delivery(account: &str, before: &DeliveryReport, after: &DeliveryReport) {
    let target = &after.target;
    let account = &*visible(account);
    let [storage_type, storage_region, storage_name, storage_prefix] =
        [&target.kind, &target.region, &target.name, &target.prefix].map(|text| escaped(text));
    let (before, state) = (before.state.as_str(), after.state.as_str());
    let why = after.explanation.as_str();
    match after.state {
        DeliveryState::Stalled | DeliveryState::Missing => warn!(
            account,
            storage_type,
            storage_region,
            storage_name,
            storage_prefix,
            state,
            before,
            why,
            "operation records do not arrive"
        ),
        _ => info!(
            account,
            storage_type,
            storage_region,
            storage_name,
            storage_prefix,
            state,
            before,
            why,
            "the state of a storage target has changed"
        ),
    }
}
