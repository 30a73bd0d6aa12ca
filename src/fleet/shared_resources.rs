//! The resources that accounts share: transports, pacers, limits of endpoints, and credential
//! providers.

use std::sync::Arc;

use super::client_context::ClientContext;
use super::endpoints::api_endpoint;
use super::environment::Environment;
use super::file_providers::{FileProvider, FileProviders};
use super::pacers::{Identity, Pacers};
use super::prepared_account::{PreparedAccount, StorageAccess};
use super::providers::Providers;
use super::transport_pool::{HttpsTransport, TransportFactory, TransportPool, Transports};
use crate::clock::{Clock, Moment};
use crate::config::{self, Http};
use crate::organization::Discovery;
use crate::shard::Shard;
use crate::snapshot::{AccountInfo, DESCRIBE_EVENTS, OrganizationCoverage};
use crate::tencent::credentials::{PinnedProvider, Provider};
use crate::tencent::organization::{Directory, ORGANIZATION_NAME, ORGANIZATION_PER_SECOND};
use crate::tencent::storage::{StorageClients, StorageParts};
use crate::tencent::sts::Sts;
use crate::tencent::{CLOUDAUDIT, CallLimits, CallOptions, Client, Observer};
use jiff::tz::Offset;
use tokio::sync::watch;

/// The resources that accounts share. They are created when an account first needs them.
pub(crate) struct SharedResources {
    context: ClientContext,
    transport_pool: TransportPool,
    providers: Providers,
}

impl SharedResources {
    pub(crate) fn new(
        environment: Environment,
        clock: Clock,
        factory: TransportFactory,
        process: Arc<dyn Observer>,
    ) -> Self {
        Self {
            context: ClientContext {
                environment,
                clock,
                pacers: Pacers::default(),
                file_providers: FileProviders::default(),
                shard: Shard::ALONE,
                keeps_state: false,
                process,
            },
            transport_pool: TransportPool::new(factory),
            providers: Providers::default(),
        }
    }

    /// Sets the shard and the use of a state file for what is created later.
    pub(crate) fn configure(&mut self, config: &config::Config) {
        self.context.shard = config.shard;
        self.context.keeps_state = config.state_file.is_some();
    }

    /// Reads the certificate authorities and key files of a configuration, off the runtime and
    /// within a time limit. The rest is read when it is used. Keep the result until the accounts
    /// are created.
    pub(crate) async fn open_files(&mut self, config: &config::Config) -> Vec<Arc<FileProvider>> {
        let admins: Vec<config::Account> = config
            .organizations
            .iter()
            .map(config::Organization::admin)
            .collect();
        let accounts = config.own_accounts().chain(&admins);
        self.transport_pool.read_authorities(&config.http).await;
        let ClientContext {
            file_providers,
            environment,
            clock,
            ..
        } = &mut self.context;
        file_providers.open(accounts, environment, clock).await
    }

    /// Returns the transports to these endpoints. `https` holds the HTTPS transport that all
    /// accounts of a configuration share.
    pub(crate) fn transports(
        &mut self,
        endpoints: &[config::Endpoint],
        settings: &Http,
        https: &mut Option<HttpsTransport>,
    ) -> Result<Transports, String> {
        self.transport_pool.to(endpoints, settings, https)
    }

    /// Keeps the HTTPS transport of a plan, and drops what no account uses.
    pub(super) fn commit(&mut self, https: Option<HttpsTransport>) {
        self.transport_pool.commit(https);
        self.context.pacers.prune();
        self.context.file_providers.prune();
        self.providers.prune();
    }

    /// Returns the current time.
    pub(super) fn now(&self) -> Moment {
        self.context.clock.now()
    }

