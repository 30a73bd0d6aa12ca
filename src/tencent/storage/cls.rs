//! Cloud Log Service: whether a topic exists, and the newest minute with a record. Only counts of
//! records are requested.
//!
//! Source: the CLS API, version 2020-10-16 (`DescribeTopics`, `DescribeLogHistogram`).

use std::ops::Range;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::result::CheckResult;
use super::time::{from_unix, unix};
use crate::failure::Failure;
use crate::snapshot::{CheckCursor, StorageTarget};
use crate::tencent::api_client::{ApiClient, ClientParts};
use crate::tencent::bounded::{List, Object};
use crate::tencent::call::{Call, CallLimits};
use crate::tencent::envelope::{Content, ErrorBody, parse_response};
use crate::tencent::lenient::{Field, Text};
use crate::tencent::observer::Observer;
use crate::tencent::redactor::Redactor;
use crate::tencent::signer::Service;

const CLS: Service = Service {
    name: "cls",
    version: "2020-10-16",
};

/// The API's name of the action that lists topics.
pub const DESCRIBE_TOPICS: &str = "DescribeTopics";

/// The API's name of the action that counts records by time.
pub const DESCRIBE_LOG_HISTOGRAM: &str = "DescribeLogHistogram";

/// How often a topic is described again, in seconds: its index may have been deleted.
const DESCRIBE_EVERY: i64 = 3_600;

/// The most intervals of a histogram.
const MAX_INTERVALS: i64 = 200;

/// The shortest interval, in seconds.
const MINUTE: i64 = 60;

/// How far back the first check looks, in seconds: as far as two histograms reach.
const LOOK_BACK: i64 = MAX_INTERVALS * MAX_INTERVALS * MINUTE;

/// How far a histogram reaches beyond the present, in seconds, because clocks differ.
const AHEAD: i64 = 600;

/// The most histograms of one check.
const MAX_HISTOGRAMS: usize = 4;

/// The most topics and intervals of a response that are read.
const MAX_TOPICS: usize = 100;
const MAX_INFOS: usize = 1_000;

/// Calls CLS with one identity.
pub(super) struct ClsClient {
    api: ApiClient,
}

/// One check of a topic.
struct Check<'a> {
    api: &'a ApiClient,
    target: &'a StorageTarget,
    retry_until: Instant,
    observer: &'a dyn Observer,
}

impl ClsClient {
    pub(super) fn new(parts: ClientParts, limits: CallLimits) -> Self {
        Self {
            api: ApiClient::new(CLS, parts, limits),
        }
    }

    /// Finds the newest minute in which the topic has a record.
    pub(super) async fn check(
        &self,
        target: &StorageTarget,
        cursor: Option<&CheckCursor>,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> CheckResult {
        let check = Check {
            api: &self.api,
            target,
            retry_until,
            observer,
        };
        let checked = check.run(cursor).await;
        checked.unwrap_or_else(|failure| check.result_of(failure))
    }
}

impl Check<'_> {
    async fn run(&self, cursor: Option<&CheckCursor>) -> Result<CheckResult, Failure> {
        let mut now = self.api.now();
        let known = match cursor {
            Some(CheckCursor::Topic {
                newest_unix_seconds,
                described_unix_seconds,
            }) => Some((*newest_unix_seconds, *described_unix_seconds)),
            _ => None,
        };
        let is_recent = |described: &i64| (0..DESCRIBE_EVERY).contains(&(unix(now) - described));
        let described = known.map(|(_, described)| described).filter(is_recent);
        let described = if let Some(described) = described {
            described
        } else {
            let (topic, date) = self.describe().await?;
            now = date.unwrap_or(now);
            match topic {
                Topic::Indexed => unix(now),
                Topic::Unindexed => return Ok(no_index(self.target)),
                // The list may omit topics that the key is not allowed to list. The request for
                // counts reports a missing topic.
                Topic::Missing => unix(now),
            }
        };
        let before = known.and_then(|(newest, _)| newest);
        let (newest, date) = self.newest_minute(before, unix(now)).await?;
        let cloud_now = date.unwrap_or(now);
        let newest = newest.map(|newest| newest.min(unix(cloud_now)));
        Ok(CheckResult::Seen {
            newest: newest.and_then(from_unix),
            cloud_now,
            cursor: Some(CheckCursor::Topic {
                newest_unix_seconds: newest,
                described_unix_seconds: described,
            }),
            skipped: None,
        })
    }

    async fn describe(&self) -> Result<(Topic, Option<SystemTime>), Failure> {
        let id = &*self.target.name;
        let filter = json!({ "Key": "topicId", "Values": [id] });
        let body = json!({ "Filters": [filter], "Offset": 0, "Limit": 1 }).to_string();
        let parse = |body: &[u8], redactor: &Redactor| {
            parse_response(body, redactor, |response: TopicsResponse| {
                response.topic(id)
            })
        };
        let call = self.call(DESCRIBE_TOPICS, &body);
        self.api.call_dated(call, self.observer, parse).await
    }

