//! Temporary keys of the role of a TKE pod, in exchange for the OIDC token of the cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use super::reloading::{HALF_CHANGE_WAIT, SETTLE_DELAY};
use super::{FetchFuture, Source, credentials_failure, key_files, no_credentials};
use crate::escape::visible_path;
use crate::files::{READ_TIMEOUT, ReadSlot};
use crate::tencent::sts::{Role, Sts};

const PROVIDER_ID: &str = "TKE_PROVIDER_ID";
const TOKEN_FILE: &str = "TKE_WEB_IDENTITY_TOKEN_FILE";
const ROLE_ARN: &str = "TKE_ROLE_ARN";

/// The lifetime of a key, which is the default of STS.
const DURATION: Duration = Duration::from_hours(2);

/// The session name, which the operation log shows.
const SESSION_NAME: &str = "cloudaudit-exporter";

/// The settings that TKE puts into the environment of a pod.
pub struct TkeOidc {
    provider_id: String,
    token_file: PathBuf,
    role: Role,
    sts: Arc<Sts>,
    slot: ReadSlot,
}

impl TkeOidc {
    /// Checks that the environment has all variables. The error names a missing one.
    pub fn check_environment(environment: &BTreeMap<String, String>) -> Result<(), String> {
        let missing = |name: &&&str| {
            environment
                .get(**name)
                .is_none_or(|value| value.trim().is_empty())
        };
        match [PROVIDER_ID, TOKEN_FILE, ROLE_ARN].iter().find(missing) {
            Some(name) => Err(format!("the environment variable {name} is not set")),
            None => Ok(()),
        }
    }

    /// Reads the environment. A missing variable causes an error when a key is fetched.
    pub fn new(environment: &BTreeMap<String, String>, sts: Arc<Sts>) -> Self {
        let value = |name: &str| {
            environment
                .get(name)
                .map(|value| value.trim().to_owned())
                .unwrap_or_default()
        };
        Self {
            provider_id: value(PROVIDER_ID),
            token_file: PathBuf::from(value(TOKEN_FILE)),
            role: Role {
                arn: value(ROLE_ARN),
                session_name: SESSION_NAME.to_owned(),
                external_id: None,
                duration: DURATION,
            },
            sts,
            slot: ReadSlot::default(),
        }
    }

    /// Reads the token. If the file is incomplete, waits until it is written.
    async fn token(&self) -> Result<SecretString, String> {
        let began = Instant::now();
        loop {
            let file = self.token_file.clone();
            let token = self.slot.run(READ_TIMEOUT, move || read_token(&file)).await;
            let token = token.map_err(|error| {
                let file = visible_path(&self.token_file);
                format!("{file} cannot be read: {error}")
            })?;
            if token.is_ok() || began.elapsed() >= HALF_CHANGE_WAIT {
                return token;
            }
            sleep(SETTLE_DELAY).await;
        }
    }
}

impl Source for TkeOidc {
    fn name(&self) -> &'static str {
        "tke_oidc"
    }

    fn identity(&self) -> String {
        self.role.arn.clone()
    }

    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async {
            if self.role.arn.is_empty() || self.provider_id.is_empty() {
                let why = format!("{PROVIDER_ID} and {ROLE_ARN} are not both set");
                return Err(no_credentials(why));
            }
            let cannot_be_sent =
                |(_, value): &(_, &String)| !value.bytes().all(|byte| byte.is_ascii_graphic());
            let sent = [(ROLE_ARN, &self.role.arn), (PROVIDER_ID, &self.provider_id)];
            if let Some((name, _)) = sent.into_iter().find(cannot_be_sent) {
                let why = "contains whitespace, a control character or a non-ASCII character";
                return Err(no_credentials(format!(
                    "the environment variable {name} {why}"
                )));
            }
            // The cluster replaces the token long before it expires, so it is read for each key.
            let token = self.token().await;
            let token = token.map_err(|why| no_credentials(format!("{TOKEN_FILE}: {why}")))?;
            let (role, provider) = (&self.role, &self.provider_id);
            let key = self
                .sts
                .assume_role_with_web_identity(role, provider, &token)
                .await;
            key.map_err(|failure| {
                let why = format!("cannot assume {} with the cluster's token", role.arn);
                credentials_failure(&why, failure)
            })
        })
    }
}

fn read_token(file: &Path) -> Result<SecretString, String> {
    let text = key_files::read(file)?;
    let token = text.trim();
    if token.is_empty() {
        return Err(format!("{} is empty", visible_path(file)));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let file = visible_path(file);
        return Err(format!(
            "{file} has no valid token: it contains whitespace or a control character"
        ));
    }
    Ok(SecretString::from(token))
}
