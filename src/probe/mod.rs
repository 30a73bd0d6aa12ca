//! Tries each kind of request that a configuration needs, for `check --online`: who calls the API,
//! and what fails.

pub use self::findings::{
    AccountFindings, ExpectedFinding, Findings, OrganizationFindings, ProbeError, ProbeStep,
    RegionFindings, StorageFinding, StorageResult, TrackProblem,
};
pub use self::storage::MAX_TARGETS;

// One account.
mod account;
mod storage;
mod unobserved;

// The results.
mod expected;
mod findings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use self::account::{AccountProbe, probe_endpoints};
use self::unobserved::Unobserved;
use crate::clock::Clock;
use crate::config::{Account, Config, Organization};
use crate::escape::escaped;
use crate::fleet::{
    Environment, HttpsTransport, SharedResources, TransportFactory, organization_endpoints,
};
use crate::organization::{Discovery, accounts, duplicate_warnings};
use crate::snapshot::Member;
use crate::tencent::reasons::timeout_failure;

/// The timeout of a whole probe.
pub const PROBE_TIMEOUT: Duration = Duration::from_mins(5);

/// How many members of an organization are probed. All members have a role of the same name, so a
/// fault of one is probably a fault of all.
pub const MAX_MEMBERS: usize = 3;

/// How many accounts are probed at the same time.
const MAX_CONCURRENT: usize = 64;

/// Probes all organizations of a configuration, and the accounts of this shard. `factory` makes the
/// transports.
///
/// # Errors
///
/// Why the probe could not start.
pub async fn probe(
    config: &Config,
    environment: &Environment,
    clock: &Clock,
    factory: TransportFactory,
) -> Result<Findings, String> {
    let mut probe = Probe {
        shared: SharedResources::new(
            environment.clone(),
            clock.clone(),
            factory,
            Arc::new(Unobserved),
        ),
        config,
        https: None,
        deadline: Instant::now() + PROBE_TIMEOUT,
    };
    probe.shared.configure(config);
    let _opened = probe.shared.open_files(config).await;
    let mut accounts: Vec<&Account> = config.own_accounts().collect();
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    let accounts = probe.accounts(accounts).await?;
    let mut warnings = same_accounts(&accounts, &config.warnings);
    let uins = known_uins(config, &accounts);
    let mut organizations = Vec::new();
    let mut configured: Vec<&Organization> = config.organizations.iter().collect();
    configured.sort_by(|one, other| one.name.cmp(&other.name));
    for organization in configured {
        let (found, members) = probe.organization(organization).await?;
        organizations.push(found);
        warnings.extend(duplicate_warnings(&uins, &members));
    }
    Ok(Findings {
        accounts,
        organizations,
        warnings,
    })
}

struct Probe<'c> {
    shared: SharedResources,
    config: &'c Config,
    https: Option<HttpsTransport>,
    deadline: Instant,
}

impl Probe<'_> {
    /// Probes these accounts concurrently. Returns the findings in the same order.
    async fn accounts(&mut self, accounts: Vec<&Account>) -> Result<Vec<AccountFindings>, String> {
        let mut all = Vec::with_capacity(accounts.len());
        for account in accounts {
            let http = &self.config.http;
            let transports =
                self.shared
                    .transports(&probe_endpoints(account), http, &mut self.https)?;
            let shared = &mut self.shared;
            all.push(AccountProbe::new(shared, account, &transports));
        }
        let deadline = self.deadline;
        let found = all.into_iter().map(|probe| async move {
            let found = timeout_at(deadline, probe.run()).await;
            found.unwrap_or_else(|_| AccountFindings {
                error: Some(timed_out(ProbeStep::Key)),
                ..probe.no_findings()
            })
        });
        Ok(stream::iter(found).buffered(MAX_CONCURRENT).collect().await)
    }

    async fn organization(
        &mut self,
        organization: &Organization,
    ) -> Result<(OrganizationFindings, Vec<Account>), String> {
        let mut endpoints = [
            organization_endpoints(organization),
            probe_endpoints(&organization.admin()),
        ]
        .concat();
        endpoints.dedup();
        let http = &self.config.http;
        let transports = self.shared.transports(&endpoints, http, &mut self.https)?;
        let shared = &mut self.shared;
        let discovery = shared.discovery(organization, &transports, watch::Sender::default());
        let mut admin = organization.admin();
        // Its tracks only show whether they cover all members, which takes one region.
        let regions = usize::from(admin.details_interval.is_some());
        admin.regions.truncate(regions);
        // They are the members'.
        admin.expected_tracks.clear();
        admin.attribution = None;
        admin.delivery = None;
        let mut admin = self.accounts(vec![&admin]).await?;
        let admin = admin.remove(0);
        let mut found = OrganizationFindings {
            organization: organization.name.clone(),
            admin,
            members: None,
            probed_members: Vec::new(),
        };
        if found.admin.error.is_some() {
            return Ok((found, Vec::new()));
        }
        let members = match members(organization, &discovery, self.deadline).await {
            Ok(members) => members,
            Err(error) => {
                found.members = Some(Err(error));
                return Ok((found, Vec::new()));
            }
        };
        let (mut polled, _) = accounts(organization, &members, &BTreeSet::new());
        let own = self.config.shard;
        polled.retain(|account| own.owns(&account.shard_key()));
        found.members = Some(Ok([members.len(), polled.len()]));
        let first = polled.iter().take(MAX_MEMBERS).collect();
        found.probed_members = self.accounts(first).await?;
        Ok((found, polled))
    }
}

async fn members(
    organization: &Organization,
    discovery: &Discovery,
    deadline: Instant,
) -> Result<Vec<Member>, ProbeError> {
    let members = timeout_at(deadline, discovery.directory.members()).await;
    let members = members.map_err(|_| timed_out(ProbeStep::Members))?;
    let at = Some(&organization.endpoint);
    members.map_err(|failure| ProbeError::new(ProbeStep::Members, at, failure))
}

fn timed_out(step: ProbeStep) -> ProbeError {
    let message = format!("no complete response within {PROBE_TIMEOUT:?}");
    ProbeError::new(step, None, timeout_failure(message))
}

/// Returns the UIN of each account, by name: as configured, or else as STS reports it.
fn known_uins(config: &Config, found: &[AccountFindings]) -> BTreeMap<String, String> {
    let of_keys = found.iter().filter_map(|found| {
        let identity = found.identity.as_ref()?.as_ref().ok()?;
        Some((found.account.clone(), identity.uin.clone()))
    });
    let configured = config
        .accounts
        .iter()
        .filter_map(|account| Some((account.name.clone(), account.uin.clone()?)));
    of_keys.chain(configured).collect()
}

/// Returns a warning for accounts whose keys belong to the same Tencent Cloud account, unless the
/// configuration already warns of them.
fn same_accounts(found: &[AccountFindings], known: &[String]) -> Vec<String> {
    let mut first_of: BTreeMap<&str, &str> = BTreeMap::new();
    let mut warnings = Vec::new();
    for second in found {
        let Some(Ok(identity)) = &second.identity else {
            continue;
        };
        let first = *first_of.entry(&identity.uin).or_insert(&second.account);
        let names = |warning: &String| {
            let mut words = warning.split([' ', ',']);
            words.clone().any(|word| word == first) && words.any(|word| word == second.account)
        };
        if first != second.account && !known.iter().any(names) {
            let (second, uin) = (&second.account, escaped(&identity.uin));
            warnings.push(format!(
                "accounts {first} and {second} are the same Tencent Cloud account {uin}; one account with all regions is enough"
            ));
        }
    }
    warnings
}
