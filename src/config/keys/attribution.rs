//! The keys of the search for the operators who made changes.

use super::super::leaf::{Boolean, SweepInterval};
use super::mapping::mapping;

mapping! {
    /// The nearest layer decides each key.
    struct AttributionKeys as "attribution" {
        /// Whether the exporter searches the operation records for the operator (user, role or root
        /// account) of each change to a track. The search needs the permission
        /// `cloudaudit:DescribeEvents`, which allows reading all operation records.
        enabled: Boolean = false,
        /// The time between two sweeps. A sweep reads the records of all write operations on
        /// CloudAudit, including failed operations. Default: no sweeps: the exporter searches only
        /// after a change.
        sweep_interval: SweepInterval,
        /// Whether the exporter exposes `cloudaudit_track_change_operator_info`, with the operator's
        /// name as a label.
        operator_label: Boolean = false,
    }
}
