//! The keys of checks of storage targets.

use super::super::defaults;
use super::super::leaf::{Boolean, Host, Interval, Period};
use super::mapping::mapping;
use crate::duration::format_duration;

mapping! {
    /// Whether and how the exporter checks that operation records arrive.
    struct DeliveryKeys as "delivery" {
        /// Whether the exporter checks that operation records arrive in the storage of enabled
        /// tracks (for CKafka, only that the topic exists). The checks need more permissions, which
        /// `check --policy` prints.
        enabled: Boolean = false,
        /// The time between two checks of a storage target. Not shorter than `poll.timeout`.
        interval: Interval = format_duration(defaults::DELIVERY_INTERVAL),
        /// How long the record of an operation may take to arrive in the storage. Tencent Cloud
        /// documents 5 to 10 minutes.
        grace: Period = format_duration(defaults::DELIVERY_GRACE),
        /// The host for requests to all buckets. The header `Host` and the signature still contain
        /// the host of the bucket. Default: `endpoint` if it begins with `http://`, else the host
        /// of each bucket.
        cos_endpoint: Host,
        /// The host of CLS. Default: `endpoint` if it begins with `http://`, else the site's CLS
        /// host.
        cls_endpoint: Host,
        /// The host of CKafka. Default: `endpoint` if it begins with `http://`, else the site's
        /// CKafka host.
        ckafka_endpoint: Host,
    }
}
