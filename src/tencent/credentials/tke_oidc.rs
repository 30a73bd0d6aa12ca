//! Keys of a role that a pod of a TKE cluster may have: the cluster vouches for the pod with a
//! token.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use super::reloading::{HALF_CHANGE_WAIT, SETTLE_DELAY};
use super::{FetchFuture, Source, key_files, no_credentials, none_to_be_had};
use crate::files::{READ_TIMEOUT, ReadSlot};
use crate::tencent::sts::{Role, Sts};

const PROVIDER_ID: &str = "TKE_PROVIDER_ID";
const TOKEN_FILE: &str = "TKE_WEB_IDENTITY_TOKEN_FILE";
const ROLE_ARN: &str = "TKE_ROLE_ARN";

/// How long a key is asked for: what STS gives where nothing is said.
const DURATION: Duration = Duration::from_hours(2);

/// The name that the operation log shows.
const SESSION_NAME: &str = "cloudaudit-exporter";

/// What TKE tells a pod in its environment.
pub struct TkeOidc {
    provider_id: String,
    token_file: PathBuf,
    role: Role,
    sts: Arc<Sts>,
    slot: ReadSlot,
}

impl TkeOidc {
    /// Whether the environment says so, or which of its variables is missing.
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

    /// What the environment says, to be exchanged at `sts`. A variable that is missing shows when a
    /// key is wanted.
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

    /// The token that the file holds. One that is being written is waited for.
    async fn token(&self) -> Result<SecretString, String> {
        let began = Instant::now();
        loop {
            let file = self.token_file.clone();
            let token = self.slot.run(READ_TIMEOUT, move || read_token(&file)).await;
            let token = token.map_err(|error| {
                let file = self.token_file.display();
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
                let why = "has a blank, a control character or one beyond ASCII in it";
                return Err(no_credentials(format!(
                    "the environment variable {name} {why}"
                )));
            }
            // The cluster replaces the token long before it ends, so it is read each time.
            let token = self.token().await;
            let token = token.map_err(|why| no_credentials(format!("{TOKEN_FILE}: {why}")))?;
            let (role, provider) = (&self.role, &self.provider_id);
            let key = self
                .sts
                .assume_role_with_web_identity(role, provider, &token)
                .await;
            key.map_err(|failure| {
                let why = format!("the cluster's token does not get {}", role.arn);
                none_to_be_had(&why, failure)
            })
        })
    }
}

fn read_token(file: &Path) -> Result<SecretString, String> {
    let text = key_files::read(file)?;
    let token = text.trim();
    if token.is_empty() {
        return Err(format!("{} is empty", file.display()));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let file = file.display();
        return Err(format!(
            "{file} holds no token: it has a blank or a control character in it"
        ));
    }
    Ok(SecretString::from(token))
}
