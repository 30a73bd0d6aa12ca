//! The log and the counters of calls.

use std::collections::{BTreeMap, VecDeque};
use std::time::SystemTime;

use tokio::time::Instant;

use crate::sim::rate::RateMeter;
use crate::sim::uuid::uuid;

/// A request as it arrived, and the decision on it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The time of the simulator's clock.
    pub at: SystemTime,
    /// The time of the steady clock.
    pub arrived: Instant,
    /// The secret id in the signature, not verified; empty without a signature.
    pub secret_id: String,
    /// The signature in hexadecimal; empty without a signature.
    pub signature: String,
    /// The account of the key. Without a signature, the account of the requested role.
    pub uin: Option<String>,
    /// The header `Host`.
    pub host: String,
    /// `X-TC-Action`, `metadata`, or for a bucket `GetBucket` and the like.
    pub action: String,
    /// `X-TC-Region`, or the region of a bucket.
    pub region: String,
    /// `PageNumber`, or the page computed from `Offset` and `Limit`; the first is 1.
    pub page: Option<u64>,
    /// `RoleArn`, or the ARN of the machine's role.
    pub role: Option<String>,
    /// The code of the refusal, or the metadata service's status. `None` if the call was granted.
    pub refused: Option<String>,
    /// The name or the code of the fault that changed the response.
    pub fault: Option<String>,
}

#[derive(Default)]
pub(super) struct Calls {
    latest: VecDeque<Call>,
    total: u64,
    refused_signatures: u64,
    of_action: BTreeMap<String, u64>,
    meters: BTreeMap<(String, String), RateMeter>,
}

/// The most calls in the log.
const MAX_LOGGED: usize = 10_000;

/// The most actions that are counted by name: a client may send any number of them.
const MAX_ACTIONS: usize = 100;

impl Calls {
    /// Counts a call of an action by a principal. Returns how many calls the sliding second has.
    pub(super) fn arrive(&mut self, action: &str, identity: &str, now: Instant) -> usize {
        let key = (action.to_owned(), identity.to_owned());
        self.meters.entry(key).or_default().arrive(now)
    }

    /// Logs a call. Returns its `RequestId`.
    pub(super) fn record(&mut self, call: Call) -> String {
        if call.refused.as_deref().is_some_and(is_about_the_signature) {
            self.refused_signatures += 1;
        }
        if self.of_action.len() < MAX_ACTIONS || self.of_action.contains_key(&call.action) {
            *self.of_action.entry(call.action.clone()).or_default() += 1;
        }
        if self.latest.len() == MAX_LOGGED {
            self.latest.pop_front();
        }
        self.latest.push_back(call);
        self.total += 1;
        request_id(self.total)
    }

    pub(super) fn latest(&self) -> Vec<Call> {
        self.latest.iter().cloned().collect()
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn total_of(&self, action: &str) -> u64 {
        self.of_action.get(action).copied().unwrap_or(0)
    }

    pub(super) fn refused_signatures(&self) -> u64 {
        self.refused_signatures
    }

    pub(super) fn peak_per_second(&self, identity: &str) -> usize {
        let of_identity = self.meters.iter().filter(|((_, id), _)| id == identity);
        let peaks = of_identity.map(|(_, meter)| meter.peak());
        peaks.max().unwrap_or(0)
    }

    pub(super) fn peak_of(&self, action: &str, identity: &str) -> usize {
        let key = (action.to_owned(), identity.to_owned());
        self.meters.get(&key).map_or(0, RateMeter::peak)
    }
}

fn is_about_the_signature(code: &str) -> bool {
    let of_cos = [
        "ExpiredToken",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    ];
    of_cos.contains(&code)
        || code.starts_with("AuthFailure.") && code != "AuthFailure.UnauthorizedOperation"
}

/// Returns an id in the form of a UUID, unique for each call and the same in every run.
fn request_id(call_number: u64) -> String {
    uuid(&call_number.to_be_bytes())
}
