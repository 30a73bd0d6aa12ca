//! The metadata service: what a machine is told of itself, without any signature.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use tokio::time::Instant;

use crate::sim::calls::Call;
use crate::sim::gateway::ActionContext;
use crate::sim::keys::{Key, Keys, Session};
use crate::sim::reply::Answer;
use crate::sim::role;
use crate::sim::sts;
use crate::sim::verify::header;
use crate::sim::world::State;

/// The machine that asks, if it has a role.
#[derive(Clone)]
pub(super) struct Machine {
    uin: String,
    role: String,
    current: Option<IssuedKey>,
}

/// The key that is handed out to whoever asks, until it is time for another.
#[derive(Clone)]
struct IssuedKey {
    secret_id: String,
    until: SystemTime,
}

impl Machine {
    pub(super) fn new(uin: &str, role: &str) -> Self {
        Self {
            uin: uin.to_owned(),
            role: role.to_owned(),
            current: None,
        }
    }

    /// None if the role was removed, or it is time for another.
    fn current(&self, keys: &Keys, now: SystemTime) -> Option<Key> {
        let current = self.current.as_ref().filter(|key| now < key.until)?;
        keys.get(&current.secret_id).cloned()
    }
}

const METADATA: &str = "/latest/meta-data/";

const CREDENTIALS: &str = "cam/security-credentials/";

/// So long a machine's key lives, unless the world allows less.
const LIFE: Duration = Duration::from_hours(2);

/// The last part of its life, in which it is not handed out any more: one in so many.
const LAST_PART: u32 = 10;

/// Whether it is the metadata service that is asked.
pub(super) fn is_metadata_request(request: &Request<Bytes>) -> bool {
    request.uri().path().starts_with(METADATA)
}

/// Handles such a request: what it was, and what is answered.
pub(super) fn handle(
    state: &mut State,
    request: &Request<Bytes>,
    now: SystemTime,
) -> (Call, Answer) {
    let machine = state.machine.as_ref();
    let mut call = Call {
        at: now,
        arrived: Instant::now(),
        secret_id: String::new(),
        signature: String::new(),
        uin: machine.map(|machine| machine.uin.clone()),
        host: header(request, "Host").unwrap_or_default().to_owned(),
        action: "metadata".to_owned(),
        region: String::new(),
        page: None,
        role: machine.map(|machine| role::arn(&machine.uin, &machine.role)),
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
    let machine = bound(state).ok_or(StatusCode::NOT_FOUND)?;
    let path = request.uri().path().strip_prefix(METADATA);
    match path.and_then(|path| path.strip_prefix(CREDENTIALS)) {
        Some("") => Ok(Answer::Page(
            StatusCode::OK,
            "text/plain",
            machine.role.into(),
        )),
        Some(role) if role == machine.role => {
            let key = machine.current(&state.keys, now);
            let key = key.unwrap_or_else(|| renew(state, machine, now));
            let mut credentials = sts::credentials(&key);
            credentials["Code"] = "Success".into();
            let body = credentials.to_string().into();
            Ok(Answer::Page(StatusCode::OK, "application/json", body))
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}

/// The machine, if the role that it is to have exists.
fn bound(state: &State) -> Option<Machine> {
    let machine = state.machine.clone()?;
    let roles = &state.accounts.get(&machine.uin)?.roles;
    roles.contains_key(&machine.role).then_some(machine)
}

fn renew(state: &mut State, machine: Machine, now: SystemTime) -> Key {
    let session = Session {
        role: machine.role.clone(),
        name: "machine".to_owned(),
        requested_by: machine.uin.clone(),
    };
    let (mut context, _) = ActionContext::new(state, now);
    let key = sts::issue(&mut context, &machine.uin, session, LIFE);
    let expires = key.expires().unwrap_or(now);
    let life = expires.duration_since(now).unwrap_or_default();
    state.machine = Some(Machine {
        current: Some(IssuedKey {
            secret_id: key.identity.secret_id.clone(),
            until: expires - life / LAST_PART,
        }),
        ..machine
    });
    key
}
