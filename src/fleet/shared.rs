//! What accounts share: the ways to the cloud, the pacers of identities, the limits of endpoints,
//! the providers of keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::desired::Desired;
use super::file_keys::{FileKeys, FileProvider};
use super::identity::{Identity, Pacers};
use super::providers::{Providers, sts};
use super::ways::{Connect, Https, Roads, Ways};
use crate::clock::Clock;
use crate::config::{self, Http};
use crate::organization::Discovery;
use crate::shard::Shard;
use crate::snapshot::{AccountInfo, OrganizationCoverage};
use crate::tencent::credentials::{Pinned, Provider};
use crate::tencent::organization::{Directory, ORGANIZATION_NAME, ORGANIZATION_PER_SECOND};
use crate::tencent::sts::Sts;
use crate::tencent::{CLOUDAUDIT, CallOptions, Client, ClientParts, Endpoint, Observer};
use jiff::tz::Offset;
use tokio::sync::watch;

/// The variables of the process, as they were when it began.
pub type Environment = BTreeMap<String, String>;

/// What clients and providers have in common.
pub(super) struct Common {
    pub(super) environment: Environment,
    pub(super) clock: Clock,
    pub(super) pacers: Pacers,
    pub(super) file_keys: FileKeys,
    /// Divides the rates of what every shard asks for with the same key.
    pub(super) shard: Shard,
    /// Whether what is known of accounts outlives the process.
    pub(super) keeps_state: bool,
    /// Told of the calls that belong to no account.
    pub(super) process: Arc<dyn Observer>,
}

/// All of it, made when the first account needs it.
pub(super) struct Shared {
    common: Common,
    roads: Roads,
    providers: Providers,
}

impl Shared {
    pub(super) fn new(
        environment: Environment,
        clock: Clock,
        connect: Connect,
        process: Arc<dyn Observer>,
    ) -> Self {
        Self {
            common: Common {
                environment,
                clock,
                pacers: Pacers::default(),
                file_keys: FileKeys::default(),
                shard: Shard::ALONE,
                keeps_state: false,
                process,
            },
            roads: Roads::new(connect),
            providers: Providers::default(),
        }
    }

    /// Makes what is made from now on that of this configuration's shard and state file.
    pub(super) fn belongs_to(&mut self, config: &config::Config) {
        self.common.shard = config.shard;
        self.common.keeps_state = config.state_file.is_some();
    }

    /// Reads the files that ways and providers of a configuration begin with, off the runtime and
    /// within a time limit. What is not read here is read when it is used. Keep what is returned until the
    /// accounts are made.
    pub(super) async fn open_files(&mut self, config: &config::Config) -> Vec<Arc<FileProvider>> {
        let admins: Vec<config::Account> = config
            .organizations
            .iter()
            .map(config::Organization::admin)
            .collect();
        let accounts = config.own_accounts().chain(&admins);
        self.roads.read_authorities(&config.http).await;
        let Common {
            file_keys,
            environment,
            clock,
            ..
        } = &mut self.common;
        file_keys.open(accounts, environment, clock).await
    }

    /// The ways to all of these; `https` holds the one over HTTPS for all accounts of one
    /// configuration.
    pub(super) fn ways(
        &mut self,
        endpoints: &[config::Endpoint],
        settings: &Http,
        https: &mut Option<Https>,
    ) -> Result<Ways, String> {
        self.roads.to(endpoints, settings, https)
    }

    /// Takes up what a plan was made with, and forgets what nobody uses any more.
    pub(super) fn take_up(&mut self, https: Option<Https>) {
        self.roads.take_up(https);
        self.common.pacers.forget();
        self.common.file_keys.forget();
        self.providers.forget();
    }

    /// An account, ready to run.
    pub(super) fn desired(
        &mut self,
        config: config::Account,
        ways: Ways,
        coverage: watch::Receiver<Option<OrganizationCoverage>>,
    ) -> Desired {
        let provider = self.provider(&config, &ways);
        let pinned = self.pinned(&config, &ways, &provider);
        let provider = match &pinned {
            Some(pinned) => Arc::clone(pinned) as Arc<dyn Provider>,
            None => provider,
        };
        let rate = config.requests_per_second;
        let (client, identity) = self.client_with(provider, &config, &ways, rate);
        let pacer = Arc::clone(client.pacer());
        Desired {
            info: Arc::new(info(&config, client.provider_name())),
            coverage,
            config,
            client: Arc::new(client),
            ways,
            identity,
            pacer,
            pinned,
            starts_over: false,
        }
    }

