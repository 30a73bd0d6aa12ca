//! What accounts share: the ways to the cloud, the pacers of identities, the brake of the source
//! address, the cap on calls in flight.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use jiff::tz::Offset;
use tokio::sync::Semaphore;

use super::desired::{Desired, Identity};
use super::not_built::NotBuilt;
use crate::clock::Clock;
use crate::config::{self, Credentials, Http};
use crate::snapshot::AccountInfo;
use crate::tencent::credentials::{Credential, EnvironmentProvider, FixedProvider, Provider};
use crate::tencent::{
    AddressBrake, CallOptions, Client, Endpoint, HttpOptions, HttpTransport, MAX_IN_FLIGHT, Pacer,
    Parts, Transport,
};

/// The variables of the process, as they were when it began.
pub type Environment = BTreeMap<String, String>;

/// Makes a way to the cloud, or says why there is none.
pub type Connect = Box<dyn Fn(Way) -> Result<Arc<dyn Transport>, String> + Send>;

/// The ways to a cloud.
#[derive(Clone, Debug)]
pub enum Way {
    /// Plain HTTP, to this machine only.
    Loopback,
    /// HTTPS.
    Internet(HttpOptions),
}

/// The ways there are.
pub fn connect(way: Way) -> Result<Arc<dyn Transport>, String> {
    Ok(Arc::new(match way {
        Way::Loopback => HttpTransport::loopback()?,
        Way::Internet(options) => HttpTransport::new(&options)?,
    }))
}

/// What clients have in common, made when the first of them needs it.
pub(super) struct Shared {
    environment: Environment,
    clock: Clock,
    connect: Connect,
    in_flight: Arc<Semaphore>,
    /// Held weakly: a pacer lives as long as somebody polls with it, over every reload.
    pacers: HashMap<Identity, Weak<Pacer>>,
    address: AddressBrake,
    loopback: Option<Arc<dyn Transport>>,
    https: Option<Https>,
}

/// The way over HTTPS, and what it was made from.
#[derive(Clone)]
pub(super) struct Https {
    settings: Http,
    /// The content of `ca_file`: other authorities in the same file are another way.
    authorities: Option<Vec<u8>>,
    transport: Arc<dyn Transport>,
}

impl Shared {
    pub(super) fn new(environment: Environment, clock: Clock, connect: Connect) -> Self {
        Self {
            environment,
            clock,
            connect,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            pacers: HashMap::new(),
            address: AddressBrake::default(),
            loopback: None,
            https: None,
        }
    }

    /// The way to an account's endpoint. The one over HTTPS is that of before as long as its settings
    /// are; `https` holds it for all accounts of one configuration.
    pub(super) fn transport(
        &mut self,
        account: &config::Account,
        settings: &Http,
        https: &mut Option<Https>,
    ) -> Result<Arc<dyn Transport>, String> {
        if account.endpoint.scheme() == "http" {
            if self.loopback.is_none() {
                self.loopback = Some((self.connect)(Way::Loopback)?);
            }
            let loopback = self.loopback.as_ref().expect("it was just made");
            return Ok(Arc::clone(loopback));
        }
        if https.is_none() {
            *https = Some(self.https(settings)?);
        }
        let https = https.as_ref().expect("it was just made");
        Ok(Arc::clone(&https.transport))
    }

    /// Takes up what a plan was made with, and forgets what nobody uses any more.
    pub(super) fn take_up(&mut self, https: Option<Https>) {
        self.https = https;
        self.pacers.retain(|_, pacer| pacer.strong_count() > 0);
    }

    /// An account, ready to run.
    pub(super) fn desired(
        &mut self,
        config: config::Account,
        transport: Arc<dyn Transport>,
    ) -> Desired {
        let endpoint = Endpoint {
            url: config.endpoint.to_string(),
            host: config.endpoint.authority().to_owned(),
        };
        let provider = self.provider(&config.credentials);
        // Without a key nothing is sent, and the account's name will do.
        let identity = provider.identity().unwrap_or_else(|| config.name.clone());
        let identity = (endpoint.clone(), identity);
        let pacer = self.pacer(&identity, config.requests_per_second);
        let parts = Parts {
            transport: Arc::clone(&transport),
            pacer: Arc::clone(&pacer),
            endpoint,
            provider,
            in_flight: Arc::clone(&self.in_flight),
            clock: self.clock.clone(),
        };
        let options = CallOptions {
            timeout: config.poll.timeout,
            attempts: config.poll.attempts,
            page_size: config.poll.page_size,
            create_time_offset: Offset::from_seconds(config.poll.create_time_offset)
                .expect("the configuration lets only offsets of this world through"),
        };
        let client = Arc::new(Client::new(parts, options));
        Desired {
            info: Arc::new(info(&config, client.provider_name())),
            config,
            client,
            transport,
            identity,
            pacer,
        }
    }

    fn https(&self, settings: &Http) -> Result<Https, String> {
        // Where it cannot be read, whoever needs it says so.
        let authorities = settings.ca_file.as_ref().map(std::fs::read);
        let authorities = authorities.and_then(Result::ok);
        if let Some(before) = &self.https
            && before.settings == *settings
            && before.authorities == authorities
        {
            return Ok(before.clone());
        }
        let options = HttpOptions {
            ca_file: settings.ca_file.clone(),
            proxy: settings.proxy.clone().map(Into::into),
        };
        Ok(Https {
            settings: settings.clone(),
            authorities,
            transport: (self.connect)(Way::Internet(options))?,
        })
    }

    fn provider(&self, credentials: &Credentials) -> Arc<dyn Provider> {
        match credentials {
            Credentials::Inline {
                secret_id,
                secret_key,
                token,
            } => {
                let secret_key = secret_key.clone().into();
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
                &self.environment,
                secret_id,
                secret_key,
                token.as_deref(),
            )),
            Credentials::Default => Arc::new(EnvironmentProvider::new(
                &self.environment,
                "TENCENTCLOUD_SECRET_ID",
                "TENCENTCLOUD_SECRET_KEY",
                Some("TENCENTCLOUD_TOKEN"),
            )),
            other => Arc::new(NotBuilt(other.kind())),
        }
    }

    /// The pacer of an identity; the rate is for a new one.
    fn pacer(&mut self, identity: &Identity, per_second: u32) -> Arc<Pacer> {
        if let Some(pacer) = self.pacers.get(identity).and_then(Weak::upgrade) {
            return pacer;
        }
        let pacer = Arc::new(Pacer::sharing(per_second, self.address.clone()));
        self.pacers.insert(identity.clone(), Arc::downgrade(&pacer));
        pacer
    }
}

fn info(account: &config::Account, provider: &'static str) -> AccountInfo {
    AccountInfo {
        name: account.name.clone(),
        labels: account.labels.clone(),
        uin: String::new(),
        site: account.site.as_str(),
        organization: String::new(),
        provider,
        track_required: account.track_required,
        expected_tracks: account.expected_tracks.clone(),
        trusted_storage_accounts: account.trusted_storage_accounts.clone(),
    }
}
