//! The keys of the search for the operators behind changes.

use super::super::leaf::{Boolean, SweepInterval};
use super::mapping::mapping;

mapping! {
    /// The nearest layer decides each key.
    struct AttributionKeys as "attribution" {
        /// Whether the exporter searches for the operator who made each change. The search needs
        /// the permission `cloudaudit:DescribeEvents`, which allows reading all operations of an
        /// account.
        enabled: Boolean = false,
        /// The time between two sweeps. A sweep lists every write to tracks, including failed
        /// attempts. Default: no sweeps; the exporter then searches only after a change.
        sweep_interval: SweepInterval,
        /// Whether `cloudaudit_track_change_operator_info` has the operator's name as a label.
        operator_label: Boolean = false,
    }
}
