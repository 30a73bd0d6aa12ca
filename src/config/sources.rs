//! Who asks, as one level says it: exactly one source of credentials, and the role on top.

use std::time::Duration;

use super::credentials::{AssumeRole, Credentials};
use super::defaults;
use super::endpoint::Endpoint;
use super::error::Error;
use super::key_path::KeyPath;
use super::layers::Places;
use super::named_file::NamedFile;
use super::raw::{RawAssumeRole, RawCredentials, RawCvmRole, RawEnv, RawProfile, RawTkeOidc};
use super::secret::Secret;
use super::shapes::{Mapping, Text};
use super::values;

/// Credentials, but for what the account still has to say.
#[derive(Clone)]
pub(super) enum Source {
    Whole(Credentials),
    /// A token is exchanged at an STS of its own, or else at the account's.
    TkeOidc(Option<Endpoint>),
}

impl Source {
    /// The credentials of an account with this STS.
    pub(super) fn at(self, sts: &Endpoint) -> Credentials {
        match self {
            Self::Whole(credentials) => credentials,
            Self::TkeOidc(own) => Credentials::TkeOidc {
                endpoint: own.unwrap_or_else(|| sts.clone()),
            },
        }
    }
}

/// What a level says of a role. Levels merge, so none has to say all of it.
#[derive(Clone, Default)]
pub(super) struct Role {
    pub(super) arn: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) external_id: Option<Secret>,
    pub(super) duration: Option<Duration>,
    pub(super) endpoint: Option<Endpoint>,
}

impl Role {
    pub(super) fn read(
        raw: &RawAssumeRole,
        path: &KeyPath,
        places: &Places,
    ) -> Result<Self, Error> {
        let endpoint = raw.endpoint.as_ref();
        let session = raw.session_name.as_ref();
        let external_id = |text: &str| values::external_id(text).map(Secret::from);
        let external = raw.external_id.as_ref();
        let duration = raw.duration.as_ref();
        Ok(Self {
            arn: places.value(raw.arn.as_ref(), path, "arn", values::role_arn)?,
            session_name: places.value(session, path, "session_name", values::session_name)?,
            external_id: places.value(external, path, "external_id", external_id)?,
            duration: places.value(duration, path, "duration", values::role_duration)?,
            endpoint: places.value(endpoint, path, "endpoint", Endpoint::parse)?,
        })
    }

    /// What this says, and where it says nothing the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            arn: self.arn.or(other.arn),
            session_name: self.session_name.or(other.session_name),
            external_id: self.external_id.or(other.external_id),
            duration: self.duration.or(other.duration),
            endpoint: self.endpoint.or(other.endpoint),
        }
    }

    /// The role of an account with this STS; none without an ARN.
    pub(super) fn at(self, sts: &Endpoint) -> Option<AssumeRole> {
        Some(AssumeRole {
            arn: self.arn?,
            session_name: self
                .session_name
                .unwrap_or_else(|| defaults::SESSION_NAME.to_owned()),
            external_id: self.external_id,
            duration: self.duration.unwrap_or(defaults::ROLE_DURATION),
            endpoint: self.endpoint.unwrap_or_else(|| sts.clone()),
        })
    }
}

/// Exactly one source of credentials.
pub(super) fn credentials(
    raw: &RawCredentials,
    path: &KeyPath,
    places: &Places,
) -> Result<Source, Error> {
    let mut said = sources(raw).into_iter().flatten();
    let Some(source) = said.next() else {
        let message = "empty; allowed is one of secret_id with secret_key, secret_id_file with secret_key_file, env, profile, cvm_role or tke_oidc, or no credentials at all for the default chain";
        return Err(places.refuse(path, message));
    };
    if let Some(second) = said.next() {
        let message = format!(
            "a second source of credentials beside {}; exactly one is allowed",
            source.key()
        );
        return Err(places.refuse_key(&path.key(second.key()), message));
    }
    Ok(Source::Whole(match source {
        Said::Env(raw) => from_variables(raw, &path.key("env"), places)?,
        Said::Profile(raw) => from_profile(raw, &path.key("profile"), places)?,
        Said::CvmRole(raw) => of_machine(raw, &path.key("cvm_role"), places)?,
        Said::TkeOidc(raw) => {
            let path = path.key("tke_oidc");
            let own = places.value(raw.endpoint.as_ref(), &path, "endpoint", Endpoint::parse)?;
            return Ok(Source::TkeOidc(own));
        }
        Said::Files(_) => from_files(raw, path, places)?,
        Said::Inline(_) => inline(raw, path, places)?,
    }))
}

