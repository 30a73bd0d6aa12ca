//! The API gateway that all products share: it finds the action and checks signature, time, rate
//! limit, region and permission.
//!
//! A product adds its table of actions to [`PRODUCTS`]. Requests to the metadata service do not
//! pass the gateway.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request};
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::time::Instant;

use crate::sim::action::{Action, ActionContext, Caller, Handler};
use crate::sim::arn::parse_arn;
use crate::sim::calls::Call;
use crate::sim::denials::UNAUTHORIZED;
use crate::sim::identity::Identity;
use crate::sim::keys::Key;
use crate::sim::parameters::Parameters;
use crate::sim::recording::record_read;
use crate::sim::refusal::Refusal;
use crate::sim::reply::Answer;
use crate::sim::state::{AccountState, State};
use crate::sim::verify::{Authorization, header};
use crate::sim::{cam, ckafka, cloudaudit, cls, organization, regions, sts};

/// The actions of each product.
static PRODUCTS: [&[Action]; 6] = [
    &cam::ACTIONS,
    &ckafka::ACTIONS,
    &cloudaudit::ACTIONS,
    &cls::ACTIONS,
    &organization::ACTIONS,
    &sts::ACTIONS,
];

/// The product whose regions an account can limit. The others are in every region.
const CLOUDAUDIT: &str = "cloudaudit";

/// The value of `Authorization` in a request without a signature.
const UNSIGNED: &str = "SKIP";

/// Handles a request. Returns its entry for the call log, and the response.
pub(super) fn handle(
    state: &mut State,
    request: &Request<Bytes>,
    now: SystemTime,
) -> (Call, Answer) {
    let mut call = describe(state, request, now);
    let verdict = decide(state, request, &call);
    let refusal = verdict.as_ref().err();
    call.refused = refusal.map(|refusal| refusal.code.to_string());
    (call, Answer::Api(verdict))
}

/// A call that becomes an operation record: of an action of CloudAudit, by a verified key.
pub(super) struct Read {
    key: Key,
    action: &'static str,
    region: String,
    is_denied: bool,
}

impl Read {
    pub(super) fn of(state: &State, call: &Call) -> Option<Self> {
        let mut actions = cloudaudit::ACTIONS.iter();
        let action = actions.find(|action| action.name == call.action)?.name;
        let is_denied = match call.refused.as_deref() {
            None => false,
            Some(UNAUTHORIZED) => true,
            Some(_) => return None,
        };
        Some(Self {
            key: state.keys.get(&call.secret_id)?.clone(),
            action,
            region: call.region.clone(),
            is_denied,
        })
    }

    pub(super) fn record(self, state: &mut State, request_id: &str, now: SystemTime) {
        let Self {
            key,
            action,
            region,
            is_denied,
        } = self;
        record_read(state, &key, action, &region, is_denied, request_id, now);
    }
}

/// Describes the request by its headers and body, before any check.
fn describe(state: &State, request: &Request<Bytes>, at: SystemTime) -> Call {
    let claim = |name| header(request, name).unwrap_or_default().to_owned();
    let authorization = header(request, "Authorization");
    let signed = authorization.and_then(Authorization::parse);
    let (secret_id, signature) = signed.map_or(("", ""), |it| (it.secret_id, it.signature));
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let role = body["RoleArn"].as_str();
    let uin = match authorization {
        Some(UNSIGNED) => role.and_then(parse_arn).map(|(uin, _)| uin),
        _ => state.keys.get(secret_id).map(|key| key.uin.as_str()),
    };
    Call {
        at,
        arrived: Instant::now(),
        secret_id: secret_id.to_owned(),
        signature: signature.to_owned(),
        uin: uin
            .filter(|uin| state.accounts.contains_key(*uin))
            .map(str::to_owned),
        host: claim("Host"),
        action: claim("X-TC-Action"),
        region: claim("X-TC-Region"),
        page: page(&body),
        role: role.map(str::to_owned),
        refused: None,
        fault: None,
    }
}

/// Returns the page number, counted from 1, of either kind of paging.
fn page(body: &Value) -> Option<u64> {
    let by_offset = || {
        let (offset, limit) = (body["Offset"].as_u64()?, body["Limit"].as_u64()?);
        offset.checked_div(limit)?.checked_add(1)
    };
    body["PageNumber"].as_u64().or_else(by_offset)
}

fn decide(state: &mut State, request: &Request<Bytes>, call: &Call) -> Result<Value, Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::unsupported_method());
    }
    let action = required(request, "X-TC-Action")?;
    let version = required(request, "X-TC-Version")?;
    match required(request, "Authorization")? {
        UNSIGNED => decide_unsigned(state, request, call, find_unsigned_action(action, version)?),
        authorization => {
            let authorization =
                Authorization::parse(authorization).ok_or_else(Refusal::invalid_authorization)?;
            let action = find(authorization.service, action, version)?;
            decide_signed(state, request, call, &authorization, action)
        }
    }
}