    /// Prepares an account.
    pub(super) fn prepare_account(
        &mut self,
        config: Arc<config::Account>,
        transports: Transports,
        coverage: watch::Receiver<Option<OrganizationCoverage>>,
    ) -> PreparedAccount {
        let provider = self.provider(&config, &transports);
        let pinned = self.pinned(&config, &transports, &provider);
        let provider = match &pinned {
            Some(pinned) => Arc::clone(pinned) as Arc<dyn Provider>,
            None => provider,
        };
        let rate = config.requests_per_second;
        let storage = self.storage(&provider, &config, &transports);
        let (client, identity) = self.client_with(provider, &config, &transports, rate);
        let pacers = [client.pacer(), client.events_pacer()].map(Arc::clone);
        PreparedAccount {
            info: Arc::new(info(&config, client.provider_name())),
            coverage,
            config,
            client: Arc::new(client),
            transports,
            identity,
            pacers,
            pinned,
            storage,
            resets_history: false,
        }
    }

    /// Returns the clients of the services that store records, with the keys of an account. `None` if
    /// storage targets are not checked.
    pub(crate) fn storage_clients(
        &mut self,
        config: &config::Account,
        transports: &Transports,
    ) -> Option<Arc<StorageClients>> {
        let provider = self.provider(config, transports);
        let storage = self.storage(&provider, config, transports);
        storage.map(|storage| storage.clients)
    }

    /// Returns the clients of the services that store records. `None` if storage targets are not
    /// checked.
    fn storage(
        &mut self,
        provider: &Arc<dyn Provider>,
        config: &config::Account,
        transports: &Transports,
    ) -> Option<StorageAccess> {
        let delivery = config.delivery.as_ref()?;
        let mut parts = |service, endpoint: &config::Endpoint| {
            let identity = Identity {
                endpoint: api_endpoint(endpoint),
                service,
                principal: provider.identity().unwrap_or_else(|| config.name.clone()),
            };
            let (rate, transport) = (config.requests_per_second, transports.to(endpoint));
            (self.context).client_parts(&identity, rate, transport, Arc::clone(provider))
        };
        let parts = StorageParts {
            cos: parts("cos", &delivery.cos_host()),
            cos_address: delivery.cos_endpoint.as_ref().map(api_endpoint),
            cls: parts("cls", &delivery.cls_endpoint),
            ckafka: parts("ckafka", &delivery.ckafka_endpoint),
            cam: parts("cam", &delivery.cam_endpoint),
        };
        let clients = [&parts.cos, &parts.cls, &parts.ckafka, &parts.cam];
        let pacers = clients.map(|parts| Arc::clone(&parts.pacer)).to_vec();
        let limits = CallLimits {
            timeout: config.poll.timeout,
            attempts: config.poll.attempts,
        };
        Some(StorageAccess {
            clients: Arc::new(StorageClients::new(parts, limits)),
            pacers,
        })
    }

    /// Returns the provider that ties the keys of an account without `uin` to one Tencent Cloud
    /// account. `None` if another provider verifies the keys, or if they never change.
    fn pinned(
        &mut self,
        config: &config::Account,
        transports: &Transports,
        provider: &Arc<dyn Provider>,
    ) -> Option<Arc<PinnedProvider>> {
        let verifies_first_key = match provider.name() {
            _ if config.uin.is_some() || config.assume_role.is_some() => return None,
            "files" | "profile" | "cvm_role" | "tke_oidc" => true,
            // These keys change only at a restart, so the check needs the state file.
            // A check of storage must know whether the storage belongs to the account.
            "env" | "inline" => self.context.keeps_state || config.delivery.is_some(),
            _ => return None,
        };
        let sts = self.sts(&config.sts_endpoint, transports, provider);
        let (provider, name) = (Arc::clone(provider), config.name.clone());
        Some(Arc::new(PinnedProvider::new(
            provider,
            name,
            sts,
            verifies_first_key,
        )))
    }

