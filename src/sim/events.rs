//! The action `DescribeEvents`.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sim::action::{ActionContext, Caller};
use crate::sim::operation::Operation;
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;

/// The largest page.
const MAX_RESULTS: u64 = 50;

/// The page size without `MaxResults`.
const DEFAULT_RESULTS: u64 = 10;

const DAY: Duration = Duration::from_hours(24);

/// Added to the number of a record, it is the token of the page that begins there. As in the real
/// cloud it is above 2^53.
const TOKEN_BASE: u64 = 16_805_138_109_322_956;

/// The attributes that the documentation lists.
const ATTRIBUTES: [&str; 13] = [
    "RequestId",
    "EventName",
    "ActionType",
    "PrincipalId",
    "ResourceType",
    "ResourceId",
    "ResourceName",
    "AccessKeyId",
    "SensitiveAction",
    "ApiErrorCode",
    "CamErrorCode",
    "SourceIPAddress",
    "Tags",
];

pub(super) fn describe_events(
    context: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let from = parameters.take_integer("StartTime")?;
    let until = parameters.take_integer("EndTime")?;
    let results = parameters.take_optional_integer("MaxResults")?;
    let results = results.unwrap_or(DEFAULT_RESULTS);
    let token = parameters.take_optional_integer("NextToken")?;
    let attributes = attributes(parameters.take_optional_list("LookupAttributes")?)?;
    parameters.ignore(["IsReturnLocation"]);
    parameters.finish()?;
    check_period(context, from, until)?;
    if !(1..=MAX_RESULTS).contains(&results) {
        return Err(Refusal::wrong_value("MaxResults"));
    }

    let mut found: Vec<&Operation> = caller
        .account
        .operations
        .iter()
        .filter(|operation| operation.visible_from <= context.now)
        .filter(|operation| (from..=until).contains(&operation.seconds()))
        .filter(|operation| has_all(operation, &attributes))
        .collect();
    // The newest record, not the newest operation, comes first.
    found.sort_by_key(|operation| std::cmp::Reverse((operation.visible_from, operation.number)));
    let begin = match token {
        None => 0,
        Some(token) => {
            let number = token.checked_sub(TOKEN_BASE);
            let position = found
                .iter()
                .position(|operation| Some(operation.number) == number);
            position.ok_or_else(|| Refusal::wrong_value("NextToken"))?
        }
    };
    let end = begin.saturating_add(usize::try_from(results).unwrap_or(usize::MAX));
    let next = found
        .get(end)
        .map(|operation| TOKEN_BASE + operation.number);
    let uin = &caller.key.uin;
    let page = found.iter().take(end).skip(begin);
    Ok(json!({
        "Events": page.map(|operation| operation.json(uin)).collect::<Vec<_>>(),
        "ListOver": next.is_none(),
        "NextToken": next.unwrap_or_default(),
        "TotalCount": found.len(),
    }))
}

/// At most 90 days back, and less than 30 days long.
fn check_period(context: &ActionContext, from: u64, until: u64) -> Result<(), Refusal> {
    let now = context.now.duration_since(UNIX_EPOCH);
    let oldest = now.unwrap_or_default().saturating_sub(DAY * 90);
    let is_short = until
        .checked_sub(from)
        .is_some_and(|span| Duration::from_secs(span) < DAY * 30);
    if !is_short || from < oldest.as_secs() {
        return Err(Refusal::wrong_value("StartTime"));
    }
    Ok(())
}

/// Reads the attributes. Several values of one attribute are alternatives.
fn attributes(list: Vec<Value>) -> Result<BTreeMap<&'static str, Vec<String>>, Refusal> {
    let mut attributes: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for attribute in list {
        let key = attribute["AttributeKey"].as_str().unwrap_or_default();
        let known = ATTRIBUTES.into_iter().find(|known| *known == key);
        let known = known.ok_or_else(|| Refusal::wrong_value("AttributeKey"))?;
        let value = attribute["AttributeValue"].as_str().unwrap_or_default();
        attributes.entry(known).or_default().push(value.to_owned());
    }
    Ok(attributes)
}

fn has_all(operation: &Operation, attributes: &BTreeMap<&'static str, Vec<String>>) -> bool {
    attributes
        .iter()
        .all(|(key, values)| values.iter().any(|value| operation.has(key, value)))
}
