//! How the exporter checks that operation records arrive.

use std::time::Duration;

use serde::Serialize;

use super::endpoint::Endpoint;

/// The checks of an account's storage targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The time between two checks of a storage target.
    pub interval: Duration,
    /// An operation that is older than this should have arrived.
    pub grace: Duration,
    /// Where requests to all buckets go. `None` if each bucket has its own host.
    pub cos_endpoint: Option<Endpoint>,
    /// The host of the Cloud Log Service API.
    pub cls_endpoint: Endpoint,
    /// The host of the `CKafka` API.
    pub ckafka_endpoint: Endpoint,
    /// The host of the Cloud Access Management API, which knows the APPID of the account.
    pub cam_endpoint: Endpoint,
}

impl Delivery {
    /// The name of all buckets' hosts without their first parts.
    const COS_HOST: &str = "myqcloud.com";

    /// Returns where requests to all buckets go, or what their hosts have in common.
    pub fn cos_host(&self) -> Endpoint {
        let all = || Endpoint::of_host(Self::COS_HOST);
        self.cos_endpoint.clone().unwrap_or_else(all)
    }
}
