//! The errors that all products share, with documented codes and observed messages.

use std::borrow::Cow;

/// The object `Error` of a response.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Cow<'static, str>,
    pub(super) message: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    pub(super) fn unsupported_method() -> Self {
        Self::new(
            "UnsupportedProtocol",
            "The simulated cloud accepts POST requests only.",
        )
    }

    pub(super) fn not_an_object() -> Self {
        Self::new(
            "InvalidRequest",
            "The request body is not a valid JSON object.",
        )
    }

    pub(super) fn missing_parameter(name: &str) -> Self {
        let message = format!("The request is missing a required parameter `{name}`.");
        Self::new("MissingParameter", message)
    }

    pub(super) fn unknown_parameter(name: &str) -> Self {
        let message = format!("The parameter `{name}` is not recognized.");
        Self::new("UnknownParameter", message)
    }

    pub(super) fn wrong_type(name: &str) -> Self {
        let message = format!("The value type of parameter `{name}` is not valid.");
        Self::new("InvalidParameter", message)
    }

    pub(super) fn wrong_value(name: &str) -> Self {
        let message = format!("The value of parameter `{name}` is not valid.");
        Self::new("InvalidParameterValue", message)
    }

    pub(super) fn no_such_product(service: &str) -> Self {
        let message = format!("The product `{service}` does not exist.");
        Self::new("NoSuchProduct", message)
    }

    pub(super) fn invalid_action(action: &str) -> Self {
        let message = format!("The request action=`{action}` is invalid or not found.");
        Self::new("InvalidAction", message)
    }

    pub(super) fn no_such_version(version: &str) -> Self {
        let message = format!("The API version `{version}` does not exist.");
        Self::new("NoSuchVersion", message)
    }

    pub(super) fn unknown_region() -> Self {
        Self::new(
            "InvalidParameterValue",
            "A value specified in `X-TC-Region` is not valid, is unsupported, or cannot be used.",
        )
    }

    pub(super) fn unsupported_region(region: &str) -> Self {
        let message = format!("The request does not support the region `{region}`.");
        Self::new("UnsupportedRegion", message)
    }

    pub(super) fn invalid_authorization() -> Self {
        Self::new(
            "AuthFailure.InvalidAuthorization",
            "The Authorization in the request header does not comply with the standard.",
        )
    }

    pub(super) fn secret_id_not_found() -> Self {
        Self::new(
            "AuthFailure.SecretIdNotFound",
            "The SecretId is not found, please ensure that your SecretId is correct.",
        )
    }

    pub(super) fn signature_failure() -> Self {
        Self::new(
            "AuthFailure.SignatureFailure",
            "The provided credentials could not be validated. Please check your signature is \
             correct.",
        )
    }

    pub(super) fn signature_expire() -> Self {
        Self::new(
            "AuthFailure.SignatureExpire",
            "The signature has expired: timestamp and server time are more than five minutes \
             apart.",
        )
    }

    pub(super) fn token_failure() -> Self {
        Self::new(
            "AuthFailure.TokenFailure",
            "The token is wrong, missing, or expired.",
        )
    }

    /// Creates a denial by CAM. The real message has line breaks too.
    pub(super) fn denied(code: impl Into<Cow<'static, str>>, service: &str, action: &str) -> Self {
        let message = format!(
            "you are not authorized to perform operation ({service}:{action})\n\
             resource (*) has no permission\n"
        );
        Self::new(code, message)
    }

    pub(super) fn throttled(rate: usize, limit: usize) -> Self {
        let message = format!(
            "Your current request times equals to `{rate}` in a second, which exceeds the \
             frequency limit `{limit}` for a second. Please reduce the frequency of calls."
        );
        Self::new("RequestLimitExceeded", message)
    }

    pub(super) fn internal_error() -> Self {
        Self::new(
            "InternalError",
            "An internal error has occurred. Retry your request, but if the problem persists, \
             contact us with the details.",
        )
    }
}
