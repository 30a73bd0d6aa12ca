//! The world's memory of what was asked of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::sim::rate::RateMeter;

/// A request as it arrived, by what it said of itself, and what was decided.
#[derive(Clone, Debug)]
pub struct Call {
    /// The world's time of day.
    pub at: SystemTime,
    /// The same on the steady clock.
    pub arrived: Instant,
    /// The identity named in the signature, if there was one; nobody has verified it.
    pub secret_id: String,
    /// The signature itself, in hexadecimal; empty if there was none.
    pub signature: String,
    /// The account that this identity belongs to; of a call without a signature, the account of
    /// the role that is asked for.
    pub uin: Option<String>,
    /// The host that was asked, as the request says.
    pub host: String,
    /// `X-TC-Action`, or `metadata`.
    pub action: String,
    /// `X-TC-Region`.
    pub region: String,
    /// `PageNumber`, or the page that `Offset` and `Limit` make; the first is 1.
    pub page: Option<u64>,
    /// `RoleArn`, or the ARN of the machine's role.
    pub role: Option<String>,
    /// The code of the refusal, or the metadata service's status; none if it was granted.
    pub refused: Option<String>,
    /// The fault that was played on the answer, by its name or its code.
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

/// How many calls are remembered one by one.
const MAX_LOGGED: usize = 10_000;

/// How many names of actions are counted by name; whoever asks may make up more.
const MAX_ACTIONS: usize = 100;

impl Calls {
    /// Counts an arrival at the limit of this action and identity; tells how many that makes in
    /// this second.
    pub(super) fn arrive(&mut self, action: &str, identity: &str, now: Instant) -> usize {
        let key = (action.to_owned(), identity.to_owned());
        self.meters.entry(key).or_default().arrive(now)
    }

    /// Remembers a call and gives it its `RequestId`.
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
    code.starts_with("AuthFailure.") && code != "AuthFailure.UnauthorizedOperation"
}

/// Looks like a UUID, differs from call to call, and is the same in every run of the same story.
fn request_id(call_number: u64) -> String {
    let digest = Sha256::digest(call_number.to_be_bytes());
    let hex = base16ct::lower::encode_string(&digest);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32],
    ];
    parts.join("-")
}
