//! The one source of an account's credentials.

use serde_json::Value as Json;

use super::super::credentials::Credentials;
use super::super::defaults;
use super::super::definitions::Definitions;
use super::super::document::{Entry, Node};
use super::super::endpoint::Endpoint;
use super::super::reader::Reader;
use super::super::value_types::Setting;
use super::credentials::CredentialKeys;

/// Where an account's credentials come from.
#[derive(Clone)]
pub(in crate::config) enum Source {
    Complete(Credentials),
    /// A pod's token, exchanged at this STS or else at the account's STS.
    TkeOidc(Option<Endpoint>),
}

impl Source {
    /// Returns the credentials of an account with this STS.
    pub(in crate::config) fn with_sts(self, sts: &Endpoint) -> Credentials {
        match self {
            Self::Complete(credentials) => credentials,
            Self::TkeOidc(own) => Credentials::TkeOidc {
                endpoint: own.unwrap_or_else(|| sts.clone()),
            },
        }
    }
}

impl Setting for Source {
    type Value = Self;

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let keys = CredentialKeys::read(node, reader)?;
        warn_of_inline_secrets(node, reader);
        let mut groups = GROUPS.iter().filter_map(|group| {
            let is_set = |key: &&&str| node.entries().iter().any(|entry| entry.key == **key);
            group.iter().find(is_set)
        });
        let Some(first) = groups.next() else {
            reader.refuse("empty; write one of secret_id with secret_key, secret_id_file with secret_key_file, env, profile, cvm_role or tke_oidc, or remove credentials for the default chain");
            return None;
        };
        if let Some(second) = groups.next() {
            let why = format!(
                "a second source of credentials, in addition to {first}; exactly one is allowed"
            );
            reader.refuse_key(second, why);
            return None;
        }
        source(keys, node, reader)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        CredentialKeys::schema(definitions)
    }
}

/// The keys of each source.
const GROUPS: [&[&str]; 6] = [
    &["env"],
    &["profile"],
    &["cvm_role"],
    &["tke_oidc"],
    &["secret_id_file", "secret_key_file", "token_file"],
    &["secret_id", "secret_key", "token"],
];

fn source(keys: CredentialKeys, node: &Node, reader: &mut Reader) -> Option<Source> {
    if let Some(oidc) = keys.tke_oidc {
        return Some(Source::TkeOidc(oidc.endpoint));
    }
    let credentials = if let Some(env) = keys.env {
        let entry = node.entries().iter().find(|entry| entry.key == "env")?;
        reader.at_key(entry, |_, reader| {
            Some(Credentials::Env {
                secret_id: needed(env.secret_id, "secret_id", reader)?,
                secret_key: needed(env.secret_key, "secret_key", reader)?,
                token: env.token,
            })
        })?
    } else if let Some(profile) = keys.profile {
        let name = profile.name;
        Credentials::Profile {
            name: name.unwrap_or_else(|| defaults::PROFILE.to_owned()),
            file: profile.file,
        }
    } else if let Some(role) = keys.cvm_role {
        Credentials::CvmRole {
            name: role.name,
            endpoint: role.endpoint.unwrap_or_else(Endpoint::metadata),
        }
    } else if node
        .entries()
        .iter()
        .any(|entry| entry.key.ends_with("_file"))
    {
        Credentials::Files {
            secret_id: needed(keys.secret_id_file, "secret_id_file", reader)?,
            secret_key: needed(keys.secret_key_file, "secret_key_file", reader)?,
            token: keys.token_file,
        }
    } else {
        Credentials::Inline {
            secret_id: needed(keys.secret_id, "secret_id", reader)?,
            secret_key: needed(keys.secret_key, "secret_key", reader)?,
            token: keys.token,
        }
    };
    Some(Source::Complete(credentials))
}

fn needed<T>(value: Option<T>, key: &str, reader: &mut Reader) -> Option<T> {
    if value.is_none() {
        reader.refuse(format!("{key} is missing; the other keys here require it"));
    }
    value
}

/// Warns if a file of the configuration contains a secret.
fn warn_of_inline_secrets(node: &Node, reader: &mut Reader) {
    let is_secret = |entry: &&Entry| ["secret_key", "token"].contains(&entry.key.as_str());
    let secrets = node.entries().iter().filter(is_secret);
    let document = reader.document();
    let mut files = secrets.filter_map(|entry| document.file_of(&entry.node.place));
    let Some(file) = files.next() else {
        return;
    };
    if file.world_readable {
        reader.warn("the file contains a secret, which every user of this machine can read; run chmod o-r, or use env: or secret_key_file: instead");
    } else {
        reader.warn("the file contains a secret, which everyone who can read the file can read; use env: or secret_key_file: instead");
    }
}
