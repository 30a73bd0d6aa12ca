//! The front door that all products share: who asks, may they, for what, and where.
//!
//! A product adds its actions to [`ACTIONS`]; STS and the organisation API will be such products. What
//! is no signed call at all, as the metadata service, is another path and does not come by here.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request};
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::time::Instant;

use crate::sim::account::{AccountState, Identity, owner};
use crate::sim::calls::Call;
use crate::sim::cloudaudit;
use crate::sim::parameters::Parameters;
use crate::sim::verify::Authorization;
use crate::sim::world::{Settings, State};

/// Something a product can be asked for.
pub(super) struct Action {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) run: fn(&Scene, Parameters) -> Result<Value, Refusal>,
}

/// What an action sees: who asks, and where.
pub(super) struct Scene<'a> {
    pub(super) settings: &'a Settings,
    pub(super) account: &'a AccountState,
    pub(super) region: &'a str,
}

/// The content of `Error`.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    pub(super) fn missing(parameter: &str) -> Self {
        let message = format!("The request is missing a required parameter `{parameter}`.");
        Self::new("MissingParameter", message)
    }
}

/// Handles a request and says what it was. Pages, faults and counts hang on the second.
pub(super) fn handle(
    state: &mut State,
    request: &Request<Bytes>,
    now: SystemTime,
) -> (Call, Result<Value, Refusal>) {
    let mut call = describe(state, request, now);
    let verdict = decide(state, request, &call);
    call.refused = verdict
        .as_ref()
        .err()
        .map(|refusal| refusal.code.to_string());
    (call, verdict)
}

/// The order of the checks is the one in which a gateway can make them: form, sender, rate, rights;
/// the product's own come last.
fn decide(state: &mut State, request: &Request<Bytes>, call: &Call) -> Result<Value, Refusal> {
    if request.method() != Method::POST {
        let message = "Only POST requests are supported by the simulated cloud.";
        return Err(Refusal::new("UnsupportedProtocol", message));
    }
    let action = required(request, "X-TC-Action")?;
    let version = required(request, "X-TC-Version")?;
    let timestamp = required(request, "X-TC-Timestamp")?;
    let authorization = Authorization::parse(required(request, "Authorization")?)
        .ok_or_else(|| refuse(INVALID_AUTHORIZATION))?;
    let action = find(authorization.service, action, version)?;
    check_time(timestamp, authorization.date, call.at)?;

    let State {
        accounts,
        calls,
        settings,
        ..
    } = state;
    let (_, account, identity) =
        owner(accounts, authorization.secret_id).ok_or_else(|| refuse(SECRET_ID_NOT_FOUND))?;
    let rate = calls.arrive(action.name, authorization.secret_id, call.arrived);
    if !authorization.is_by(&identity.secret_key, timestamp, request) {
        return Err(refuse(SIGNATURE_FAILURE));
    }
    check_token(identity, header(request, "X-TC-Token"), call.at)?;
    if rate > settings.rate_limit {
        return Err(throttled(rate, settings.rate_limit));
    }
    let region = required(request, "X-TC-Region")?;
    check_region(account, region)?;
    if let Some(code) = &identity.denial {
        return Err(denied(code.clone(), action.service, action.name));
    }

    let scene = Scene {
        settings,
        account,
        region,
    };
    (action.run)(&scene, Parameters::parse(request.body())?)
}

/// What the request says of itself, believed without proof.
fn describe(state: &State, request: &Request<Bytes>, at: SystemTime) -> Call {
    let claim = |name| header(request, name).unwrap_or_default().to_owned();
    let authorization = header(request, "Authorization").and_then(Authorization::parse);
    let secret_id = authorization.map_or("", |authorization| authorization.secret_id);
    let body: Option<Value> = serde_json::from_slice(request.body()).ok();
    Call {
        at,
        arrived: Instant::now(),
        secret_id: secret_id.to_owned(),
        uin: owner(&state.accounts, secret_id).map(|(uin, ..)| uin.to_owned()),
        action: claim("X-TC-Action"),
        region: claim("X-TC-Region"),
        page: body.and_then(|body| body.get("PageNumber")?.as_u64()),
        refused: None,
        fault: None,
    }
}

/// A header as text. In memory a request may have no `Host` yet: its client takes it from the URI
/// when it writes the request out.
pub(super) fn header<'a, B>(request: &'a Request<B>, name: &str) -> Option<&'a str> {
    match request.headers().get(name) {
        Some(value) => value.to_str().ok(),
        None if name == "host" => Some(request.uri().authority()?.as_str()),
        None => None,
    }
}

fn required<'a, B>(request: &'a Request<B>, name: &str) -> Result<&'a str, Refusal> {
    let bare = name.trim_start_matches("X-TC-");
    header(request, name).ok_or_else(|| Refusal::missing(bare))
}

