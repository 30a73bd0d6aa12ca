//! The actions of Cloud Access Management: the APPID of the caller's account.

use serde_json::{Value, json};

use crate::sim::action::{Action, ActionContext, Caller, Handler};
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;

/// The actions of CAM that the simulator has.
pub(super) static ACTIONS: [Action; 1] = [Action {
    service: "cam",
    name: "GetUserAppId",
    version: "2019-01-16",
    needs_region: false,
    rate_limit: None,
    handler: Handler::Signed(get_user_app_id),
}];

fn get_user_app_id(
    _: &mut ActionContext,
    caller: &Caller,
    parameters: Parameters,
) -> Result<Value, Refusal> {
    parameters.finish()?;
    let uin = &caller.key.uin;
    let app_id: u64 = caller.account.app_id(uin).parse().unwrap_or_default();
    Ok(json!({ "Uin": uin, "OwnerUin": uin, "AppId": app_id }))
}
