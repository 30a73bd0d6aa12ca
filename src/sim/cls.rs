//! The actions of the Cloud Log Service: topics, and counts of their records.

use serde_json::{Value, json};

use crate::sim::action::{Action, ActionContext, Caller, Handler};
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;
use crate::sim::storage::place;
use crate::sim::topic::TopicState;

/// The actions of CLS that the simulator has.
pub(super) static ACTIONS: [Action; 2] = [
    action("DescribeTopics", Handler::Signed(describe_topics)),
    action("DescribeLogHistogram", Handler::Signed(describe_histogram)),
];

/// The most intervals of a histogram.
const MAX_INTERVALS: u64 = 200;

const fn action(name: &'static str, handler: Handler) -> Action {
    Action {
        service: "cls",
        name,
        version: "2020-10-16",
        needs_region: true,
        rate_limit: Some(10_000),
        handler,
    }
}

fn describe_topics(
    context: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let filters = parameters.take_optional_list("Filters")?;
    parameters.ignore(["Offset", "Limit"]);
    parameters.finish()?;
    let is_wanted = |id: &str| {
        filters.iter().all(|filter| {
            let values = filter["Values"].as_array();
            let mut values = values.into_iter().flatten();
            filter["Key"] != "topicId" || values.any(|value| value == id)
        })
    };
    let topics = context.storage.topics.iter();
    let topics = topics.filter(|((region, id), topic)| {
        region == caller.region && topic.owner == caller.key.uin && is_wanted(id)
    });
    let topics: Vec<Value> = topics
        .map(|((_, id), topic)| {
            json!({
                "TopicId": id,
                "TopicName": "audit",
                "LogsetId": "logset-1",
                "Index": topic.has_index,
                "Status": true,
                "PartitionCount": 1,
                "Period": 30,
                "StorageType": "hot",
                "CreateTime": "2021-01-14 14:43:38",
            })
        })
        .collect();
    Ok(json!({ "TotalCount": topics.len(), "Topics": topics }))
}

fn describe_histogram(
    context: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let from = parameters.take_integer("From")?;
    let to = parameters.take_integer("To")?;
    let id = parameters.take_text("TopicId")?;
    let interval = parameters.take_optional_integer("Interval")?;
    parameters.take_text("Query")?;
    parameters.ignore(["SyntaxRule"]);
    parameters.finish()?;
    let interval = interval
        .unwrap_or(to.saturating_sub(from) / MAX_INTERVALS)
        .max(1);
    if from >= to || (to - from) / interval > MAX_INTERVALS {
        return Err(Refusal::wrong_value("Interval"));
    }
    let topic = context.storage.topics.get(&place(caller.region, &id));
    let topic = topic.filter(|topic| topic.owner == caller.key.uin);
    let not_found = |what: &str| {
        let code = format!("ResourceNotFound.{what}NotExist");
        Refusal::new(code, format!("The {what} does not exist."))
    };
    let topic: &TopicState = topic.ok_or_else(|| not_found("Topic"))?;
    if !topic.has_index {
        return Err(not_found("Index"));
    }
    // The intervals begin at multiples of their length.
    let first = from - from % interval;
    let begins = (0..)
        .map(|n| first + n * interval)
        .take_while(|at| *at < to);
    let infos = begins.map(|begin| {
        let count = topic.count(begin.max(from), (begin + interval).min(to));
        json!({ "BTime": begin, "Count": count })
    });
    Ok(json!({
        "Interval": interval,
        "TotalCount": topic.count(from, to),
        "HistogramInfos": infos.collect::<Vec<_>>(),
    }))
}
