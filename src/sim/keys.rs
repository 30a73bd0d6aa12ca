//! All keys of the simulator by secret id, including the temporary keys of roles.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::sim::arn::arn;
use crate::sim::identity::{Identity, Temporary};

/// A key and the account that it belongs to.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) uin: String,
    pub(super) session: Option<Session>,
    pub(super) identity: Identity,
}

/// The role session of a temporary key.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) role: String,
    /// `RoleSessionName`.
    pub(super) name: String,
    /// The account that requested the key.
    pub(super) requested_by: String,
}

impl Key {
    /// Returns when a temporary key expires.
    pub(super) fn expires(&self) -> Option<SystemTime> {
        let temporary = self.identity.temporary.as_ref();
        temporary.map(|temporary| temporary.expires)
    }

    /// Returns the principal that rates are counted by. All keys of a role are one principal.
    pub(super) fn principal(&self) -> String {
        match &self.session {
            Some(session) => arn(&self.uin, &session.role),
            None => self.identity.secret_id.clone(),
        }
    }
}

#[derive(Default)]
pub(super) struct Keys {
    by_id: BTreeMap<String, Key>,
    /// The ids of issued keys, by their expiry.
    issued: BTreeSet<(SystemTime, String)>,
    issued_total: u64,
}

/// How long an expired key fails with `TokenFailure`. Later it fails with `SecretIdNotFound`.
const KEEP_EXPIRED_FOR: Duration = Duration::from_mins(1);

/// The most issued keys that are kept. The keys that expire first are removed first.
const MAX_ISSUED: usize = 100_000;

impl Keys {
    pub(super) fn get(&self, secret_id: &str) -> Option<&Key> {
        self.by_id.get(secret_id)
    }

    /// Returns the identity if it belongs to this account.
    pub(super) fn identity_mut(&mut self, uin: &str, secret_id: &str) -> Option<&mut Identity> {
        let key = self.by_id.get_mut(secret_id)?;
        (key.uin == uin).then_some(&mut key.identity)
    }

    pub(super) fn insert(&mut self, uin: &str, identity: Identity) {
        self.insert_key(Key {
            uin: uin.to_owned(),
            session: None,
            identity,
        });
    }

    pub(super) fn remove(&mut self, uin: &str, secret_id: &str) -> Option<Identity> {
        self.identity_mut(uin, secret_id)?;
        self.by_id.remove(secret_id).map(|key| key.identity)
    }

    /// Issues a key for a role of this account. Every key is unique, and repeated runs of a test
    /// get the same keys.
    pub(super) fn issue(
        &mut self,
        uin: &str,
        session: Session,
        expires: SystemTime,
        now: SystemTime,
    ) -> Key {
        self.remove_expired(now);
        self.issued_total += 1;
        let secret = |part: &str| {
            let (role, name) = (&session.role, &session.name);
            let seed = format!("{part} {uin} {role} {name} {now:?} {}", self.issued_total);
            base16ct::lower::encode_string(&Sha256::digest(seed))
        };
        let secret_id = format!("AKID{}", secret("id"));
        let token = [secret("token"), secret("more"), secret("still more")].concat();
        let temporary = Temporary { token, expires };
        let identity = Identity {
            temporary: Some(temporary),
            ..Identity::permanent(&secret_id, &secret("key"))
        };
        self.issued.insert((expires, secret_id));
        let key = Key {
            uin: uin.to_owned(),
            session: Some(session),
            identity,
        };
        self.insert_key(key.clone());
        key
    }

    /// Returns the secret key and the token of every temporary key.
    pub(super) fn temporary_secrets(&self) -> Vec<String> {
        let identities = self.by_id.values().map(|key| &key.identity);
        let secrets = identities.filter_map(|identity| {
            let temporary = identity.temporary.as_ref()?;
            Some([identity.secret_key.clone(), temporary.token.clone()])
        });
        secrets.flatten().collect()
    }

    /// Removes every key of a role.
    pub(super) fn remove_role_keys(&mut self, uin: &str, role: &str) {
        let is_of_role = |session: &Session| session.role == role;
        self.by_id
            .retain(|_, key| key.uin != uin || !key.session.as_ref().is_some_and(is_of_role));
    }

    fn insert_key(&mut self, key: Key) {
        self.by_id.insert(key.identity.secret_id.clone(), key);
    }

    fn remove_expired(&mut self, now: SystemTime) {
        while let Some((expired, _)) = self.issued.first() {
            let is_full = self.issued.len() >= MAX_ISSUED;
            if !is_full && *expired + KEEP_EXPIRED_FOR > now {
                return;
            }
            if let Some((_, secret_id)) = self.issued.pop_first() {
                self.by_id.remove(&secret_id);
            }
        }
    }
}
