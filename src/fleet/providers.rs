//! Where accounts' keys come from. Accounts that say the same share a provider, so that a role is
//! assumed once, whoever polls with it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use secrecy::SecretString;
use tracing::info;

use super::identity::Identity;
use super::shared::{Common, endpoint};
use super::ways::Ways;
use crate::config::{self, AssumeRole, Credentials};
use crate::tencent::credentials::{
    AssumedRole, Credential, CvmRole, EnvironmentProvider, FixedProvider, Found, Owner, Provider,
    Renewing, TkeOidc, Verified,
};
use crate::tencent::sts::{Role, STS_NAME, STS_PER_SECOND, Sts};
use crate::tencent::{ClientParts, Transport};

/// The providers of a process.
#[derive(Default)]
pub(super) struct Providers {
    /// Held weakly: a provider lives as long as somebody polls with it, over every reload.
    known: HashMap<Key, Weak<dyn Provider>>,
}

/// What a provider is made from.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    credentials: Credentials,
    sts: config::Endpoint,
    role: Option<AssumeRole>,
    owner: Option<Owner>,
    /// The ways, told apart by where they are: a provider that lives holds its own.
    ways: Vec<usize>,
}

impl Providers {
    /// The provider of an account.
    pub(super) fn of(
        &mut self,
        account: &config::Account,
        ways: &Ways,
        common: &mut Common,
    ) -> Arc<dyn Provider> {
        let mut key = Key {
            credentials: account.credentials.clone(),
            sts: account.sts_endpoint.clone(),
            role: None,
            owner: None,
            ways: ways.places(),
        };
        let mut provider = self.shared(key.clone(), || base(account, ways, common));
        if let Some(role) = &account.assume_role {
            key.role = Some(role.clone());
            let way = ways.to(&role.endpoint);
            provider = self.shared(key.clone(), || {
                let sts = sts(&role.endpoint, way, provider, common);
                let role = Role {
                    arn: role.arn.clone(),
                    session_name: role.session_name.clone(),
                    external_id: role.external_id.clone().map(Into::into),
                    duration: role.duration,
                };
                Arc::new(Renewing::new(
                    AssumedRole::new(role, sts),
                    common.clock.clone(),
                ))
            });
        }
        // Also if the account is in the ARN of a role: the key is of another account if STS, or a
        // gateway before it, delivers the answer to another request.
        if let Some(uin) = &account.uin {
            let owner = Owner {
                uin: uin.clone(),
                is_required: account.is_uin_configured,
            };
            key.owner = Some(owner.clone());
            let way = ways.to(&account.sts_endpoint);
            provider = self.shared(key, || {
                let sts = sts(&account.sts_endpoint, way, Arc::clone(&provider), common);
                Arc::new(Verified::new(provider, owner, sts))
            });
        }
        provider
    }

    /// Forgets those that nobody polls with any more.
    pub(super) fn forget(&mut self) {
        self.known.retain(|_, provider| provider.strong_count() > 0);
    }

    fn shared(&mut self, key: Key, make: impl FnOnce() -> Arc<dyn Provider>) -> Arc<dyn Provider> {
        if let Some(provider) = self.known.get(&key).and_then(Weak::upgrade) {
            return provider;
        }
        let provider = make();
        self.known.insert(key, Arc::downgrade(&provider));
        provider
    }
}

/// The provider of the credentials themselves.
fn base(account: &config::Account, ways: &Ways, common: &mut Common) -> Arc<dyn Provider> {
    match &account.credentials {
        Credentials::Inline {
            secret_id,
            secret_key,
            token,
        } => {
            let secret_key = SecretString::from(secret_key.clone());
            let token = token.clone().map(Into::into);
            let credential = Credential::new(secret_id.clone(), secret_key, token)
                .expect("the configuration takes only secrets that can be sent");
            Arc::new(FixedProvider::new(credential))
        }
        Credentials::Env {
            secret_id,
            secret_key,
            token,
        } => Arc::new(EnvironmentProvider::new(
            &common.environment,
            secret_id,
            secret_key,
            token.as_deref(),
        )),
        Credentials::Files { .. } | Credentials::Profile { .. } => from_files(account, common),
        Credentials::CvmRole { name, endpoint } => {
            cvm_role(name.clone(), endpoint, ways, common, Vec::new())
        }
        Credentials::TkeOidc { endpoint } => tke_oidc(endpoint, ways, common),
        Credentials::Default => by_looking(account, ways, common),
    }
}

/// Keys that are read again before every call.
fn from_files(account: &config::Account, common: &mut Common) -> Arc<dyn Provider> {
    let shelf = common
        .file_keys
        .shelf(&account.credentials, &common.environment);
    let shelf = || shelf.expect("these credentials are in files");
    common
        .file_keys
        .provider(&account.credentials, shelf, &common.clock)
}

/// Where the official SDKs look, in their order.
fn by_looking(account: &config::Account, ways: &Ways, common: &mut Common) -> Arc<dyn Provider> {
    let (found, not) = common.file_keys.chain(&common.environment);
    let provider: Arc<dyn Provider> = match found {
        Found::Environment => Arc::new(EnvironmentProvider::usual(&common.environment)),
        Found::Profile(_) => from_files(account, common),
        Found::TkeOidc => tke_oidc(&account.sts_endpoint, ways, common),
        Found::CvmRole => {
            let metadata = config::Endpoint::metadata();
            cvm_role(None, &metadata, ways, common, not.clone())
        }
    };
    info!(
        account = account.name,
        provider = provider.name(),
        not = (!not.is_empty()).then(|| not.join("; ")),
        "default credentials"
    );
    provider
}

fn cvm_role(
    name: Option<String>,
    metadata: &config::Endpoint,
    ways: &Ways,
    common: &Common,
    before: Vec<String>,
) -> Arc<dyn Provider> {
    let role = CvmRole {
        name,
        endpoint: endpoint(metadata),
        transport: ways.to(metadata),
        clock: common.clock.clone(),
        before,
    };
    Arc::new(Renewing::new(role, common.clock.clone()))
}

fn tke_oidc(at: &config::Endpoint, ways: &Ways, common: &mut Common) -> Arc<dyn Provider> {
    // The call is not signed, so nobody's key is needed; the role that is asked for is counted.
    let nobody = Arc::new(EnvironmentProvider::usual(&common.environment));
    let sts = sts(at, ways.to(at), nobody, common);
    let oidc = TkeOidc::new(&common.environment, sts);
    Arc::new(Renewing::new(oidc, common.clock.clone()))
}

/// STS, called with the keys of `provider`.
pub(super) fn sts(
    at: &config::Endpoint,
    transport: Arc<dyn Transport>,
    provider: Arc<dyn Provider>,
    common: &mut Common,
) -> Arc<Sts> {
    let identity = Identity {
        endpoint: endpoint(at),
        service: STS_NAME,
        who: provider.identity().unwrap_or_default(),
    };
    let parts = ClientParts {
        endpoint: endpoint(at),
        transport,
        // One key may assume the roles of all shards' accounts.
        pacer: common
            .pacers
            .of(&identity, common.shard.share(STS_PER_SECOND)),
        provider,
        in_flight: common.pacers.in_flight(&identity.endpoint),
        clock: common.clock.clone(),
    };
    Arc::new(Sts::new(parts, Arc::clone(&common.process)))
}
