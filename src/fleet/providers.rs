//! The credential providers. Accounts with equal credentials share a provider, so that a role is
//! assumed once for all of them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use secrecy::SecretString;
use tracing::info;

use super::client_context::ClientContext;
use super::endpoints::api_endpoint;
use super::transport_pool::Transports;
use crate::config::{self, AssumeRole, Credentials};
use crate::tencent::credentials::{
    AssumedRole, ChainSource, Credential, CvmRole, EnvironmentProvider, FixedProvider, Owner,
    Provider, RefreshingProvider, TkeOidc, VerifiedProvider,
};
use crate::tencent::sts::Role;

/// The credential providers of a process.
#[derive(Default)]
pub(super) struct Providers {
    /// Weak references: a provider lives as long as an account uses it, over every reload.
    known: HashMap<Key, Weak<dyn Provider>>,
}

/// What a provider is created from.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    credentials: Credentials,
    sts: config::Endpoint,
    role: Option<AssumeRole>,
    owner: Option<Owner>,
    /// The addresses of the transports. A provider keeps its transports alive, so no other has the
    /// same address.
    transports: Vec<usize>,
}

impl Providers {
    /// Returns the provider of an account.
    pub(super) fn get(
        &mut self,
        account: &config::Account,
        transports: &Transports,
        context: &mut ClientContext,
    ) -> Arc<dyn Provider> {
        let mut key = Key {
            credentials: account.credentials.clone(),
            sts: account.sts_endpoint.clone(),
            role: None,
            owner: None,
            transports: transports.addresses(),
        };
        let mut provider = self.shared(key.clone(), || base(account, transports, context));
        if let Some(role) = &account.assume_role {
            key.role = Some(role.clone());
            let transport = transports.to(&role.endpoint);
            provider = self.shared(key.clone(), || {
                let sts = context.sts(&role.endpoint, transport, provider);
                let role = Role {
                    arn: role.arn.clone(),
                    session_name: role.session_name.clone(),
                    external_id: role.external_id.clone().map(Into::into),
                    duration: role.duration,
                };
                Arc::new(RefreshingProvider::new(
                    AssumedRole::new(role, sts),
                    context.clock.clone(),
                ))
            });
        }
        // The owner is verified even if the ARN of a role names it: STS, or a gateway before it,
        // may deliver the response to another request.
        if let Some(uin) = &account.uin {
            let owner = Owner {
                uin: uin.clone(),
                is_required: account.is_uin_configured,
            };
            key.owner = Some(owner.clone());
            let transport = transports.to(&account.sts_endpoint);
            provider = self.shared(key, || {
                let sts = context.sts(&account.sts_endpoint, transport, Arc::clone(&provider));
                Arc::new(VerifiedProvider::new(provider, owner, sts))
            });
        }
        provider
    }

    /// Drops the providers that no account uses.
    pub(super) fn prune(&mut self) {
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

/// Returns the provider of the credentials themselves, without a role.
fn base(
    account: &config::Account,
    transports: &Transports,
    context: &mut ClientContext,
) -> Arc<dyn Provider> {
    match &account.credentials {
        Credentials::Inline {
            secret_id,
            secret_key,
            token,
        } => {
            let secret_key = SecretString::from(secret_key.clone());
            let token = token.clone().map(Into::into);
            let credential = Credential::new(secret_id.clone(), secret_key, token)
                .expect("the configuration accepts only secrets that fit a header");
            Arc::new(FixedProvider::new(credential))
        }
        Credentials::Env {
            secret_id,
            secret_key,
            token,
        } => Arc::new(EnvironmentProvider::new(
            &context.environment,
            secret_id,
            secret_key,
            token.as_deref(),
        )),
        Credentials::Files { .. } | Credentials::Profile { .. } => file_provider(account, context),
        Credentials::CvmRole { name, endpoint } => {
            cvm_role(name.clone(), endpoint, transports, context, Vec::new())
        }
        Credentials::TkeOidc { endpoint } => tke_oidc(endpoint, transports, context),
        Credentials::Default => default_chain(account, transports, context),
    }
}

/// Returns the provider of keys in files.
fn file_provider(account: &config::Account, context: &mut ClientContext) -> Arc<dyn Provider> {
    let credential_file = context
        .file_providers
        .credential_file(&account.credentials, &context.environment);
    let credential_file = || credential_file.expect("these credentials are in files");
    context
        .file_providers
        .provider(&account.credentials, credential_file, &context.clock)
}

/// Returns the provider of the default credentials, from the first source that has them.
fn default_chain(
    account: &config::Account,
    transports: &Transports,
    context: &mut ClientContext,
) -> Arc<dyn Provider> {
    let (found, not) = context.file_providers.chain(&context.environment);
    let provider: Arc<dyn Provider> = match found {
        ChainSource::Environment => Arc::new(EnvironmentProvider::standard(&context.environment)),
        ChainSource::Profile(_) => file_provider(account, context),
        ChainSource::TkeOidc => tke_oidc(&account.sts_endpoint, transports, context),
        ChainSource::CvmRole => {
            let metadata = config::Endpoint::metadata();
            cvm_role(None, &metadata, transports, context, not.clone())
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
    transports: &Transports,
    context: &ClientContext,
    before: Vec<String>,
) -> Arc<dyn Provider> {
    let role = CvmRole {
        name,
        endpoint: api_endpoint(metadata),
        transport: transports.to(metadata),
        clock: context.clock.clone(),
        before,
    };
    Arc::new(RefreshingProvider::new(role, context.clock.clone()))
}

fn tke_oidc(
    at: &config::Endpoint,
    transports: &Transports,
    context: &mut ClientContext,
) -> Arc<dyn Provider> {
    // The request is not signed, so this provider is not used. STS counts the request for the role.
    let unused = Arc::new(EnvironmentProvider::standard(&context.environment));
    let sts = context.sts(at, transports.to(at), unused);
    let oidc = TkeOidc::new(&context.environment, sts);
    Arc::new(RefreshingProvider::new(oidc, context.clock.clone()))
}
