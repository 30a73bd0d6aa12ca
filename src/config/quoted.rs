//! Quotes around secrets in environment variables.

use std::collections::BTreeMap;

use super::credentials::Credentials;

/// Returns a message if a variable of these credentials is in quotes: `docker --env-file` and some
/// other tools keep them. The message does not show the value.
pub(super) fn variable_in_quotes(
    credentials: &Credentials,
    environment: &BTreeMap<String, String>,
) -> Option<String> {
    let is_read = |name: &str| match credentials {
        Credentials::Env {
            secret_id,
            secret_key,
            token,
        } => name == secret_id || name == secret_key || token.as_deref() == Some(name),
        Credentials::Default => is_usual(name),
        _ => false,
    };
    let quotes = ['"', '\''];
    let is_quoted = |value: &str| value.starts_with(quotes) || value.ends_with(quotes);
    let mut variables = environment.iter();
    let (name, _) = variables.find(|(name, value)| is_read(name) && is_quoted(value.trim()))?;
    Some(format!(
        "the environment variable {name} has quotes around its value; remove them, they are not part of a secret"
    ))
}

/// Returns whether the official tools read a secret from this variable.
fn is_usual(name: &str) -> bool {
    let name = name.strip_prefix("TENCENTCLOUD_");
    name.is_some_and(|name| name.starts_with("SECRET") || name.ends_with("TOKEN"))
}
