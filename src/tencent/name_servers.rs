//! Queries the name servers for both address families, and uses the family that responds.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::resolv_conf::SystemSettings;

/// How long to wait for the other address family after one has responded. A server that drops
/// queries for one family must not prevent a connection over the other.
const OTHER_FAMILY_WAIT: Duration = Duration::from_millis(250);

/// How long failed servers are skipped.
const PREFERENCE_TIME: Duration = Duration::from_secs(30);

/// The longest time that "no such name" is cached, even if its zone allows more: the name may be
/// added soon.
pub(super) const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(30);

/// The longest time that an address is cached, even if its record allows more: services move.
pub(super) const MAX_POSITIVE_TTL: Duration = Duration::from_mins(5);

/// Queries the servers in their order like the C library: the next server if one is silent or fails.
/// There is one hickory resolver per server, because a resolver for several servers returns the first
/// failure.
#[derive(Debug)]
pub(super) struct NameServers {
    pub(super) servers: Vec<TokioResolver>,
    /// The server to begin with, because the servers before it failed at that time.
    preferred: Mutex<Option<(usize, Instant)>>,
    rounds: usize,
    ndots: usize,
    hosts: Hosts,
    search: Vec<Name>,
}

impl NameServers {
    pub(super) fn new(system: SystemSettings) -> Result<Self, NetError> {
        Self::with_negative_ttl(system, MAX_NEGATIVE_TTL)
    }

    pub(super) fn with_negative_ttl(
        system: SystemSettings,
        max_negative_ttl: Duration,
    ) -> Result<Self, NetError> {
        if !system.ignored.is_empty() {
            warn!(
                ignored = system.ignored.join("; "),
                "cannot use all of /etc/resolv.conf"
            );
        }
        let server = |server: &NameServerConfig| {
            let runtime = TokioRuntimeProvider::default();
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server.clone()]);
            let mut builder = TokioResolver::builder_with_config(config, runtime);
            let options = builder.options_mut();
            options.timeout = system.timeout;
            options.edns0 = system.edns0;
            // `lookup` does the rounds.
            options.attempts = 0;
            options.use_hosts_file = ResolveHosts::Never;
            options.negative_max_ttl = Some(max_negative_ttl);
            options.positive_max_ttl = Some(MAX_POSITIVE_TTL);
            builder.build()
        };
        Ok(Self {
            servers: system
                .servers
                .iter()
                .map(server)
                .collect::<Result<_, _>>()?,
            preferred: Mutex::default(),
            rounds: system.attempts,
            ndots: system.ndots,
            hosts: system.hosts,
            search: system.search,
        })
    }

    /// Returns the records of one family.
    pub(super) async fn lookup(&self, name: Name, family: RecordType) -> Result<Lookup, NetError> {
        let count = self.servers.len();
        let first = self.preferred();
        let mut last = NetError::from("there is no nameserver in /etc/resolv.conf");
        for number in 0..count * self.rounds {
            let server = (first + number) % count;
            let found = self.servers[server].lookup(name.clone(), family).await;
            match found {
                Err(error) if !error.is_no_records_found() => last = error,
                answer => {
                    if server != first {
                        *self.preferred_lock() = Some((server, Instant::now()));
                    }
                    return answer;
                }
            }
        }
        Err(last)
    }

    fn preferred(&self) -> usize {
        let preferred = self
            .preferred_lock()
            .filter(|(_, since)| since.elapsed() < PREFERENCE_TIME);
        preferred.map_or(0, |(server, _)| server)
    }

    fn preferred_lock(&self) -> MutexGuard<'_, Option<(usize, Instant)>> {
        // The value is replaced as a whole, so a poisoned lock holds a consistent value.
        self.preferred
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the addresses of a relative name, which is completed with the search domains.
    pub(super) async fn completed(&self, name: Name) -> Result<Vec<IpAddr>, NetError> {
        let dots = usize::from(name.num_labels()).saturating_sub(1);
        let completed = self.search.iter().filter_map(|domain| {
            let mut relative = name.clone();
            relative.set_fqdn(false);
            relative.append_domain(domain).ok()
        });
        let mut candidates: Vec<Name> = completed.collect();
        // With enough dots the name is probably absolute.
        let whole_at = if dots >= self.ndots {
            0
        } else {
            candidates.len()
        };
        candidates.insert(whole_at, name.clone());
        let hosts_file_addresses = self.hosts_file_addresses(&name);
        if !hosts_file_addresses.is_empty() {
            return Ok(hosts_file_addresses);
        }
        let mut last = NetError::from("it has no address");
        for candidate in candidates {
            match self.addresses(candidate).await {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Returns at least one address of an absolute name. IPv6 comes first, so that a connection can
    /// fall back to IPv4.
    pub(super) async fn addresses(&self, name: Name) -> Result<Vec<IpAddr>, NetError> {
        let hosts_file_addresses = self.hosts_file_addresses(&name);
        if !hosts_file_addresses.is_empty() {
            return Ok(hosts_file_addresses);
        }
        let v6 = pin!(self.lookup(name.clone(), RecordType::AAAA));
        let v4 = pin!(self.lookup(name, RecordType::A));
        let (v6, v4) = match select(v6, v4).await {
            Either::Left((v6, v4)) => {
                let v4 = other(&v6, v4).await;
                (Some(v6), v4)
            }
            Either::Right((v4, v6)) => {
                let v6 = other(&v4, v6).await;
                (v6, Some(v4))
            }
        };
        let both: Vec<_> = [v6, v4].into_iter().flatten().collect();
        let found: Vec<IpAddr> = both.iter().flatten().flat_map(ips).collect();
        if found.is_empty() {
            let errors = both.into_iter().filter_map(Result::err);
            // A failed query explains more than a family without addresses.
            let worst = errors.min_by_key(NetError::is_no_records_found);
            return Err(worst.unwrap_or_else(|| NetError::from("it has no address")));
        }
        Ok(found)
    }

    fn hosts_file_addresses(&self, name: &Name) -> Vec<IpAddr> {
        let of = |family| {
            self.hosts
                .lookup_static_host(&Query::query(name.clone(), family))
        };
        let found = [RecordType::AAAA, RecordType::A].map(of);
        found.iter().flatten().flat_map(ips).collect()
    }
}

/// Returns the result for the other family. If the first family has addresses, waits for a short
/// time only, and returns `None` after it.
async fn other(
    first: &Result<Lookup, NetError>,
    other: impl Future<Output = Result<Lookup, NetError>>,
) -> Option<Result<Lookup, NetError>> {
    let has_addresses = first
        .as_ref()
        .is_ok_and(|found| ips(found).next().is_some());
    if has_addresses {
        timeout(OTHER_FAMILY_WAIT, other).await.ok()
    } else {
        Some(other.await)
    }
}

fn ips(found: &Lookup) -> impl Iterator<Item = IpAddr> {
    found
        .answers()
        .iter()
        .filter_map(|record| record.data.ip_addr())
}
