//! A key that stands in environment variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

use super::{Credential, Provided, Provider};
use crate::failure::{Failure, Reason};

/// Gives what the named variables held when the process began.
#[derive(Debug)]
pub struct EnvironmentProvider {
    credential: Result<Arc<Credential>, Failure>,
}

impl EnvironmentProvider {
    /// Takes the variables `secret_id`, `secret_key` and, where there is one, `token` out of the
    /// environment. A variable that is empty is one that is not set.
    pub fn new(
        environment: &BTreeMap<String, String>,
        secret_id: &str,
        secret_key: &str,
        token: Option<&str>,
    ) -> Self {
        let value = |name: &str| {
            let value = environment.get(name).map(|value| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let wanted = |name: &str| {
            value(name).ok_or_else(|| {
                let message = format!(
                    "no credentials: the environment variable {} is not set or empty",
                    printable(name)
                );
                Failure::new(Reason::Credentials, message)
            })
        };
        let credential = wanted(secret_id).and_then(|id| {
            let key = SecretString::from(wanted(secret_key)?);
            let token = token.and_then(value).map(SecretString::from);
            Credential::new(id.to_owned(), key, token).map(Arc::new).map_err(|part| {
                let message = format!(
                    "no credentials: the {part} from the environment variable {} or its companions \
                     cannot be one: a blank, a control character or one beyond ASCII is in it",
                    printable(secret_id)
                );
                Failure::new(Reason::Credentials, message)
            })
        });
        Self { credential }
    }
}

/// The name as it is usual for variables. Another one may be the secret itself, written in its place
/// by mistake.
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

    fn credential(&self) -> Provided<'_> {
        Box::pin(std::future::ready(self.credential.clone()))
    }
}
