//! Names and passwords.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::warn;
use zeroize::Zeroizing;

/// How many checked passwords are remembered, right and wrong ones.
const MAX_REMEMBERED: usize = 100;

/// How many may wait for their password to be checked, which takes a core for some 70 ms and more;
/// whoever comes on top is asked to come again.
const MAX_WAITING: usize = 16;

/// A check of a higher cost takes more than a second, and each one more doubles that.
const HIGH_COST: u32 = 14;

/// What follows the cost in the hash that an unknown user's password is compared with: the hash of
/// nothing in particular.
const DUMMY_HASH: &str = "$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/// Who may come in, and with which hash of a password.
#[derive(Clone)]
pub(super) struct Users(Arc<Inner>);

struct Inner {
    hashes: BTreeMap<String, SecretString>,
    /// Compared with an unknown user's password. It has the highest cost of all, so that the time
    /// that an answer takes does not tell who is known.
    dummy: String,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Welcome,
    Wrong,
    /// Too many wait already.
    Later,
}

impl Users {
    pub(super) fn new(hashes: BTreeMap<String, SecretString>) -> Result<Self, String> {
        let mut highest = *COSTS.start();
        for (name, hash) in &hashes {
            let cost = cost_of(hash.expose_secret())
                .map_err(|why| format!("basic_auth_users.{name}: {why}"))?;
            highest = highest.max(cost);
            if cost > HIGH_COST {
                warn!(
                    name,
                    cost,
                    "checking this password takes seconds, and all others wait for it; a cost of 10 is usual"
                );
            }
        }
        let dummy = format!("$2b${highest:02}{DUMMY_HASH}");
        Ok(Self(Arc::new(Inner { hashes, dummy })))
    }

    /// Whether no password is needed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.hashes.is_empty()
    }
}

/// The costs that bcrypt defines.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// The cost of a hash. The message quotes nothing: a password may stand in the place of its hash.
fn cost_of(hash: &str) -> Result<u32, String> {
    let parts = hash
        .parse::<HashParts>()
        .map_err(|_| "not a bcrypt hash; make one with `htpasswd -nBC 10 NAME`".to_owned())?;
    let cost = parts.get_cost();
    if !COSTS.contains(&cost) {
        return Err(format!(
            "a bcrypt hash of cost {cost}; the cost is from {} to {}, and 10 is usual",
            COSTS.start(),
            COSTS.end()
        ));
    }
    Ok(cost)
}

/// Checks passwords, one at a time, and remembers what came of it.
pub(super) struct Doorkeeper {
    remembered: Arc<Remembered>,
    turn: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Doorkeeper {
    pub(super) fn new() -> Self {
        Self {
            remembered: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }

    /// Whether the request's password is that of one of the users.
    pub(super) async fn judge(&self, users: &Users, headers: &HeaderMap) -> Verdict {
        let Some((name, password)) = given(headers) else {
            return Verdict::Wrong;
        };
        let known = users.0.hashes.get(&*name);
        let hash = known.map_or(&*users.0.dummy, |hash| hash.expose_secret());
        let key = digest([&name, hash, &password]);
        if let Some(right) = self.remembered.get(&key) {
            return verdict(right);
        }
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else {
            return Verdict::Later;
        };
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let turn = turn.expect("it is never closed");
        if let Some(right) = self.remembered.get(&key) {
            return verdict(right);
        }
        let (hash, is_known) = (hash.to_owned(), known.is_some());
        let remembered = Arc::clone(&self.remembered);
        // A client may hang up and end this future. The check goes on then, and keeps its permits:
        // so there is never more than one, and the next client with this password need not wait.
        let check = move || {
            let _permits = (place, turn);
            let is_right = bcrypt::verify(password.as_bytes(), &hash).unwrap_or(false) && is_known;
            remembered.put(key, is_right);
            is_right
        };
        verdict(spawn_blocking(check).await.unwrap_or(false))
    }
}

/// What came of the last checks, by the digest of name, hash and password.
#[derive(Default)]
struct Remembered(Mutex<HashMap<[u8; 32], bool>>);

impl Remembered {
    fn get(&self, key: &[u8; 32]) -> Option<bool> {
        self.lock().get(key).copied()
    }

    fn put(&self, key: [u8; 32], right: bool) {
        let mut remembered = self.lock();
        if remembered.len() >= MAX_REMEMBERED {
            // Wrong ones go first: a client that was let in is let in again at once.
            let wrong = remembered.iter().find(|(_, right)| !**right);
            let goes = wrong
                .or_else(|| remembered.iter().next())
                .map(|(key, _)| *key);
            goes.and_then(|key| remembered.remove(&key));
        }
        remembered.insert(key, right);
    }

    /// Changed by insertions and removals, which do not panic half-way.
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn verdict(right: bool) -> Verdict {
    if right {
        Verdict::Welcome
    } else {
        Verdict::Wrong
    }
}

/// The name and password of `Authorization: Basic`, wiped when dropped.
fn given(headers: &HeaderMap) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
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

/// No password is kept, and no two triples are one.
fn digest(parts: [&str; 3]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}