fn find(service: &str, action: &str, version: &str) -> Result<&'static Action, Refusal> {
    let mut of_product = ACTIONS
        .iter()
        .filter(|known| known.service == service)
        .peekable();
    if of_product.peek().is_none() {
        let message = format!("The product `{service}` does not exist.");
        return Err(Refusal::new("NoSuchProduct", message));
    }
    let Some(found) = of_product.find(|known| known.name == action) else {
        let message = format!("The request action=`{action}` is invalid or not found.");
        return Err(Refusal::new("InvalidAction", message));
    };
    if found.version != version {
        let message = format!("The API version `{version}` does not exist.");
        return Err(Refusal::new("NoSuchVersion", message));
    }
    Ok(found)
}

/// Every product's actions.
static ACTIONS: [Action; 1] = cloudaudit::ACTIONS;

/// The timestamp may be off by five minutes, and the signature's date must be its date in UTC.
fn check_time(timestamp: &str, date: &str, now: SystemTime) -> Result<(), Refusal> {
    let signed = timestamp
        .parse()
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let Some(signed) = signed else {
        let message = "The value of parameter `Timestamp` is not valid.";
        return Err(Refusal::new("InvalidParameterValue", message));
    };
    let signed_at = SystemTime::from(signed);
    let apart = match now.duration_since(signed_at) {
        Ok(late) => late,
        Err(early) => early.duration(),
    };
    if apart > MAX_CLOCK_DIFFERENCE {
        return Err(refuse(SIGNATURE_EXPIRE));
    }
    if signed.to_zoned(TimeZone::UTC).date().to_string() != date {
        return Err(refuse(SIGNATURE_FAILURE));
    }
    Ok(())
}

const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);

fn check_token(identity: &Identity, given: Option<&str>, now: SystemTime) -> Result<(), Refusal> {
    let is_right = match &identity.temporary {
        Some(temporary) => given == Some(&temporary.token) && now < temporary.expires,
        None => given.is_none(),
    };
    is_right.then_some(()).ok_or_else(|| refuse(TOKEN_FAILURE))
}

fn check_region(account: &AccountState, region: &str) -> Result<(), Refusal> {
    if account.regions.iter().any(|offered| offered == region) {
        return Ok(());
    }
    if REGIONS.contains(&region) {
        let message = format!("The request does not support the region `{region}`.");
        return Err(Refusal::new("UnsupportedRegion", message));
    }
    let message =
        "A value specified in `X-TC-Region` is not valid, is unsupported, or cannot be used.";
    Err(Refusal::new("InvalidParameterValue", message))
}

/// The regions that the cloud has, whether or not a product is offered there.
const REGIONS: [&str; 20] = [
    "ap-bangkok",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-guangzhou",
    "ap-hongkong",
    "ap-jakarta",
    "ap-mumbai",
    "ap-nanjing",
    "ap-seoul",
    "ap-shanghai",
    "ap-shanghai-fsi",
    "ap-shenzhen-fsi",
    "ap-singapore",
    "ap-tokyo",
    "eu-frankfurt",
    "na-ashburn",
    "na-siliconvalley",
    "na-toronto",
    "sa-saopaulo",
];

pub(super) fn throttled(rate: usize, limit: usize) -> Refusal {
    let message = format!(
        "Your current request times equals to `{rate}` in a second, which exceeds the frequency \
         limit `{limit}` for a second. Please reduce the frequency of calls."
    );
    Refusal::new("RequestLimitExceeded", message)
}

/// The real message has line breaks too.
pub(super) fn denied(code: impl Into<Cow<'static, str>>, service: &str, action: &str) -> Refusal {
    let message = format!(
        "you are not authorized to perform operation ({service}:{action})\n\
         resource (*) has no permission\n"
    );
    Refusal::new(code, message)
}

type CodeAndMessage = (&'static str, &'static str);

fn refuse((code, message): CodeAndMessage) -> Refusal {
    Refusal::new(code, message)
}

const INVALID_AUTHORIZATION: CodeAndMessage = (
    "AuthFailure.InvalidAuthorization",
    "The Authorization in the request header does not comply with the standard.",
);
const SECRET_ID_NOT_FOUND: CodeAndMessage = (
    "AuthFailure.SecretIdNotFound",
    "The SecretId is not found, please ensure that your SecretId is correct.",
);
const SIGNATURE_FAILURE: CodeAndMessage = (
    "AuthFailure.SignatureFailure",
    "The provided credentials could not be validated. Please check your signature is correct.",
);
const SIGNATURE_EXPIRE: CodeAndMessage = (
    "AuthFailure.SignatureExpire",
    "The signature has expired: timestamp and server time are more than five minutes apart.",
);
const TOKEN_FAILURE: CodeAndMessage = (
    "AuthFailure.TokenFailure",
    "The token is wrong, missing, or expired.",
);
