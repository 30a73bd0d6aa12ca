//! Names and passwords.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

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

/// What an unknown user's password is compared with, so that how long an answer takes does not tell
/// who is known. It is the hash of nothing in particular, with the cost that is usual.
const NOBODYS: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/// Who may come in, and with which hash of a password.
#[derive(Clone)]
pub(super) struct Users(Arc<BTreeMap<String, SecretString>>);

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
        for (name, hash) in &hashes {
            let parts = hash.expose_secret().parse::<HashParts>().map_err(|_| {
                format!("basic_auth_users: the password of {name:?} is not a hash of bcrypt")
            })?;
            let cost = parts.get_cost();
            if cost > HIGH_COST {
                warn!(
                    name,
                    cost,
                    "checking this password takes seconds, and all others wait for it; a cost of 10 is usual"
                );
            }
        }
        Ok(Self(Arc::new(hashes)))
    }

    /// Whether nobody is asked for a password.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Checks passwords, one at a time, and remembers what came of it.
pub(super) struct Doorkeeper {
    remembered: Mutex<HashMap<[u8; 32], bool>>,
    turn: Semaphore,
    waiting: Semaphore,
}

impl Doorkeeper {
    pub(super) fn new() -> Self {
        Self {
            remembered: Mutex::default(),
            turn: Semaphore::new(1),
            waiting: Semaphore::new(MAX_WAITING),
        }
    }

    /// Whether the request's password is that of one of the users.
    pub(super) async fn judge(&self, users: &Users, headers: &HeaderMap) -> Verdict {
        let Some((name, password)) = given(headers) else {
            return Verdict::Wrong;
        };
        let known = users.0.get(&*name);
        let hash = known.map_or(NOBODYS, |hash| hash.expose_secret());
        let key = digest([&name, hash, &password]);
        if let Some(right) = self.remembers(&key) {
            return verdict(right);
        }
        let Ok(_place) = self.waiting.try_acquire() else {
            return Verdict::Later;
        };
        let _turn = self.turn.acquire().await.expect("it is never closed");
        if let Some(right) = self.remembers(&key) {
            return verdict(right);
        }
        let hash = hash.to_owned();
        let checked = spawn_blocking(move || bcrypt::verify(password.as_bytes(), &hash)).await;
        let is_right = matches!(checked, Ok(Ok(true))) && known.is_some();
        self.remember(key, is_right);
        verdict(is_right)
    }

    fn remembers(&self, key: &[u8; 32]) -> Option<bool> {
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        remembered.get(key).copied()
    }

    fn remember(&self, key: [u8; 32], right: bool) {
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            // Wrong ones go first: whoever was let in is let in again without waiting for anybody.
            let wrong = remembered.iter().find(|(_, right)| !**right);
            let goes = wrong
                .or_else(|| remembered.iter().next())
                .map(|(key, _)| *key);
            goes.and_then(|key| remembered.remove(&key));
        }
        remembered.insert(key, right);
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
