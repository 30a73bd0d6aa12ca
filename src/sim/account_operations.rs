//! The operation records of an account: who changes its tracks, and how that is recorded.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sim::account::Account;
use crate::sim::operation::{self, Operation, Operator, RecordForm};
use crate::sim::track::Track;

/// What an operation did, and how it ended.
struct Done<'a> {
    event: &'a str,
    parameters: Value,
    response: Value,
    cam_error: i64,
    api_error: &'a str,
}

impl Account {
    /// Returns a handle whose changes this operator makes. Without it, the root user makes them.
    #[must_use]
    pub fn by(&self, operator: Operator) -> Self {
        self.with_recording(|recording| recording.operator = Some(operator))
    }

    /// Returns a handle whose changes are recorded in this form.
    #[must_use]
    pub fn recorded_as(&self, form: RecordForm) -> Self {
        self.with_recording(|recording| recording.form = form)
    }

    /// Returns a handle whose changes appear in the records after this time. Without it, the delay of
    /// [`World::set_record_delay`](crate::sim::World::set_record_delay) applies.
    #[must_use]
    pub fn recorded_after(&self, delay: Duration) -> Self {
        self.with_recording(|recording| recording.delay = Some(delay))
    }

    /// Returns a handle whose changes are not recorded at all.
    #[must_use]
    pub fn unrecorded(&self) -> Self {
        self.with_recording(|recording| recording.is_off = true)
    }

    /// Records an attempt that CAM denied. It changes nothing.
    pub fn denied_attempt(&self, event: &str, parameters: Value) {
        self.record(Done {
            event,
            parameters,
            response: json!({}),
            cam_error: 4102,
            api_error: "",
        });
    }

    /// Records an attempt that the API refused with this code. It changes nothing.
    pub fn failed_attempt(&self, event: &str, parameters: Value, code: &str) {
        self.record(Done {
            event,
            parameters,
            response: json!({}),
            cam_error: 0,
            api_error: code,
        });
    }

    /// Records an operation that succeeded. It changes nothing.
    pub fn record_operation(&self, event: &str, parameters: Value, response: Value) {
        self.record(Done {
            event,
            parameters,
            response,
            cam_error: 0,
            api_error: "",
        });
    }

    pub(super) fn record_creation(&self, track: &Track) {
        let mut parameters = track.json().clone();
        if let Some(fields) = parameters.as_object_mut() {
            fields.remove("TrackId");
            fields.remove("CreateTime");
        }
        let response = json!({ "TrackId": track.id() });
        self.record_operation("CreateAuditTrack", parameters, response);
    }

    pub(super) fn record_deletion(&self, track_id: u64) {
        let parameters = json!({ "TrackId": track_id });
        self.record_operation("DeleteAuditTrack", parameters, json!({}));
    }

    /// Records the fields that differ; nothing if none does.
    pub(super) fn record_change(&self, before: &Track, after: &Track) {
        let mut parameters = json!({ "TrackId": before.id() });
        let (old, new) = (before.details(), after.details());
        for (field, value) in new.as_object().into_iter().flatten() {
            if old[field] != *value {
                parameters[field] = value.clone();
            }
        }
        let event = match parameters.get("Filters") {
            Some(_) => "ModifyEventsAuditTrack",
            None => "ModifyAuditTrack",
        };
        if parameters
            .as_object()
            .is_some_and(|fields| fields.len() > 1)
        {
            self.record_operation(event, parameters, json!({}));
        }
    }

    fn record(&self, done: Done) {
        if self.recording().is_off {
            return;
        }
        let recording = self.recording().clone();
        let region = self.region().unwrap_or("ap-guangzhou").to_owned();
        self.with_simulator(|state| {
            let operator = recording.operator;
            let operator = operator.unwrap_or_else(|| Operator::root(self.uin()));
            let delay = recording.delay.unwrap_or(state.settings.record_delay);
            let at = state.now();
            let account = state.accounts.entry(self.uin().to_owned()).or_default();
            let number = account.operations.next_number();
            account.operations.push(Operation {
                number,
                at,
                visible_from: at + delay,
                event: done.event.to_owned(),
                action_type: "Write",
                region,
                request_id: operation::request_id(self.uin(), number),
                parameters: done.parameters,
                response: done.response,
                cam_error: done.cam_error,
                api_error: done.api_error.to_owned(),
                operator,
                form: recording.form,
            });
        });
    }
}