    /// Prepares the discovery of an organization, with the keys of its admin account.
    pub(crate) fn discovery(
        &mut self,
        organization: &config::Organization,
        transports: &Transports,
        coverage: watch::Sender<Option<OrganizationCoverage>>,
    ) -> Discovery {
        let shard = self.context.shard;
        let admin = organization.admin();
        let provider = self.providers.get(&admin, transports, &mut self.context);
        let identity = Identity {
            endpoint: api_endpoint(&organization.endpoint),
            service: ORGANIZATION_NAME,
            principal: (provider.identity()).unwrap_or_else(|| organization.name.clone()),
        };
        let rate = shard.share(ORGANIZATION_PER_SECOND);
        let transport = transports.to(&organization.endpoint);
        let context = &mut self.context;
        let parts = context.client_parts(&identity, rate, transport, provider);
        let process = Arc::clone(&context.process);
        let directory = Directory::new(parts, Arc::clone(&process));
        let region = admin.regions.first().cloned();
        let region = region.filter(|_| admin.details_interval.is_some());
        Discovery {
            name: organization.name.clone(),
            refresh: organization.refresh,
            // The shards take turns: the first refreshes during the startup delay, later ones over
            // the whole interval.
            first_after: shard.stagger(shard.startup_delay()),
            second_after: shard.stagger(organization.refresh),
            directory,
            admin: region.map(|region| {
                let rate = shard.share(admin.requests_per_second);
                (self.client(&admin, transports, rate).0, region)
            }),
            coverage,
            process,
        }
    }

    /// Returns the credential provider of an account.
    pub(crate) fn provider(
        &mut self,
        config: &config::Account,
        transports: &Transports,
    ) -> Arc<dyn Provider> {
        self.providers.get(config, transports, &mut self.context)
    }

    /// Returns a client of STS that signs with the keys of `provider`.
    pub(crate) fn sts(
        &mut self,
        at: &config::Endpoint,
        transports: &Transports,
        provider: &Arc<dyn Provider>,
    ) -> Arc<Sts> {
        let transport = transports.to(at);
        self.context.sts(at, transport, Arc::clone(provider))
    }

    /// Returns the CloudAudit client of an account, and the identity that its pacer belongs to. The
    /// rate, in requests per second, is used if the identity has no pacer yet.
    pub(crate) fn client(
        &mut self,
        config: &config::Account,
        transports: &Transports,
        rate: impl Into<f64>,
    ) -> (Client, Identity) {
        let provider = self.provider(config, transports);
        self.client_with(provider, config, transports, rate)
    }

    fn client_with(
        &mut self,
        provider: Arc<dyn Provider>,
        config: &config::Account,
        transports: &Transports,
        rate: impl Into<f64>,
    ) -> (Client, Identity) {
        let identity = Identity {
            endpoint: api_endpoint(&config.endpoint),
            service: CLOUDAUDIT.name,
            // Without a key no request is sent, so any unique name will do.
            principal: provider.identity().unwrap_or_else(|| config.name.clone()),
        };
        let of_events = Identity {
            service: DESCRIBE_EVENTS,
            ..identity.clone()
        };
        let (rate, transport): (f64, _) = (rate.into(), transports.to(&config.endpoint));
        let events_pacer = self.context.pacers.get(&of_events, rate);
        let parts = (self.context).client_parts(&identity, rate, transport, provider);
        let options = CallOptions {
            timeout: config.poll.timeout,
            attempts: config.poll.attempts,
            page_size: config.poll.page_size,
            create_time_offset: Offset::from_seconds(config.poll.create_time_offset)
                .expect("the configuration accepts only valid offsets"),
            max_tracks: config.poll.max_tracks,
            accept_short_listings: config.poll.accept_short_listings,
        };
        let client = Client::with_events_pacer(parts, events_pacer, options);
        (client, identity)
    }
}

fn info(account: &config::Account, provider: &'static str) -> AccountInfo {
    AccountInfo {
        name: account.name.clone(),
        labels: account.labels.clone(),
        uin: account.uin.clone().unwrap_or_default(),
        site: account.site.as_str(),
        organization: account.organization.clone().unwrap_or_default(),
        member: account.member.clone(),
        provider,
        track_required: account.track_required,
        expected_tracks: account.expected_tracks.clone(),
        trusted_storage_accounts: account.trusted_storage_accounts.clone(),
    }
}
