//! An action of a product, and the context that it runs in.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;

use crate::sim::keys::{Key, Keys};
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;
use crate::sim::state::{AccountState, Settings, State};
use crate::sim::storage::Storage;

/// An action of a product.
pub(super) struct Action {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Whether the action requires `X-TC-Region`. Other actions ignore it.
    pub(super) needs_region: bool,
    /// Calls per second, or `None` for the limit that most actions share.
    pub(super) rate_limit: Option<usize>,
    pub(super) handler: Handler,
}

/// The function that handles an action, and whether the request must be signed.
pub(super) enum Handler {
    Signed(fn(&mut ActionContext, &Caller, Parameters) -> Result<Value, Refusal>),
    Unsigned(fn(&mut ActionContext, Parameters) -> Result<Value, Refusal>),
}

/// The part of the state that an action can access.
pub(super) struct ActionContext<'a> {
    pub(super) settings: &'a Settings,
    pub(super) accounts: &'a BTreeMap<String, AccountState>,
    pub(super) keys: &'a mut Keys,
    pub(super) storage: &'a Storage,
    pub(super) now: SystemTime,
}

/// The verified sender of a request.
pub(super) struct Caller<'a> {
    pub(super) key: &'a Key,
    pub(super) account: &'a AccountState,
    pub(super) region: &'a str,
}

impl<'a> ActionContext<'a> {
    pub(super) fn new(
        state: &'a mut State,
        now: SystemTime,
    ) -> (Self, &'a BTreeMap<String, AccountState>) {
        let context = Self {
            settings: &state.settings,
            accounts: &state.accounts,
            keys: &mut state.keys,
            storage: &state.storage,
            now,
        };
        (context, &state.accounts)
    }
}
