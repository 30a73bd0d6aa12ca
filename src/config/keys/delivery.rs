//! The keys of checks of storage targets.

use super::super::defaults;
use super::super::leaf::{Boolean, Host, Interval, Period};
use super::mapping::mapping;
use crate::duration::format_duration;

mapping! {
    /// Whether and how the exporter checks that operation records arrive.
    struct DeliveryKeys as "delivery" {
        /// Whether the exporter checks the storage targets of enabled tracks. This needs more
        /// permissions: see `check --policy`.
        enabled: Boolean = false,
        /// The time between two checks of a storage target. Not shorter than `poll.timeout`.
        interval: Interval = format_duration(defaults::DELIVERY_INTERVAL),
        /// How long an operation may take to arrive. CloudAudit documents 5 to 10 minutes.
        grace: Period = format_duration(defaults::DELIVERY_GRACE),
        /// The host for requests to all buckets; `Host` and the signature keep the host of the
        /// bucket. Default: `endpoint` if on loopback, else the hosts of the buckets.
        cos_endpoint: Host,
        /// The host of CLS. Default: `endpoint` if on loopback, else the site's CLS host.
        cls_endpoint: Host,
        /// The host of CKafka. Default: `endpoint` if on loopback, else the site's CKafka host.
        ckafka_endpoint: Host,
    }
}
