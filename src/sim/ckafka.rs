//! The actions of `CKafka`: the attributes of a topic.

use serde_json::{Value, json};

use crate::sim::action::{Action, ActionContext, Caller, Handler};
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;
use crate::sim::storage::place;

/// The actions of `CKafka` that the simulator has.
pub(super) static ACTIONS: [Action; 1] = [Action {
    service: "ckafka",
    name: "DescribeTopicAttributes",
    version: "2019-08-19",
    needs_region: true,
    rate_limit: Some(100),
    handler: Handler::Signed(describe_topic_attributes),
}];

fn describe_topic_attributes(
    context: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let instance = parameters.take_text("InstanceId")?;
    let topic = parameters.take_text("TopicName")?;
    parameters.finish()?;
    let found = context
        .storage
        .instances
        .get(&place(caller.region, &instance));
    let found = found.filter(|(owner, _)| *owner == caller.key.uin);
    let (_, topics) = found.ok_or_else(|| {
        let message = format!("The instance {instance} does not exist.");
        Refusal::new("InvalidParameterValue.InstanceNotExist", message)
    })?;
    if !topics.contains(&topic) {
        let message = format!("The topic {topic} does not exist.");
        return Err(Refusal::new("ResourceNotFound", message));
    }
    Ok(json!({ "Result": {
        "TopicId": "topic-1",
        "CreateTime": 1_610_606_618,
        "Note": "",
        "PartitionNum": 1,
        "Partitions": [{ "Partition": 0, "LeaderStatus": 1, "IsrNum": 2, "ReplicaNum": 2 }],
    }}))
}
