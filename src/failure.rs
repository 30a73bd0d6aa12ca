//! Why a call or a poll failed, in the eight words that alerts are written against.

use std::borrow::Cow;
use std::fmt;

use enum_map::Enum;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The class of a failure. Each class has another person who can do something about it.
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
    /// CAM, or a list of source addresses, says no.
    Unauthorized,
    /// There are no credentials to sign with.
    Credentials,
    /// The request or the region is wrong: nothing changes until somebody changes it.
    Rejected,
    /// Network, TLS, time-out, or a fault of the server's own.
    #[default]
    Unavailable,
    /// An answer arrived and it is not what the API promises.
    Malformed,
    /// Every page arrived and together they do not make a listing.
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
