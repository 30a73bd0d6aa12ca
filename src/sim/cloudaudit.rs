//! The actions of CloudAudit.

use serde_json::{Value, json};

use crate::sim::action::{Action, ActionContext, Caller, Handler};
use crate::sim::events::describe_events;
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;
use crate::sim::track::Track;

/// The actions of CloudAudit that the simulator has.
pub(super) static ACTIONS: [Action; 3] = [
    action(
        "DescribeAuditTracks",
        Handler::Signed(describe_audit_tracks),
    ),
    action("DescribeAuditTrack", Handler::Signed(describe_audit_track)),
    action("DescribeEvents", Handler::Signed(describe_events)),
];

const fn action(name: &'static str, handler: Handler) -> Action {
    Action {
        service: "cloudaudit",
        name,
        version: "2019-03-19",
        needs_region: true,
        rate_limit: None,
        handler,
    }
}

fn describe_audit_tracks(
    context: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let number = page_parameter(&mut parameters, "PageNumber")?;
    let size = page_parameter(&mut parameters, "PageSize")?;
    parameters.finish()?;

    let size = size.min(context.settings.max_page_size);
    let tracks = caller.account.tracks(caller.region);
    let skipped = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let shown = usize::try_from(size).unwrap_or(usize::MAX);
    let page = tracks.iter().skip(skipped).take(shown);
    let page = page.map(|track| track.json().clone());
    Ok(json!({
        "Tracks": page.collect::<Vec<_>>(),
        "TotalCount": tracks.len(),
    }))
}

fn describe_audit_track(
    _: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let id = parameters.take_integer("TrackId")?;
    parameters.finish()?;
    let mut tracks = caller.account.tracks(caller.region).iter();
    let track = tracks.find(|track| track.id() == id);
    track.map(Track::details).ok_or_else(|| {
        Refusal::new(
            "ResourceNotFound.AuditNotExist",
            format!("The track `{id}` does not exist."),
        )
    })
}

/// Takes a page number or size. The documentation does not define 0, so it is refused.
fn page_parameter(parameters: &mut Parameters, name: &str) -> Result<u64, Refusal> {
    match parameters.take_integer(name)? {
        0 => Err(Refusal::wrong_value(name)),
        value => Ok(value),
    }
}
