//! The front door that all products share: who asks, for what, may they, and where.
//!
//! A product adds its actions to [`ACTIONS`]; STS and the organisation API will be such products.
//! What is no signed call at all, as the metadata service, does not come by here.

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
use crate::sim::refusal::Refusal;
use crate::sim::verify::{Authorization, header};
use crate::sim::world::{Settings, State};

/// Something a product can be asked for.
pub(super) struct Action {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) run: fn(&Scene, Parameters) -> Result<Value, Refusal>,
}

/// What an action sees of the world: for whom, and where, it is run.
pub(super) struct Scene<'a> {
    pub(super) settings: &'a Settings,
    pub(super) account: &'a AccountState,
    pub(super) region: &'a str,
}

/// Every product's actions.
static ACTIONS: [Action; 1] = cloudaudit::ACTIONS;

/// Handles a request: what it was, and what is answered.
pub(super) fn handle(
    state: &mut State,
    request: &Request<Bytes>,
    now: SystemTime,
) -> (Call, Result<Value, Refusal>) {
    let mut call = describe(state, request, now);
    let verdict = decide(state, request, &call);
    let refusal = verdict.as_ref().err();
    call.refused = refusal.map(|refusal| refusal.code.to_string());
    (call, verdict)
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

/// The order is the one in which a gateway can know: form, time, sender, rate, place, rights. What
/// only the product knows comes last.
fn decide(state: &mut State, request: &Request<Bytes>, call: &Call) -> Result<Value, Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::unsupported_method());
    }
    let action = required(request, "X-TC-Action")?;
    let version = required(request, "X-TC-Version")?;
    let timestamp = required(request, "X-TC-Timestamp")?;
    let authorization = Authorization::parse(required(request, "Authorization")?)
        .ok_or_else(Refusal::invalid_authorization)?;
    let action = find(authorization.service, action, version)?;
    check_time(timestamp, authorization.date, call.at)?;

    let State {
        accounts,
        calls,
        settings,
        ..
    } = state;
    let secret_id = authorization.secret_id;
    let (_, account, identity) =
        owner(accounts, secret_id).ok_or_else(Refusal::secret_id_not_found)?;
    let rate = calls.arrive(action.name, secret_id, call.arrived);
    if !authorization.is_by(&identity.secret_key, timestamp, request) {
        return Err(Refusal::signature_failure());
    }
    check_token(identity, header(request, "X-TC-Token"), call.at)?;
    if rate > settings.rate_limit {
        return Err(Refusal::throttled(rate, settings.rate_limit));
    }
    let region = required(request, "X-TC-Region")?;
    check_region(account, region)?;
    if let Some(code) = &identity.denial {
        return Err(Refusal::denied(code.clone(), action.service, action.name));
    }

    let scene = Scene {
        settings,
        account,
        region,
    };
    (action.run)(&scene, Parameters::parse(request.body())?)
}

fn required<'a, B>(request: &'a Request<B>, name: &str) -> Result<&'a str, Refusal> {
    let bare = name.trim_start_matches("X-TC-");
    header(request, name).ok_or_else(|| Refusal::missing_parameter(bare))
}

fn find(service: &str, action: &str, version: &str) -> Result<&'static Action, Refusal> {
    let mut of_product = ACTIONS.iter().filter(|known| known.service == service);
    if of_product.clone().next().is_none() {
        return Err(Refusal::no_such_product(service));
    }
    let found = of_product
        .find(|known| known.name == action)
        .ok_or_else(|| Refusal::invalid_action(action))?;
    if found.version != version {
        return Err(Refusal::no_such_version(version));
    }
    Ok(found)
}

/// The timestamp may be off by five minutes, and the date signed for must be its date in UTC.
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

fn check_region(account: &AccountState, region: &str) -> Result<(), Refusal> {
    if account.regions.iter().any(|offered| offered == region) {
        Ok(())
    } else if REGIONS.contains(&region) {
        Err(Refusal::unsupported_region(region))
    } else {
        Err(Refusal::unknown_region())
    }
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