    /// What ties the keys of an account without `uin` to one Tencent Cloud account; `None` if they
    /// are temporary keys of a role.
    fn pinned(
        &mut self,
        config: &config::Account,
        ways: &Ways,
        provider: &Arc<dyn Provider>,
    ) -> Option<Arc<Pinned>> {
        let asks_first = match provider.name() {
            _ if config.uin.is_some() || config.assume_role.is_some() => return None,
            "files" | "profile" => true,
            // Their key can change over a restart, which forgets the rest.
            "env" | "inline" => self.common.keeps_state,
            _ => return None,
        };
        let sts = self.sts(&config.sts_endpoint, ways, provider);
        let (provider, name) = (Arc::clone(provider), config.name.clone());
        Some(Arc::new(Pinned::new(provider, name, sts, asks_first)))
    }

    /// An organisation, ready to be asked with the keys of its admin account.
    pub(super) fn discovery(
        &mut self,
        organization: &config::Organization,
        ways: &Ways,
        coverage: watch::Sender<Option<OrganizationCoverage>>,
    ) -> Discovery {
        let shard = self.common.shard;
        let admin = organization.admin();
        let provider = self.providers.of(&admin, ways, &mut self.common);
        let common = &mut self.common;
        let at = endpoint(&organization.endpoint);
        let who = provider.identity();
        let identity = Identity {
            endpoint: at.clone(),
            service: ORGANIZATION_NAME,
            who: who.unwrap_or_else(|| organization.name.clone()),
        };
        let parts = ClientParts {
            in_flight: common.pacers.in_flight(&at),
            endpoint: at,
            transport: ways.to(&organization.endpoint),
            pacer: common
                .pacers
                .of(&identity, shard.share(ORGANIZATION_PER_SECOND)),
            provider,
            clock: common.clock.clone(),
        };
        let process = Arc::clone(&common.process);
        let directory = Directory::new(parts, Arc::clone(&process));
        let region = admin.regions.first().cloned();
        let region = region.filter(|_| admin.details_interval.is_some());
        Discovery {
            name: organization.name.clone(),
            refresh: organization.refresh,
            // Each shard has its turn: at first while nobody may poll yet, and from the second time
            // on all the while.
            first_after: shard.stagger(shard.startup_delay()),
            second_after: shard.stagger(organization.refresh),
            directory,
            admin: region.map(|region| {
                let rate = shard.share(admin.requests_per_second);
                (self.client(&admin, ways, rate).0, region)
            }),
            coverage,
            process,
        }
    }

    /// The provider of an account's keys.
    pub(super) fn provider(&mut self, config: &config::Account, ways: &Ways) -> Arc<dyn Provider> {
        self.providers.of(config, ways, &mut self.common)
    }

    /// STS, called with these keys.
    pub(super) fn sts(
        &mut self,
        at: &config::Endpoint,
        ways: &Ways,
        provider: &Arc<dyn Provider>,
    ) -> Arc<Sts> {
        sts(at, ways.to(at), Arc::clone(provider), &mut self.common)
    }

    /// CloudAudit, for one account, and whose calls its pacer counts. The rate, in calls a second,
    /// is for a pacer that is not there yet.
    pub(super) fn client(
        &mut self,
        config: &config::Account,
        ways: &Ways,
        rate: impl Into<f64>,
    ) -> (Client, Identity) {
        let provider = self.provider(config, ways);
        self.client_with(provider, config, ways, rate)
    }

    fn client_with(
        &mut self,
        provider: Arc<dyn Provider>,
        config: &config::Account,
        ways: &Ways,
        rate: impl Into<f64>,
    ) -> (Client, Identity) {
        let endpoint = endpoint(&config.endpoint);
        let identity = Identity {
            endpoint: endpoint.clone(),
            service: CLOUDAUDIT.name,
            // Without a key nothing is sent, and the account's name will do.
            who: provider.identity().unwrap_or_else(|| config.name.clone()),
        };
        let common = &mut self.common;
        let pacer = common.pacers.of(&identity, rate);
        let parts = ClientParts {
            transport: ways.to(&config.endpoint),
            pacer,
            in_flight: common.pacers.in_flight(&endpoint),
            endpoint,
            provider,
            clock: common.clock.clone(),
        };
        let options = CallOptions {
            timeout: config.poll.timeout,
            attempts: config.poll.attempts,
            page_size: config.poll.page_size,
            create_time_offset: Offset::from_seconds(config.poll.create_time_offset)
                .expect("the configuration lets only offsets of this world through"),
            max_tracks: config.poll.max_tracks,
            accept_short_listings: config.poll.accept_short_listings,
        };
        (Client::new(parts, options), identity)
    }
}

/// An endpoint of the configuration, as calls name it.
pub(super) fn endpoint(configured: &config::Endpoint) -> Endpoint {
    Endpoint {
        url: configured.to_string(),
        host: configured.authority().to_owned(),
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
