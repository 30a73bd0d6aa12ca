//! The actions of Tencent Cloud Organization.

use serde_json::{Value, json};

use crate::sim::action::{Action, ActionContext, Caller, Handler};
use crate::sim::member::Member;
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;

pub(super) static ACTIONS: [Action; 1] = [Action {
    service: "organization",
    name: "DescribeOrganizationMembers",
    version: "2021-03-31",
    needs_region: false,
    rate_limit: None,
    handler: Handler::Signed(describe_organization_members),
}];

const MAX_LIMIT: u64 = 50;

/// Lists the members of the organization that the caller manages. Filters are not simulated.
fn describe_organization_members(
    _: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let offset = parameters.take_integer("Offset")?;
    let limit = parameters.take_integer("Limit")?;
    parameters.ignore(["Lang"]);
    parameters.finish()?;
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(wrong("Limit", "between 1 and 50"));
    }
    if offset % limit != 0 {
        return Err(wrong("Offset", "a multiple of `Limit`"));
    }
    let members = caller.account.members.as_ref().ok_or_else(|| {
        Refusal::new(
            "ResourceNotFound.OrganizationNotExist",
            "The organization does not exist.",
        )
    })?;

    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = members.iter().skip(skipped).take(shown);
    Ok(json!({
        "Items": page.map(Member::json).collect::<Vec<_>>(),
        "Total": members.len(),
    }))
}

fn wrong(name: &str, must_be: &str) -> Refusal {
    let message = format!("The parameter `{name}` must be {must_be}.");
    Refusal::new("InvalidParameter", message)
}
