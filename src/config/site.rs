//! The two sites of Tencent Cloud.

use serde::Serialize;

use super::endpoint::Endpoint;

/// Tencent Cloud is two separate clouds; an account exists in one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Site {
    /// The international site, whose documentation this exporter follows.
    #[default]
    International,
    /// Mainland China.
    China,
}
impl Site {
    /// Returns the value of the label `site`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::International => "international",
            Self::China => "china",
        }
    }

    /// Returns the other site.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::International => Self::China,
            Self::China => Self::International,
        }
    }

    /// Returns the host of the CloudAudit API.
    pub fn endpoint(self) -> Endpoint {
        self.host("cloudaudit")
    }

    /// Returns the host of STS.
    pub fn sts_endpoint(self) -> Endpoint {
        self.host("sts")
    }

    /// Returns the host of the Organization API.
    pub fn organization_endpoint(self) -> Endpoint {
        self.host("organization")
    }

    /// Returns the host of the Cloud Log Service API.
    pub fn cls_endpoint(self) -> Endpoint {
        self.host("cls")
    }

    /// Returns the host of the `CKafka` API.
    pub fn ckafka_endpoint(self) -> Endpoint {
        self.host("ckafka")
    }

    /// Returns the host of the Cloud Access Management API.
    pub fn cam_endpoint(self) -> Endpoint {
        self.host("cam")
    }

    fn host(self, product: &str) -> Endpoint {
        Endpoint::of_host(&match self {
            Self::International => format!("{product}.intl.tencentcloudapi.com"),
            Self::China => format!("{product}.tencentcloudapi.com"),
        })
    }
}
