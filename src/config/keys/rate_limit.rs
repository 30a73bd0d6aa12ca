//! How fast the exporter may call the API.

use serde_json::Value as Json;

use super::super::defaults;
use super::super::definitions::Definitions;
use super::super::document::Node;
use super::super::leaf::WholeNumber;
use super::super::reader::Reader;
use super::super::value_types::{Leaf, Setting};
use super::mapping::mapping;

mapping! {
    struct RateLimitKeys as "rate_limit" {
        /// The maximum number of requests per second with one API key or role to CloudAudit, and
        /// to each service that delivery checks use. The API allows 20, including requests of the
        /// console and the command line; a higher value causes a warning. `DescribeEvents` has a
        /// separate limit with the same value.
        requests_per_second: RequestRate = defaults::REQUESTS_PER_SECOND,
    }
}

/// A number of requests, with a warning if the API allows fewer.
pub(in crate::config) struct RequestRate;

type Number = WholeNumber<1000>;

impl Setting for RequestRate {
    type Value = u32;

    fn read(node: &Node, reader: &mut Reader) -> Option<u32> {
        const ALLOWED: u32 = 20;
        let rate = <Number as Setting>::read(node, reader)?;
        if rate > ALLOWED {
            reader.warn(format!(
                "{rate} is more than the API allows ({ALLOWED} a second for one identity); it will throttle"
            ));
        }
        Some(rate)
    }

    fn schema(_: &mut Definitions) -> Json {
        <Number as Leaf>::schema()
    }
}