    /// Returns the beginning of the newest minute with a record, in Unix seconds. If no later minute
    /// has a record, returns `before`, the result of the last check. The first histogram may have long
    /// intervals; each further histogram divides the newest interval with a record.
    async fn newest_minute(
        &self,
        before: Option<i64>,
        now: i64,
    ) -> Result<(Option<i64>, Option<SystemTime>), Failure> {
        let mut until = now + AHEAD;
        until += MINUTE - until.rem_euclid(MINUTE);
        let earliest = now - LOOK_BACK;
        // A wrong clock may have put the known minute into the future.
        let mut newest = before.filter(|before| *before <= now + AHEAD);
        // The histogram of the known minute would find only the known minute.
        let next = newest.map_or(earliest, |newest| newest + MINUTE);
        let mut from = next.clamp(earliest, now);
        from -= from.rem_euclid(MINUTE);
        let mut date = None;
        for _ in 0..MAX_HISTOGRAMS {
            let minutes = div_ceil(div_ceil(until - from, MINUTE), MAX_INTERVALS).max(1);
            let interval = minutes * MINUTE;
            let (filled, at) = self.histogram(from, until, interval).await?;
            date = at.or(date);
            let Some(filled) = filled else { break };
            newest = Some(filled.max(from));
            if interval == MINUTE {
                break;
            }
            from = filled.max(from);
            until = until.min(filled + interval);
        }
        Ok((newest, date))
    }

    /// Returns the beginning of the last interval with a record.
    async fn histogram(
        &self,
        from: i64,
        until: i64,
        interval: i64,
    ) -> Result<(Option<i64>, Option<SystemTime>), Failure> {
        const MILLISECONDS: i64 = 1_000;
        let body = json!({
            "From": from * MILLISECONDS,
            "To": until * MILLISECONDS,
            "Interval": interval * MILLISECONDS,
            "Query": "",
            "SyntaxRule": 1,
            "TopicId": self.target.name,
        });
        let body = body.to_string();
        let parse = |body: &[u8], redactor: &Redactor| {
            let period = (from - interval) * MILLISECONDS..until * MILLISECONDS;
            let read = |response: HistogramResponse| response.last_filled(&period);
            parse_response(body, redactor, read)
        };
        let call = self.call(DESCRIBE_LOG_HISTOGRAM, &body);
        let (filled, date) = self.api.call_dated(call, self.observer, parse).await?;
        Ok((filled.map(|milliseconds| milliseconds / MILLISECONDS), date))
    }

    fn call<'a>(&'a self, action: &'static str, body: &'a str) -> Call<'a> {
        Call {
            action,
            region: Some(&self.target.region),
            body,
            signed: true,
            secrets: &[],
            retry_until: self.retry_until,
        }
    }

    /// Returns what a failure says about the topic.
    fn result_of(&self, failure: Failure) -> CheckResult {
        match &*failure.code {
            "ResourceNotFound.TopicNotExist" | "ResourceNotFound.LogsetNotExist" => {
                missing(self.target)
            }
            "ResourceNotFound.IndexNotExist"
            | "FailedOperation.InValidIndexRuleForSearchLow"
            | "InvalidParameter.InValidIndexRuleForSearchLow"
            | "OperationDenied.OperationNotSupportInSearchLow" => no_index(self.target),
            _ => CheckResult::Failed(failure),
        }
    }
}

fn missing(target: &StorageTarget) -> CheckResult {
    let (name, region) = (&target.name, &target.region);
    CheckResult::Missing {
        what: format!("the log topic {name} does not exist in {region}"),
    }
}

fn no_index(target: &StorageTarget) -> CheckResult {
    CheckResult::Exists {
        why: format!(
            "the log topic {} has no index, so its records cannot be counted; enable full-text \
             indexing in CLS",
            target.name
        ),
    }
}

/// Divides and rounds up; the standard library has this for unsigned numbers only.
fn div_ceil(number: i64, by: i64) -> i64 {
    (number + by - 1).div_euclid(by)
}

/// What `DescribeTopics` says about a topic.
enum Topic {
    Indexed,
    Unindexed,
    Missing,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TopicsResponse {
    topics: Option<List<Object<WireTopic>, MAX_TOPICS>>,
    total_count: Field<u64>,
    error: Field<Object<ErrorBody>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireTopic {
    topic_id: Field<Text>,
    index: Field<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HistogramResponse {
    histogram_infos: Field<List<Object<Info>, MAX_INFOS>>,
    error: Field<Object<ErrorBody>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    b_time: Field<u64>,
    count: Field<u64>,
}

impl Content for TopicsResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl Content for HistogramResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl TopicsResponse {
    fn topic(self, id: &str) -> Result<Topic, String> {
        let total = self.total_count.required("TotalCount")?;
        let topics = self.topics.unwrap_or_default().kept.into_iter();
        for Object(topic) in topics {
            let Text(found) = topic.topic_id.required("Topics[].TopicId")?;
            if found == id {
                return Ok(match topic.index.ok() {
                    Some(false) => Topic::Unindexed,
                    _ => Topic::Indexed,
                });
            }
        }
        if total > 0 {
            return Err(format!(
                "TotalCount is {total}, but the response lists other topics"
            ));
        }
        Ok(Topic::Missing)
    }
}

impl HistogramResponse {
    /// Returns the beginning of the last interval with a record, in Unix milliseconds. An interval
    /// outside `period` was not requested.
    fn last_filled(self, period: &Range<i64>) -> Result<Option<i64>, String> {
        let infos = self.histogram_infos.required("HistogramInfos")?;
        if infos.length > MAX_INFOS {
            let length = infos.length;
            return Err(format!(
                "the response has {length} HistogramInfos (limit {MAX_INFOS})"
            ));
        }
        let mut last = None;
        for Object(info) in infos.kept {
            let begin = info.b_time.required("HistogramInfos[].BTime")?;
            let begin = i64::try_from(begin).ok();
            let Some(begin) = begin.filter(|begin| period.contains(begin)) else {
                return Err("HistogramInfos[].BTime is outside the requested period".to_owned());
            };
            if info.count.required("HistogramInfos[].Count")? > 0 {
                last = last.max(Some(begin));
            }
        }
        Ok(last)
    }
}
