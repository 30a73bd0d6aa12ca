//! From the accounts of a configuration to accounts that poll.
//!
//! Owns what accounts share: the transports, the pacers of identities, the brake of the source address,
//! the cap on calls in flight.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::Offset;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;

use crate::clock::{Clock, Moment};
use crate::config::{self, Config, Credentials};
use crate::hash::stable_hash;
use crate::history::Retention;
use crate::poll::{self, Schedule};
use crate::snapshot::{AccountInfo, Report};
use crate::tencent::credentials::{Credential, EnvironmentProvider, FixedProvider, Provider};
use crate::tencent::{
    AddressBrake, CallOptions, Client, Endpoint, HttpOptions, HttpTransport, MAX_IN_FLIGHT,
    Observer, Pacer, Parts, Transport,
};

/// First polls start so far apart, fifty a second, so that a large fleet does not begin with a burst.
const FIRST_POLL_SPACING: Duration = Duration::from_millis(20);

/// All accounts of a process, not yet polling.
pub struct Fleet<P> {
    /// In the order of their first polls: by a stable hash, so that a restart finds everybody in the
    /// same place.
    accounts: Vec<poll::Account<P>>,
}

impl<P: FnMut(Report, Moment) + Send + 'static> Fleet<P> {
    /// Makes an account ready for each one in the configuration. `publisher` gives each a way to
    /// publish its reports; `process` is told of every call.
    ///
    /// # Errors
    ///
    /// Where a transport cannot be made; the message says what to do about it.
    pub fn new(
        config: &Config,
        environment: &Environment,
        clock: &Clock,
        process: &Arc<dyn Observer>,
        publisher: impl Fn(&Arc<AccountInfo>) -> P,
    ) -> Result<Self, String> {
        let mut shared = Shared::new(config, environment, clock);
        let mut configured: Vec<&config::Account> = config.accounts.iter().collect();
        configured.sort_by_key(|account| stable_hash(&account.name));
        let accounts = configured.into_iter().map(|account| {
            let client = shared.client(account)?;
            let info = Arc::new(info(account, client.provider_name()));
            let publish = publisher(&info);
            let schedule = Schedule {
                interval: account.interval,
                retention: Retention {
                    stale_after: account.poll.stale_after,
                    tombstone_for: account.poll.tombstone_for,
                    max_tracks: account.poll.max_tracks,
                },
            };
            let process = Arc::clone(process);
            Ok(poll::Account::new(
                info,
                &account.regions,
                schedule,
                client,
                process,
                publish,
            ))
        });
        Ok(Self {
            accounts: accounts.collect::<Result<_, String>>()?,
        })
    }

    /// Starts every account's loop; dropping the set ends them.
    pub fn start(self) -> JoinSet<()> {
        let mut loops = JoinSet::new();
        let mut first = Instant::now();
        for account in self.accounts {
            loops.spawn(account.run(first));
            first += FIRST_POLL_SPACING;
        }
        loops
    }

    /// Polls every target once, and tells whether every poll brought a listing.
    pub async fn poll_once(self) -> bool {
        let mut polls = JoinSet::new();
        for account in self.accounts {
            polls.spawn(account.poll_once());
        }
        let mut all_good = true;
        while let Some(good) = polls.join_next().await {
            // A poll that panicked has said so on the way, and brought no listing.
            all_good &= good.unwrap_or(false);
        }
        all_good
    }
}

/// The variables of the process, as they were when it began.
pub type Environment = BTreeMap<String, String>;

/// What clients have in common, made when the first of them needs it.
struct Shared<'a> {
    config: &'a Config,
    environment: &'a Environment,
    clock: &'a Clock,
    in_flight: Arc<Semaphore>,
    pacers: HashMap<(Endpoint, String), Arc<Pacer>>,
    address: AddressBrake,
    https: Option<Arc<dyn Transport>>,
    loopback: Option<Arc<dyn Transport>>,
}

impl<'a> Shared<'a> {
    fn new(config: &'a Config, environment: &'a Environment, clock: &'a Clock) -> Self {
        Self {
            config,
            environment,
            clock,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            pacers: HashMap::new(),
            address: AddressBrake::default(),
            https: None,
            loopback: None,
        }
    }

    fn client(&mut self, account: &config::Account) -> Result<Client, String> {
        let endpoint = Endpoint {
            url: account.endpoint.to_string(),
            host: account.endpoint.authority().to_owned(),
        };
        let provider = self.provider(&account.credentials);
        // Without a key nothing is sent, and the account's name will do.
        let identity = provider.identity().unwrap_or_else(|| account.name.clone());
        let parts = Parts {
            transport: self.transport(account.endpoint.scheme() == "http")?,
            pacer: self.pacer(&endpoint, identity, account),
            endpoint,
            provider,
            in_flight: Arc::clone(&self.in_flight),
            clock: self.clock.clone(),
        };
        let poll = &account.poll;
        let options = CallOptions {
            timeout: poll.timeout,
            attempts: poll.attempts,
            page_size: poll.page_size,
            create_time_offset: Offset::from_seconds(poll.create_time_offset)
                .expect("the configuration lets only offsets of this world through"),
        };
        Ok(Client::new(parts, options))
    }

    fn provider(&self, credentials: &Credentials) -> Arc<dyn Provider> {
        match credentials {
            Credentials::Inline {
                secret_id,
                secret_key,
                token,
            } => {
                let credential =
                    Credential::new(secret_id.clone(), secret_key.clone(), token.clone())
                        .expect("the configuration takes only secrets that can be sent");
                Arc::new(FixedProvider::new(credential))
            }
            Credentials::Env {
                secret_id,
                secret_key,
                token,
            } => Arc::new(EnvironmentProvider::new(
                self.environment,
                secret_id,
                secret_key,
                token.as_deref(),
            )),
            Credentials::Default => Arc::new(EnvironmentProvider::new(
                self.environment,
                "TENCENTCLOUD_SECRET_ID",
                "TENCENTCLOUD_SECRET_KEY",
                Some("TENCENTCLOUD_TOKEN"),
            )),
        }
    }

    /// The pacer of an identity at an endpoint. Where two accounts give it two rates, the lower one
    /// holds: the limit is the identity's, and the careful one of the two may know why.
    fn pacer(
        &mut self,
        endpoint: &Endpoint,
        identity: String,
        account: &config::Account,
    ) -> Arc<Pacer> {
        let rate = account.requests_per_second;
        let pacer = self
            .pacers
            .entry((endpoint.clone(), identity))
            .or_insert_with(|| Arc::new(Pacer::sharing(rate, self.address.clone())));
        if pacer.lower_to(rate) {
            warn!(
                account = account.name,
                requests_per_second = pacer.per_second(),
                "another account with the same key has another rate limit; the lower one holds"
            );
        }
        Arc::clone(pacer)
    }

    fn transport(&mut self, plain: bool) -> Result<Arc<dyn Transport>, String> {
        let slot = if plain {
            &mut self.loopback
        } else {
            &mut self.https
        };
        if let Some(transport) = slot {
            return Ok(Arc::clone(transport));
        }
        let transport: Arc<dyn Transport> = Arc::new(if plain {
            HttpTransport::loopback()?
        } else {
            let http = &self.config.http;
            HttpTransport::new(&HttpOptions {
                ca_file: http.ca_file.clone(),
                proxy: http.proxy.clone(),
            })?
        });
        *slot = Some(Arc::clone(&transport));
        Ok(transport)
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
