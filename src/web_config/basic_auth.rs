//! Basic authentication: checks names and passwords.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::warn;
use zeroize::Zeroizing;

use super::hash::{Hash, USUAL_COST};
use crate::escape::visible;

/// The most cached results, of right and wrong passwords.
const MAX_RESULTS: usize = 100;

/// The most checks of a queue that wait or run; further requests get status 503.
const MAX_WAITING: usize = 16;

/// A check with a higher cost takes more than a second. Each further step doubles the time.
const HIGH_COST: u32 = 14;

/// The users and the hashes of their passwords.
#[derive(Clone)]
pub(super) struct Users(Arc<Hashes>);

struct Hashes {
    by_name: BTreeMap<String, Hash>,
    /// The hash that an unknown user's password is compared with. It has the highest cost in the
    /// file, so that the response time does not reveal which users exist.
    dummy: Hash,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    Rejected,
    /// Too many checks are waiting.
    Busy,
}

impl Users {
    pub(super) fn new(hashes: BTreeMap<String, SecretString>) -> Result<Self, String> {
        let parse = |(name, hash): (String, SecretString)| {
            let hash = Hash::parse(hash.expose_secret())
                .map_err(|why| format!("basic_auth_users.{}: {why}", visible(&name)))?;
            Ok::<_, String>((name, hash))
        };
        let by_name: BTreeMap<_, _> = hashes.into_iter().map(parse).collect::<Result<_, _>>()?;
        let cost = by_name.values().map(Hash::cost).max();
        let dummy = Hash::dummy(cost.unwrap_or(USUAL_COST));
        Ok(Self(Arc::new(Hashes { by_name, dummy })))
    }

    /// Logs a warning for each hash that takes seconds to check.
    pub(super) fn warn_of_high_costs(&self) {
        for (name, hash) in &self.0.by_name {
            let cost = hash.cost();
            if cost > HIGH_COST {
                warn!(
                    name,
                    cost,
                    "checking this password takes seconds of processor time; a bcrypt cost of 10 is usual"
                );
            }
        }
    }

    /// Returns whether the names and hashes are the same.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        let (one, other) = (&self.0.by_name, &other.0.by_name);
        let pairs = one.iter().zip(other);
        one.len() == other.len()
            && pairs
                .into_iter()
                .all(|(one, other)| (one.0, one.1.expose()) == (other.0, other.1.expose()))
    }

    /// Returns whether no password is required.
    pub(super) fn is_empty(&self) -> bool {
        self.0.by_name.is_empty()
    }
}

/// Checks passwords and caches the results.
#[derive(Default)]
pub(super) struct BasicAuth {
    results: Arc<ResultCache>,
    usual: CheckQueue,
    /// Checks with a cost above [`HIGH_COST`], so that other checks do not wait for them.
    slow: CheckQueue,
}

/// Checks one password at a time.
struct CheckQueue {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for CheckQueue {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }
}

impl BasicAuth {
    /// Returns whether the request has the password of one of the users.
    pub(super) async fn check(&self, users: &Users, headers: &HeaderMap) -> Outcome {
        let Some((name, password)) = basic_credentials(headers) else {
            return Outcome::Rejected;
        };
        let known = users.0.by_name.get(&*name);
        let is_known = known.is_some();
        let hash = known.unwrap_or(&users.0.dummy).clone();
        let key = digest([&name, hash.expose(), &password]);
        if let Some(right) = self.results.get(&key) {
            return outcome(right);
        }
        let queue = if hash.cost() > HIGH_COST {
            &self.slow
        } else {
            &self.usual
        };
        let Ok(waiting) = Arc::clone(&queue.waiting).try_acquire_owned() else {
            return Outcome::Busy;
        };
        let running = Arc::clone(&queue.running).acquire_owned().await;
        let running = running.expect("it is never closed");
        if let Some(right) = self.results.get(&key) {
            return outcome(right);
        }
        let results = Arc::clone(&self.results);
        let checked = spawn_blocking(move || {
            // A check continues if its client disconnects, so the closure holds the permits.
            let _permits = (waiting, running);
            let is_right = hash.matches(&password) && is_known;
            results.insert(key, is_right);
            is_right
        });
        outcome(checked.await.unwrap_or(false))
    }
}

/// The results of the latest checks.
#[derive(Default)]
struct ResultCache(Mutex<HashMap<[u8; 32], bool>>);

impl ResultCache {
    fn get(&self, key: &[u8; 32]) -> Option<bool> {
        let results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        results.get(key).copied()
    }

    fn insert(&self, key: [u8; 32], right: bool) {
        let mut results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if results.len() >= MAX_RESULTS {
            // Wrong passwords are evicted first, so that a client with the right password does not
            // wait for another check.
            let wrong = results.iter().find(|(_, right)| !**right);
            let evicted = wrong.or_else(|| results.iter().next()).map(|(key, _)| *key);
            evicted.and_then(|key| results.remove(&key));
        }
        results.insert(key, right);
    }
}

fn outcome(right: bool) -> Outcome {
    if right {
        Outcome::Accepted
    } else {
        Outcome::Rejected
    }
}

/// Returns the name and password of `Authorization: Basic`. They are wiped when dropped.
fn basic_credentials(headers: &HeaderMap) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((
        Zeroizing::new(name.to_owned()),
        Zeroizing::new(password.to_owned()),
    ))
}

/// Returns a cache key that does not contain the password. The lengths keep different triples
/// apart.
fn digest(parts: [&str; 3]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check costs as much for an unknown user as for the most expensive known one.
    #[test]
    fn the_dummy_has_the_highest_cost_of_the_file() {
        for (costs, expected) in [
            (&[][..], USUAL_COST),
            (&[4], 4),
            (&[10, 12, 11], 12),
            (&[31, 4], 31),
        ] {
            let hash = |cost: &u32| SecretString::from(Hash::dummy(*cost).expose());
            let hashes = costs
                .iter()
                .map(|cost| (format!("user-{cost}"), hash(cost)));
            let users = Users::new(hashes.collect()).unwrap();
            assert_eq!(users.0.dummy.cost(), expected, "{costs:?}");
        }
    }
}
