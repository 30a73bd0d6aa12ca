//! A key that stands in environment variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

use super::{Credential, CredentialFuture, Provider, ProviderState};
use crate::failure::{Failure, Reason};
use crate::tencent::credential::REFUSED;

/// The variables of id and key: what all of Tencent Cloud's tools read, and what its serverless
/// functions are given.
const USUAL: [[&str; 2]; 2] = [
    ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"],
    ["TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY"],
];

/// The variables of a token. Tools disagree: the first is of the command line and most SDKs, then
/// those of the Node SDK, of Terraform, and of serverless functions.
const TOKENS: [&str; 4] = [
    "TENCENTCLOUD_TOKEN",
    "TENCENTCLOUD_SESSION_TOKEN",
    "TENCENTCLOUD_SECURITY_TOKEN",
    "TENCENTCLOUD_SESSIONTOKEN",
];

/// Gives what the named variables held when the process began.
#[derive(Debug)]
pub struct EnvironmentProvider {
    credential: Result<Arc<Credential>, Failure>,
}

impl EnvironmentProvider {
    /// Whether one of the variables that the official tools read is set. Half of a key counts: it
    /// is a mistake, and looking elsewhere would hide it.
    ///
    /// # Errors
    ///
    /// That none is, and their names.
    pub fn check_environment(environment: &BTreeMap<String, String>) -> Result<(), String> {
        let [id, key] = USUAL[0];
        let none = || format!("the environment variables {id} and {key} are not set");
        usual(environment).map(|_| ()).ok_or_else(none)
    }

    /// Takes the variables that the official tools read.
    pub fn usual(environment: &BTreeMap<String, String>) -> Self {
        let [id, key] = usual(environment).unwrap_or(USUAL[0]);
        let set = TOKENS
            .iter()
            .filter(|name| value(environment, name).is_some());
        let tokens: Vec<&str> = set.copied().collect();
        let first = tokens.first().copied();
        let differs = |name: &&&str| {
            value(environment, name) != first.and_then(|first| value(environment, first))
        };
        if let Some(other) = tokens.iter().find(differs) {
            let first = first.unwrap_or_default();
            let message = format!(
                "no credentials: the environment variables {first} and {other} hold two different \
                 tokens; leave one of them out"
            );
            return Self {
                credential: Err(Failure::new(Reason::Credentials, message)),
            };
        }
        Self::new(environment, id, key, first)
    }

    /// Takes the variables `secret_id`, `secret_key` and, where there is one, `token` out of the
    /// environment. A variable that is empty is one that is not set.
    pub fn new(
        environment: &BTreeMap<String, String>,
        secret_id: &str,
        secret_key: &str,
        token: Option<&str>,
    ) -> Self {
        let wanted = |name: &str| {
            value(environment, name).ok_or_else(|| {
                let message = format!(
                    "no credentials: the environment variable {} is not set or empty",
                    printable(name)
                );
                Failure::new(Reason::Credentials, message)
            })
        };
        let credential = wanted(secret_id).and_then(|id| {
            let key = SecretString::from(wanted(secret_key)?);
            let token = token.and_then(|token| value(environment, token));
            let token = token.map(SecretString::from);
            Credential::new(id.to_owned(), key, token).map(Arc::new).map_err(|part| {
                let message = format!(
                    "no credentials: the {part} from the environment variable {} or its companions \
                     cannot be one: {REFUSED}",
                    printable(secret_id)
                );
                Failure::new(Reason::Credentials, message)
            })
        });
        Self { credential }
    }
}

/// What a variable holds; one that is empty is one that is not set.
fn value<'e>(environment: &'e BTreeMap<String, String>, name: &str) -> Option<&'e str> {
    let value = environment.get(name).map(|value| value.trim());
    value.filter(|value| !value.is_empty())
}

/// The first pair of which something is set.
fn usual(environment: &BTreeMap<String, String>) -> Option<[&'static str; 2]> {
    let is_set = |pair: &&[&str; 2]| pair.iter().any(|name| value(environment, name).is_some());
    USUAL.iter().find(is_set).copied()
}

/// The name as it is usual for variables. Another one may be the secret itself, written in its
/// place by mistake.
fn printable(name: &str) -> &str {
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.chars().all(usual) {
        name
    } else {
        "that the configuration names"
    }
}

impl Provider for EnvironmentProvider {
    fn name(&self) -> &'static str {
        "env"
    }

    fn identity(&self) -> Option<String> {
        let credential = self.credential.as_ref().ok()?;
        Some(credential.secret_id().to_owned())
    }

    /// Without a key there is none that was taken up.
    fn state(&self) -> Option<ProviderState> {
        self.credential.is_err().then(ProviderState::default)
    }

    fn credential(&self) -> CredentialFuture<'_> {
        Box::pin(std::future::ready(self.credential.clone()))
    }
}
