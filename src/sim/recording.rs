//! How operations are recorded: the changes through a handle, and the calls of clients.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::sim::keys::Key;
use crate::sim::operation::{Operation, Operator, RecordForm};
use crate::sim::state::State;

/// How the changes through a handle are recorded.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording {
    pub(super) operator: Option<Operator>,
    pub(super) form: RecordForm,
    pub(super) delay: Option<Duration>,
    pub(super) is_off: bool,
}

/// Records a call of a client: reads are operations too.
pub(super) fn record_read(
    state: &mut State,
    key: &Key,
    action: &str,
    region: &str,
    is_denied: bool,
    request_id: &str,
    now: SystemTime,
) {
    let delay = state.settings.record_delay;
    let Some(account) = state.accounts.get_mut(&key.uin) else {
        return;
    };
    let secret_id = &key.identity.secret_id;
    let operator = match &key.session {
        Some(session) => Operator::role(&session.role, &session.name),
        None => Operator::user("exporter", "100000000021"),
    };
    let number = account.operations.next_number();
    account.operations.push(Operation {
        number,
        at: now,
        visible_from: now + delay,
        event: action.to_owned(),
        action_type: "Read",
        region: region.to_owned(),
        request_id: request_id.to_owned(),
        parameters: json!({}),
        response: json!({}),
        cam_error: if is_denied { 4102 } else { 0 },
        api_error: String::new(),
        operator: operator.through_api(secret_id),
        form: RecordForm::Documented,
    });
}