/// A source that is there, with the first of its keys where it has several.
enum Said<'r> {
    Env(&'r RawEnv),
    Profile(&'r RawProfile),
    CvmRole(&'r RawCvmRole),
    TkeOidc(&'r RawTkeOidc),
    Files(&'static str),
    Inline(&'static str),
}

impl Said<'_> {
    fn key(&self) -> &'static str {
        match self {
            Said::Env(_) => "env",
            Said::Profile(_) => "profile",
            Said::CvmRole(_) => "cvm_role",
            Said::TkeOidc(_) => "tke_oidc",
            Said::Files(key) | Said::Inline(key) => key,
        }
    }
}

fn sources(raw: &RawCredentials) -> [Option<Said<'_>>; 6] {
    let files = [
        raw.secret_id_file.as_ref().map(|_| "secret_id_file"),
        raw.secret_key_file.as_ref().map(|_| "secret_key_file"),
        raw.token_file.as_ref().map(|_| "token_file"),
    ];
    let inline = [
        raw.secret_id.as_ref().map(|_| "secret_id"),
        raw.secret_key.as_ref().map(|_| "secret_key"),
        raw.token.as_ref().map(|_| "token"),
    ];
    [
        raw.env.as_ref().map(|Mapping(env)| Said::Env(env)),
        raw.profile
            .as_ref()
            .map(|Mapping(profile)| Said::Profile(profile)),
        raw.cvm_role
            .as_ref()
            .map(|Mapping(role)| Said::CvmRole(role)),
        raw.tke_oidc
            .as_ref()
            .map(|Mapping(oidc)| Said::TkeOidc(oidc)),
        files.into_iter().flatten().next().map(Said::Files),
        inline.into_iter().flatten().next().map(Said::Inline),
    ]
}

/// What should be warned of: a secret that stands in a file of the configuration.
pub(super) fn warning(raw: &RawCredentials, path: &KeyPath, places: &Places) -> Option<String> {
    let secrets = [
        raw.secret_key.as_ref().map(|_| "secret_key"),
        raw.token.as_ref().map(|_| "token"),
    ];
    let mut secrets = secrets.into_iter().flatten();
    let file = secrets.find_map(|key| places.file_of(&path.key(key)))?;
    let message = if file.is_open {
        format!(
            "a secret stands in {}, which everybody on this machine can read; chmod o-r takes that away, env: or secret_key_file: keeps it out",
            file.name
        )
    } else {
        "a secret stands in the file, readable by whoever reads the file; env: or secret_key_file: keeps it out".to_owned()
    };
    Some(places.warning(path, &message))
}

fn inline(raw: &RawCredentials, path: &KeyPath, places: &Places) -> Result<Credentials, Error> {
    let secret = |text: &str| values::secret(text).map(Secret::from);
    let secret_id = raw.secret_id.as_ref();
    let secret_key = raw.secret_key.as_ref();
    Ok(Credentials::Inline {
        secret_id: places.needed(secret_id, path, "secret_id", values::secret_id)?,
        secret_key: places.needed(secret_key, path, "secret_key", secret)?,
        token: places.value(raw.token.as_ref(), path, "token", secret)?,
    })
}

fn from_variables(raw: &RawEnv, path: &KeyPath, places: &Places) -> Result<Credentials, Error> {
    let name = values::variable_name;
    Ok(Credentials::Env {
        secret_id: places.needed(raw.secret_id.as_ref(), path, "secret_id", name)?,
        secret_key: places.needed(raw.secret_key.as_ref(), path, "secret_key", name)?,
        token: places.value(raw.token.as_ref(), path, "token", name)?,
    })
}

fn from_files(raw: &RawCredentials, path: &KeyPath, places: &Places) -> Result<Credentials, Error> {
    let file = |text: Option<&Text>, key| -> Result<Option<NamedFile>, Error> {
        let read = |text: &str| Ok(places.named(&path.key(key), text));
        places.value(text, path, key, read)
    };
    let needed = |text: Option<&Text>, key| -> Result<NamedFile, Error> {
        let read = |text: &str| Ok(places.named(&path.key(key), text));
        places.needed(text, path, key, read)
    };
    Ok(Credentials::Files {
        secret_id: needed(raw.secret_id_file.as_ref(), "secret_id_file")?,
        secret_key: needed(raw.secret_key_file.as_ref(), "secret_key_file")?,
        token: file(raw.token_file.as_ref(), "token_file")?,
    })
}

fn from_profile(raw: &RawProfile, path: &KeyPath, places: &Places) -> Result<Credentials, Error> {
    let name = places.value(raw.name.as_ref(), path, "name", values::profile_name)?;
    let file = |text: &str| places.named_or_at_home(&path.key("file"), text);
    Ok(Credentials::Profile {
        name: name.unwrap_or_else(|| defaults::PROFILE.to_owned()),
        file: places.value(raw.file.as_ref(), path, "file", file)?,
    })
}

fn of_machine(raw: &RawCvmRole, path: &KeyPath, places: &Places) -> Result<Credentials, Error> {
    let endpoint = raw.endpoint.as_ref();
    let endpoint = places.value(endpoint, path, "endpoint", Endpoint::parse_metadata)?;
    Ok(Credentials::CvmRole {
        name: places.value(raw.name.as_ref(), path, "name", values::role_name)?,
        endpoint: endpoint.unwrap_or_else(Endpoint::metadata),
    })
}