/// Checks in the order in which a gateway can: form, time, sender, rate, region, permission. Then the
/// product handles the request.
fn decide_signed(
    state: &mut State,
    request: &Request<Bytes>,
    call: &Call,
    authorization: &Authorization,
    action: &'static Action,
) -> Result<Value, Refusal> {
    let Handler::Signed(handler) = action.handler else {
        return Err(Refusal::invalid_authorization());
    };
    let timestamp = required(request, "X-TC-Timestamp")?;
    check_time(timestamp, authorization.date, call.at)?;
    let key = state.keys.get(authorization.secret_id).cloned();
    let key = key.ok_or_else(Refusal::secret_id_not_found)?;
    let identity = &key.identity;
    let within_rate = count(state, action, &key.principal(), call.arrived);
    if !authorization.is_by(&identity.secret_key, timestamp, request) {
        return Err(Refusal::signature_failure());
    }
    check_token(identity, header(request, "X-TC-Token"), call.at)?;
    within_rate?;

    let (mut context, accounts) = ActionContext::new(state, call.at);
    let account = accounts
        .get(&key.uin)
        .ok_or_else(Refusal::secret_id_not_found)?;
    let region = if action.needs_region {
        let region = required(request, "X-TC-Region")?;
        let offered = (action.service == CLOUDAUDIT).then_some(&*account.regions);
        regions::check(offered, region)?;
        region
    } else {
        ""
    };
    check_permissions(account, &key, action)?;
    let caller = Caller {
        key: &key,
        account,
        region,
    };
    handler(&mut context, &caller, Parameters::parse(request.body())?)
}

fn decide_unsigned(
    state: &mut State,
    request: &Request<Bytes>,
    call: &Call,
    action: &'static Action,
) -> Result<Value, Refusal> {
    let Handler::Unsigned(handler) = action.handler else {
        return Err(Refusal::invalid_authorization());
    };
    let uin = call.uin.as_deref().unwrap_or_default();
    count(state, action, uin, call.arrived)?;
    let (mut context, _) = ActionContext::new(state, call.at);
    handler(&mut context, Parameters::parse(request.body())?)
}

/// Counts a call, and refuses it above the rate limit.
fn count(
    state: &mut State,
    action: &Action,
    identity: &str,
    arrived: Instant,
) -> Result<(), Refusal> {
    let rate = state.calls.arrive(action.name, identity, arrived);
    let limit = action.rate_limit.unwrap_or(state.settings.rate_limit);
    if rate > limit {
        return Err(Refusal::throttled(rate, limit));
    }
    Ok(())
}

/// Checks the denials of the key and, for a role's key, of the role.
fn check_permissions(account: &AccountState, key: &Key, action: &Action) -> Result<(), Refusal> {
    let name = format!("{}:{}", action.service, action.name);
    let role = key.session.as_ref();
    let role = role.and_then(|session| account.roles.get(&session.role));
    let of_role = role.and_then(|role| role.denials.code(&name));
    match key.identity.denials.code(&name).or(of_role) {
        None => Ok(()),
        Some(code) => Err(Refusal::denied(
            code.to_owned(),
            action.service,
            action.name,
        )),
    }
}

fn required<'a, B>(request: &'a Request<B>, name: &str) -> Result<&'a str, Refusal> {
    let bare = name.trim_start_matches("X-TC-");
    header(request, name).ok_or_else(|| Refusal::missing_parameter(bare))
}

fn find(service: &str, action: &str, version: &str) -> Result<&'static Action, Refusal> {
    let of_product = PRODUCTS
        .iter()
        .find(|actions| actions.iter().any(|known| known.service == service))
        .ok_or_else(|| Refusal::no_such_product(service))?;
    let found = of_product
        .iter()
        .find(|known| known.name == action)
        .ok_or_else(|| Refusal::invalid_action(action))?;
    if found.version != version {
        return Err(Refusal::no_such_version(version));
    }
    Ok(found)
}

/// Finds an action by name and version: an unsigned request does not name its product.
fn find_unsigned_action(action: &str, version: &str) -> Result<&'static Action, Refusal> {
    let mut actions = PRODUCTS.iter().copied().flatten();
    actions
        .find(|known| known.name == action && known.version == version)
        .ok_or_else(|| Refusal::invalid_action(action))
}

/// Checks that the timestamp is off by at most five minutes, and that the signed date is its date in
/// UTC.
fn check_time(timestamp: &str, date: &str, now: SystemTime) -> Result<(), Refusal> {
    let seconds = timestamp.parse().ok();
    let signed = seconds
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .ok_or_else(|| Refusal::wrong_value("Timestamp"))?;
    let apart = match now.duration_since(signed.into()) {
        Ok(late) => late,
        Err(early) => early.duration(),
    };
    if apart > MAX_CLOCK_DIFFERENCE {
        return Err(Refusal::signature_expire());
    }
    if signed.to_zoned(TimeZone::UTC).date().to_string() != date {
        return Err(Refusal::signature_failure());
    }
    Ok(())
}

const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);

fn check_token(identity: &Identity, given: Option<&str>, now: SystemTime) -> Result<(), Refusal> {
    let is_right = match &identity.temporary {
        Some(temporary) => given == Some(&temporary.token) && now < temporary.expires,
        None => given.is_none(),
    };
    is_right.then_some(()).ok_or_else(Refusal::token_failure)
}
