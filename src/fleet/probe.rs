//! Asks once about everything that a configuration polls: who asks, and what is in the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::account_probe::{AccountProbe, probe_endpoints, probe_error};
use super::endpoints::organization_endpoints;
use super::environment::Environment;
use super::shared_resources::SharedResources;
use super::transport_pool::{HttpsTransport, TransportFactory};
use crate::clock::Clock;
use crate::config::{Account, Config, Organization, Site};
use crate::failure::Failure;
use crate::organization::{Discovery, accounts, duplicate_warnings};
use crate::snapshot::Member;
use crate::tencent::reasons::{escaped, timeout_failure};
use crate::tencent::sts::CallerIdentity;
use crate::tencent::{Ended, Observer, Sent};
use tokio::sync::watch;

/// The time for all probe together.
pub const PROBE_TIMEOUT: Duration = Duration::from_mins(5);

/// So many of an organisation's members are tried: they have one role's name in context, so that
/// what is wrong with one is most probably wrong with all.
pub const MAX_MEMBERS_PROBED: usize = 3;

/// So many accounts are asked about at a time.
const MAX_CONCURRENT: usize = 64;

/// What came of it, in the order of the names.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The accounts that somebody wrote down.
    pub accounts: Vec<AccountFindings>,
    /// The organisations.
    pub organizations: Vec<OrganizationFindings>,
    /// Accounts that are the same Tencent Cloud account under two names.
    pub warnings: Vec<String>,
}

/// What was found of an account.
#[derive(Clone, Debug)]
pub struct AccountFindings {
    /// Its name.
    pub account: String,
    /// Where its credentials come from, in the words of the label `provider`; a role may come on
    /// top.
    pub provider: &'static str,
    /// The ARN of the role that is assumed with them.
    pub role: Option<String>,
    /// Whose the key is, as STS says: of the role, or of the credentials where the role is not to
    /// be had. None where nobody was asked.
    pub identity: Option<Result<CallerIdentity, ProbeError>>,
    /// What keeps it from being asked in any region.
    pub error: Option<ProbeError>,
    /// The other site, where that one knows a key that its own does not.
    pub known_at_site: Option<Site>,
    /// Each region, in the order of the names.
    pub regions: Vec<RegionFindings>,
}

impl AccountFindings {
    /// Everything that is wrong with it.
    pub fn errors(&self) -> impl Iterator<Item = &ProbeError> {
        let regions = self.regions.iter();
        let of_regions =
            regions.flat_map(|region| [region.tracks.as_ref().err(), region.details.as_ref()]);
        self.error.iter().chain(of_regions.flatten())
    }
}

/// What was found of a target.
#[derive(Clone, Debug)]
pub struct RegionFindings {
    /// The region.
    pub region: String,
    /// How many tracks it lists.
    pub tracks: Result<usize, ProbeError>,
    /// Why details of a track are not to be had, where they are asked for.
    pub details: Option<ProbeError>,
}

/// What was found of an organisation.
#[derive(Clone, Debug)]
pub struct OrganizationFindings {
    /// Its name.
    pub organization: String,
    /// The account that is asked for the members; it has regions only where its own tracks are
    /// asked for.
    pub admin: AccountFindings,
    /// How many members there are, and how many of them are polled; none where nobody was asked.
    pub members: Option<Result<[usize; 2], ProbeError>>,
    /// The first of those that are polled, [`MAX_MEMBERS_PROBED`] at most.
    pub probed_members: Vec<AccountFindings>,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeStep {
    /// A key of the credentials.
    Key,
    /// A key of the role.
    Role,
    /// Whose the key is.
    Identity,
    /// The tracks.
    Tracks,
    /// The details of a track.
    Details,
    /// The members of an organisation.
    Members,
}

/// A question that was not answered.
#[derive(Clone, Debug)]
pub struct ProbeError {
    /// What was asked.
    pub step: ProbeStep,
    /// Where, if not on this machine alone.
    pub at: Option<String>,
    /// What came instead of an answer.
    pub failure: Failure,
}

/// Asks about all organisations of a configuration, and the accounts that this shard polls.
/// `factory` makes the transports to the cloud.
///
/// # Errors
///
/// What keeps anybody from being asked at all.
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
            Arc::new(Nobody),
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
    /// Asks about these, many at a time, and answers in their order.
    async fn accounts(&mut self, accounts: Vec<&Account>) -> Result<Vec<AccountFindings>, String> {
        let mut all = Vec::with_capacity(accounts.len());
        for account in accounts {
            let http = &self.config.http;
            let transports =
                self.shared
                    .transports(&probe_endpoints(account), http, &mut self.https)?;
            let shared = &mut self.shared;
            all.push(AccountProbe::new(
                shared,
                account,
                &transports,
                Arc::new(Nobody),
            ));
        }
        let deadline = self.deadline;
        let found = all.into_iter().map(|probe| async move {
            let found = timeout_at(deadline, probe.ask()).await;
            found.unwrap_or_else(|_| AccountFindings {
                error: Some(late(ProbeStep::Key)),
                ..probe.unanswered()
            })
        });
        Ok(stream::iter(found).buffered(MAX_CONCURRENT).collect().await)
    }

    async fn organization(
        &mut self,
        organization: &Organization,
    ) -> Result<(OrganizationFindings, Vec<Account>), String> {
        let mut places = [
            organization_endpoints(organization),
            probe_endpoints(&organization.admin()),
        ]
        .concat();
        places.dedup();
        let http = &self.config.http;
        let transports = self.shared.transports(&places, http, &mut self.https)?;
        let shared = &mut self.shared;
        let discovery = shared.discovery(organization, &transports, watch::Sender::default());
        let mut admin = organization.admin();
        // It is polled only to see whether its tracks are those of all members, and in one region.
        let regions = usize::from(admin.details_interval.is_some());
        admin.regions.truncate(regions);
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
        let tried = polled.iter().take(MAX_MEMBERS_PROBED).collect();
        found.probed_members = self.accounts(tried).await?;
        Ok((found, polled))
    }
}

async fn members(
    organization: &Organization,
    discovery: &Discovery,
    deadline: Instant,
) -> Result<Vec<Member>, ProbeError> {
    let members = timeout_at(deadline, discovery.directory.members()).await;
    let members = members.map_err(|_| late(ProbeStep::Members))?;
    let at = Some(&organization.endpoint);
    members.map_err(|failure| probe_error(ProbeStep::Members, at, failure))
}

fn late(step: ProbeStep) -> ProbeError {
    let message = format!("not all was answered within {PROBE_TIMEOUT:?}");
    probe_error(step, None, timeout_failure(message))
}

/// The UIN of each account, by name: of the configuration, or else as STS says.
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

/// Warns of accounts whose keys belong to the same Tencent Cloud account, unless the configuration
/// warns of them already.
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

/// Is told of every call, and keeps it to itself.
struct Nobody;

impl Observer for Nobody {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}
