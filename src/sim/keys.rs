//! Every key of the world, found by its id, and the temporary ones that are issued for roles.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::sim::identity::{Identity, Temporary};
use crate::sim::role;

/// A key, and for whom it calls.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) uin: String,
    pub(super) session: Option<Session>,
    pub(super) identity: Identity,
}

/// What a role's key knows of the role.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) role: String,
    /// `RoleSessionName`.
    pub(super) name: String,
    /// The account that asked for the key.
    pub(super) requested_by: String,
}

impl Key {
    /// Its end, if it is a temporary one.
    pub(super) fn expires(&self) -> Option<SystemTime> {
        let temporary = self.identity.temporary.as_ref();
        temporary.map(|temporary| temporary.expires)
    }

    /// Who calls, as rates are counted: a role is the same one under each of its keys.
    pub(super) fn principal(&self) -> String {
        match &self.session {
            Some(session) => role::arn(&self.uin, &session.role),
            None => self.identity.secret_id.clone(),
        }
    }
}

#[derive(Default)]
pub(super) struct Keys {
    by_id: BTreeMap<String, Key>,
    /// The ids of what was issued, by their end.
    issued: BTreeSet<(SystemTime, String)>,
    issues: u64,
}

/// So long an expired key is known to have been one: it is `TokenFailure`, later
/// `SecretIdNotFound`.
const EXPIRED_KNOWN_FOR: Duration = Duration::from_mins(1);

/// More issued keys are not kept; the ones that would end first go.
const MAX_ISSUED: usize = 100_000;

impl Keys {
    pub(super) fn get(&self, secret_id: &str) -> Option<&Key> {
        self.by_id.get(secret_id)
    }

    /// The identity, if it is this account's.
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

    /// Makes a key for a role of this account. It differs from every other, and is the same in
    /// every run of the same story.
    pub(super) fn issue(
        &mut self,
        uin: &str,
        session: Session,
        expires: SystemTime,
        now: SystemTime,
    ) -> Key {
        self.remove_expired(now);
        self.issues += 1;
        let secret = |part: &str| {
            let (role, name) = (&session.role, &session.name);
            let seed = format!("{part} {uin} {role} {name} {now:?} {}", self.issues);
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

    /// The key and the token of everything temporary that is known.
    pub(super) fn temporary_secrets(&self) -> Vec<String> {
        let identities = self.by_id.values().map(|key| &key.identity);
        let secrets = identities.filter_map(|identity| {
            let temporary = identity.temporary.as_ref()?;
            Some([identity.secret_key.clone(), temporary.token.clone()])
        });
        secrets.flatten().collect()
    }

    /// Ends every key of a role.
    pub(super) fn end_role(&mut self, uin: &str, role: &str) {
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
            if !is_full && *expired + EXPIRED_KNOWN_FOR > now {
                return;
            }
            if let Some((_, secret_id)) = self.issued.pop_first() {
                self.by_id.remove(&secret_id);
            }
        }
    }
}
