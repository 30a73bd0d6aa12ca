//! The keys of checks of storage targets.

use super::super::delivery::Delivery;
use super::super::leaf::{Boolean, Host, Interval, Period};
use super::mapping::mapping;
use crate::duration::format_duration;

mapping! {
    /// Whether and how the exporter checks that operation records arrive.
    struct DeliveryKeys as "delivery" {
        /// Whether the exporter checks the storage targets of enabled tracks. Needs more rights: see
        /// `check --policy`.
        enabled: Boolean = false,
        /// The time between two checks of a storage target. Not shorter than `poll.timeout`.
        interval: Interval = format_duration(Delivery::INTERVAL),
        /// An operation that is older than this should have arrived. CloudAudit documents 5 to 10
        /// minutes.
        grace: Period = format_duration(Delivery::GRACE),
        /// Where requests to all buckets go instead of to their own hosts, which stay in `Host` and
        /// in the signature. Default: the hosts of the buckets, or an `endpoint` on loopback.
        cos_endpoint: Host,
        /// The host of CLS. Default: the host of the site, or an `endpoint` on loopback.
        cls_endpoint: Host,
        /// The host of CKafka. Default: the host of the site, or an `endpoint` on loopback.
        ckafka_endpoint: Host,
    }
}
