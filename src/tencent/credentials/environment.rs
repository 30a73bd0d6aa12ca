//! A key in environment variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

use super::{Credential, CredentialFuture, Provider, ProviderState};
use crate::failure::{Failure, Reason};
use crate::tencent::credential::INVALID_REASONS;

/// The variables of id and key. The first pair is what all official tools read, the second is what
/// serverless functions receive.
const STANDARD: [[&str; 2]; 2] = [
    ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"],
    ["TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY"],
];

/// The variables of a token, which differ between tools: tccli and most SDKs, the Node SDK,
/// Terraform, serverless functions.
const TOKENS: [&str; 4] = [
    "TENCENTCLOUD_TOKEN",
    "TENCENTCLOUD_SESSION_TOKEN",
    "TENCENTCLOUD_SECURITY_TOKEN",
    OF_FUNCTIONS,
];

/// The token of a serverless function. It belongs to the second pair only: the user of a function
/// may set the first pair, and the function has all three of its own.
const OF_FUNCTIONS: &str = "TENCENTCLOUD_SESSIONTOKEN";

/// Provides the key that the variables held when the process began.
#[derive(Debug)]
pub struct EnvironmentProvider {
    credential: Result<Arc<Credential>, Failure>,
}

impl EnvironmentProvider {
    /// Checks whether one of the variables that the official tools read is set. Half of a key
    /// counts as set: it is a mistake that another source would hide.
    ///
    /// # Errors
    ///
    /// The names of the missing variables.
    pub fn check_environment(environment: &BTreeMap<String, String>) -> Result<(), String> {
        let [id, key] = STANDARD[0];
        let none = || format!("the environment variables {id} and {key} are not set");
        standard(environment).map(|_| ()).ok_or_else(none)
    }

    /// Reads the variables that the official tools read.
    pub fn standard(environment: &BTreeMap<String, String>) -> Self {
        let pair = standard(environment).unwrap_or(STANDARD[0]);
        let [id, key] = pair;
        let set = TOKENS.iter().filter(|name| {
            let belongs = pair == STANDARD[1] || **name != OF_FUNCTIONS;
            belongs && value(environment, name).is_some()
        });
        let tokens: Vec<&str> = set.copied().collect();
        let first = tokens.first().copied();
        let differs = |name: &&&str| {
            value(environment, name) != first.and_then(|first| value(environment, first))
        };
        if let Some(other) = tokens.iter().find(differs) {
            let first = first.unwrap_or_default();
            let message = format!(
                "no credentials: the environment variables {first} and {other} hold two different \
                 tokens; remove one of them"
            );
            return Self {
                credential: Err(Failure::new(Reason::Credentials, message)),
            };
        }
        Self::new(environment, id, key, first)
    }

    /// Reads the variables `secret_id`, `secret_key` and `token`. An empty variable counts as not
    /// set.
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
                    "no credentials: the {part} in the environment variable {} or a companion variable is \
                     not valid: {INVALID_REASONS}",
                    printable(secret_id)
                );
                Failure::new(Reason::Credentials, message)
            })
        });
        Self { credential }
    }
}

/// Returns the value of a variable. `None` if the variable is empty.
fn value<'e>(environment: &'e BTreeMap<String, String>, name: &str) -> Option<&'e str> {
    let value = environment.get(name).map(|value| value.trim());
    value.filter(|value| !value.is_empty())
}

/// Returns the first pair of variables of which at least one is set.
fn standard(environment: &BTreeMap<String, String>) -> Option<[&'static str; 2]> {
    let is_set = |pair: &&[&str; 2]| pair.iter().any(|name| value(environment, name).is_some());
    STANDARD.iter().find(is_set).copied()
}

/// Returns a name that looks like a variable. Another name may be a secret that was written here by
/// mistake.
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

    /// Returns a state only if the variables have no valid key, so that the metrics show it.
    fn state(&self) -> Option<ProviderState> {
        self.credential.is_err().then(ProviderState::default)
    }

    fn credential(&self) -> CredentialFuture<'_> {
        Box::pin(std::future::ready(self.credential.clone()))
    }
}
