//! `CKafka`: whether a topic exists. The API shows when the last record arrived only if records are
//! read.
//!
//! Source: the `CKafka` API, version 2019-08-19 (`DescribeTopicAttributes`).

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::result::CheckResult;
use crate::failure::Failure;
use crate::snapshot::StorageTarget;
use crate::tencent::api_client::{ApiClient, ClientParts};
use crate::tencent::bounded::Object;
use crate::tencent::call::{Call, CallLimits};
use crate::tencent::envelope::{Content, ErrorBody, parse_response};
use crate::tencent::lenient::{Field, missing};
use crate::tencent::observer::Observer;
use crate::tencent::redactor::Redactor;
use crate::tencent::signer::Service;

const CKAFKA: Service = Service {
    name: "ckafka",
    version: "2019-08-19",
};

/// The API's name of the action that describes a topic.
pub const DESCRIBE_TOPIC_ATTRIBUTES: &str = "DescribeTopicAttributes";

/// Calls `CKafka` with one identity.
pub(super) struct CkafkaClient {
    api: ApiClient,
}

impl CkafkaClient {
    pub(super) fn new(parts: ClientParts, limits: CallLimits) -> Self {
        Self {
            api: ApiClient::new(CKAFKA, parts, limits),
        }
    }

    /// Checks whether the topic exists.
    pub(super) async fn check(
        &self,
        target: &StorageTarget,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> CheckResult {
        let StorageTarget { name, region, .. } = target;
        let Some((instance, topic)) = name.split_once('/') else {
            return CheckResult::Impossible {
                why: format!("StorageName {name:?} is not an instance and a topic"),
            };
        };
        let body = json!({ "InstanceId": instance, "TopicName": topic }).to_string();
        let call = Call {
            action: DESCRIBE_TOPIC_ATTRIBUTES,
            region: Some(region),
            body: &body,
            signed: true,
            secrets: &[],
            retry_until,
        };
        let parse = |body: &[u8], redactor: &Redactor| {
            parse_response(body, redactor, AttributesResponse::exists)
        };
        match self.api.call(call, observer, parse).await {
            Ok(()) => CheckResult::Exists {
                why: format!(
                    "the topic {name} exists, but CKafka shows when records arrived \
                     only to clients that read them"
                ),
            },
            Err(failure) if is_missing(&failure) => CheckResult::Missing {
                what: format!("the CKafka topic {name} does not exist in {region}"),
            },
            Err(failure) => CheckResult::Failed(failure),
        }
    }
}

fn is_missing(failure: &Failure) -> bool {
    matches!(
        &*failure.code,
        "ResourceNotFound" | "InvalidParameterValue.InstanceNotExist"
    )
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AttributesResponse {
    result: Option<Object<Attributes>>,
    error: Field<Object<ErrorBody>>,
}

#[derive(Deserialize)]
struct Attributes {}

impl Content for AttributesResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl AttributesResponse {
    fn exists(self) -> Result<(), String> {
        self.result.map(|_| ()).ok_or_else(|| missing("Result"))
    }
}
