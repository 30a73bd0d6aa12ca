//! The keys of the search for the operators behind changes.

use super::super::leaf::{Boolean, SweepInterval};
use super::mapping::mapping;

mapping! {
    /// The nearest layer decides each key.
    struct AttributionKeys as "attribution" {
        /// Whether the exporter searches for the operator behind each change. It needs
        /// `cloudaudit:DescribeEvents`, which reads all operations of an account.
        enabled: Boolean = false,
        /// The time between two sweeps, which list every write to tracks, failed attempts included.
        /// Default: never, so that only a change causes requests.
        sweep_interval: SweepInterval,
        /// Whether `cloudaudit_track_change_operator_info` has the operator's name as a label.
        operator_label: Boolean = false,
    }
}
