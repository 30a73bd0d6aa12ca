//! The metadata service: it gives a machine the keys of its role, without a signature.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use tokio::time::Instant;

use crate::sim::action::ActionContext;
use crate::sim::arn::arn;
use crate::sim::calls::Call;
use crate::sim::instance::{Instance, IssuedKey};
use crate::sim::keys::{Key, Session};
use crate::sim::reply::Answer;
use crate::sim::state::State;
use crate::sim::sts;
use crate::sim::verify::header;

const METADATA: &str = "/latest/meta-data/";

const CREDENTIALS: &str = "cam/security-credentials/";

/// How long a key of a machine is valid, unless the simulator's limit is lower.
const KEY_LIFETIME: Duration = Duration::from_hours(2);

/// A key is no longer returned in the last tenth of its lifetime.
const RENEWAL_DIVISOR: u32 = 10;

/// Returns whether a request is for the metadata service.
pub(super) fn is_metadata_request(request: &Request<Bytes>) -> bool {
    request.uri().path().starts_with(METADATA)
}

/// Handles a request. Returns its entry for the call log, and the response.
pub(super) fn handle(
    state: &mut State,
    request: &Request<Bytes>,
    now: SystemTime,
) -> (Call, Answer) {
    let instance = state.instance.as_ref();
    let mut call = Call {
        at: now,
        arrived: Instant::now(),
        secret_id: String::new(),
        signature: String::new(),
        uin: instance.map(|instance| instance.uin.clone()),
        host: header(request, "Host").unwrap_or_default().to_owned(),
        action: "metadata".to_owned(),
        region: String::new(),
        page: None,
        role: instance.map(|instance| arn(&instance.uin, &instance.role)),
        refused: None,
        fault: None,
    };
    let answer = decide(state, request, now).unwrap_or_else(|status| {
        call.refused = Some(status.as_str().to_owned());
        let text = status.canonical_reason().unwrap_or_default();
        Answer::Page(status, "text/plain", Bytes::from_static(text.as_bytes()))
    });
    (call, answer)
}

fn decide(
    state: &mut State,
    request: &Request<Bytes>,
    now: SystemTime,
) -> Result<Answer, StatusCode> {
    if request.method() != Method::GET {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let instance = bound(state).ok_or(StatusCode::NOT_FOUND)?;
    let path = request.uri().path().strip_prefix(METADATA);
    match path.and_then(|path| path.strip_prefix(CREDENTIALS)) {
        Some("") => Ok(Answer::Page(
            StatusCode::OK,
            "text/plain",
            instance.role.into(),
        )),
        Some(role) if role == instance.role => {
            let key = instance.current_key(&state.keys, now);
            let key = key.unwrap_or_else(|| renew(state, instance, now));
            let mut credentials = sts::credentials(&key);
            credentials["Code"] = "Success".into();
            let body = credentials.to_string().into();
            Ok(Answer::Page(StatusCode::OK, "application/json", body))
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}

/// Returns the machine if its role exists.
fn bound(state: &State) -> Option<Instance> {
    let instance = state.instance.clone()?;
    let roles = &state.accounts.get(&instance.uin)?.roles;
    roles.contains_key(&instance.role).then_some(instance)
}

fn renew(state: &mut State, instance: Instance, now: SystemTime) -> Key {
    let session = Session {
        role: instance.role.clone(),
        name: "machine".to_owned(),
        requested_by: instance.uin.clone(),
    };
    let (mut context, _) = ActionContext::new(state, now);
    let key = sts::issue(&mut context, &instance.uin, session, KEY_LIFETIME);
    let expires = key.expires().unwrap_or(now);
    let life = expires.duration_since(now).unwrap_or_default();
    state.instance = Some(Instance {
        issued_key: Some(IssuedKey {
            secret_id: key.identity.secret_id.clone(),
            until: expires - life / RENEWAL_DIVISOR,
        }),
        ..instance
    });
    key
}
