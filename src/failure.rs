//! Why a call or a poll failed, in the eight words that alerts are written against.

use std::borrow::Cow;
use std::fmt;

/// The class of a failure. Each class has another person who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The API's frequency limit.
    Throttled,
    /// Key, signature, token or clock.
    Unauthenticated,
    /// CAM, or a list of source addresses, says no.
    Unauthorized,
    /// There are no credentials to sign with.
    Credentials,
    /// The request or the region is wrong: nothing changes until somebody changes it.
    Rejected,
    /// Network, TLS, time-out, or a fault of the server's own.
    Unavailable,
    /// An answer arrived and it is not what the API promises.
    Malformed,
    /// Every page arrived and together they do not make a listing.
    Incomplete,
}

impl Reason {
    /// Every reason, in the order of their index.
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

/// A failed call or poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub reason: Reason,
    /// A label value from a bounded set: a code that the API documents, `other`, or one of ours
    /// (`timeout`, `connect`, `tls`, `http_502`, …). Where there is no code it repeats the reason.
    pub code: Cow<'static, str>,
    /// For people; may hold what the API said, its line breaks escaped. Never a secret.
    pub message: String,
    /// The API's id of the failed call: what its support asks for.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure without a code of its own: the reason stands in for it.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self::with_code(reason, reason.as_str(), message)
    }

    /// A failure with a code, which must come from a bounded set.
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
