//! Why a request or a poll failed: the eight reasons that alerts use.

use std::borrow::Cow;
use std::fmt;

use enum_map::Enum;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The reason of a failure. Each reason needs another remedy.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    VariantArray,
    IntoStaticStr,
    EnumString,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case", from = "String")]
pub enum Reason {
    /// The API's frequency limit.
    Throttled,
    /// Key, signature, token or clock.
    Unauthenticated,
    /// CAM, the policy of a bucket, or a list of source addresses denies the request.
    Unauthorized,
    /// No credentials are available to sign the request.
    Credentials,
    /// The request or the region is wrong, so a retry cannot succeed.
    Rejected,
    /// Network, TLS, timeout, or an internal error of the server.
    #[default]
    Unavailable,
    /// The response is not what the API documents.
    Malformed,
    /// Every page arrived, but the pages do not add up.
    Incomplete,
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A reason that a later version wrote into a state file becomes the default: that the poll failed
/// is still true.
impl From<String> for Reason {
    fn from(text: String) -> Self {
        text.parse().unwrap_or_default()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed request or poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// The reason.
    pub reason: Reason,
    /// A label value from a bounded set: a documented API code, `other`, or a code of the exporter
    /// (`timeout`, `connect`, `tls`, `http_502`, …). Without a code, the reason.
    pub code: Cow<'static, str>,
    /// A message for people, never with a secret. It may quote the API, with line breaks escaped.
    pub message: String,
    /// The `RequestId` of the failed request, which Tencent Cloud's support needs.
    pub request_id: Option<String>,
}

impl Failure {
    /// Creates a failure whose code is its reason.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self::with_code(reason, reason.as_str(), message)
    }

    /// Creates a failure with a code from a bounded set.
    pub fn with_code(
        reason: Reason,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            code: code.into(),
            message: message.into(),
            request_id: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.reason, self.code, self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " [RequestId {id}]"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
