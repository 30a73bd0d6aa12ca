//! Why a request or a poll failed: the eight reasons that alerts use.

use std::borrow::Cow;
use std::fmt;

/// The reason of a failure. Each reason needs another remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The API's frequency limit.
    Throttled,
    /// Key, signature, token or clock.
    Unauthenticated,
    /// CAM, or a list of source addresses, denies the request.
    Unauthorized,
    /// No credentials are available to sign the request.
    Credentials,
    /// The request or the region is wrong, so a retry cannot succeed.
    Rejected,
    /// Network, TLS, timeout, or an internal error of the server.
    Unavailable,
    /// The response is not what the API documents.
    Malformed,
    /// Every page arrived, but the pages contradict each other.
    Incomplete,
}

impl Reason {
    /// Every reason, in the order of the discriminants.
    pub const ALL: [Self; 8] = [
        Self::Throttled,
        Self::Unauthenticated,
        Self::Unauthorized,
        Self::Credentials,
        Self::Rejected,
        Self::Unavailable,
        Self::Malformed,
        Self::Incomplete,
    ];

    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Unauthenticated => "unauthenticated",
            Self::Unauthorized => "unauthorized",
            Self::Credentials => "credentials",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::Incomplete => "incomplete",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed request or poll.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A failure whose code is its reason.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self::with_code(reason, reason.as_str(), message)
    }

    /// A failure with a code from a bounded set.
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
