//! Resolves host names with `/etc/hosts` and the servers of `/etc/resolv.conf`.
//!
//! The resolver of the C library is not an option: in a static binary it needs exactly the version
//! of the library that the binary was linked with, and each lookup blocks a thread until a silent
//! server times out. Other sources of `nsswitch.conf` (mDNS, LDAP and so on) are not supported.
//!
//! The host of an endpoint is an absolute name if it has a dot. Otherwise a search domain with a
//! wildcard could stand for the cloud. The names of proxies, and hosts without a dot, are completed
//! with the search domains as usual.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::net::NetError;
use reqwest::dns::{self, Addrs, Resolve, Resolving};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::name_servers::NameServers;
use super::resolv_conf::{SystemFiles, SystemSettings, Versions, absolute};

/// How often the files are checked for a change.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long to wait for a check. After that, lookups use the previous content while the check
/// continues.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Resolves names according to the current content of the two files.
#[derive(Clone, Debug, Default)]
pub(super) struct DnsResolver {
    /// The host of the endpoint. Any other name is the name of a proxy. `None` if every name may be
    /// the name of an endpoint.
    host: Option<Arc<str>>,
    system: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    files: SystemFiles,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<(Versions, Arc<NameServers>)>,
    checked: Option<Instant>,
    /// The check in progress: at most one, even if a file hangs.
    check: Option<JoinHandle<Option<(Versions, SystemSettings)>>>,
}

impl DnsResolver {
    /// Returns a resolver for the connections to one endpoint (host and optional port) and to its
    /// proxies. It shares the files and caches.
    pub(super) fn for_host(&self, authority: Option<&str>) -> Self {
        let host = authority.map(|authority| authority.split(':').next().unwrap_or_default());
        Self {
            host: host.map(Into::into),
            system: Arc::clone(&self.system),
        }
    }

    fn is_endpoint(&self, name: &str) -> bool {
        self.host.as_deref().is_none_or(|host| host == name)
    }
}

impl Resolve for DnsResolver {
    fn resolve(&self, name: dns::Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let resolver = names.system.resolver().await;
            let resolver = resolver
                .ok_or_else(|| format!("cannot resolve {name}: /etc/resolv.conf cannot be read"))?;
            let found = match absolute(name) {
                Some(absolute)
                    if name.ends_with('.') || (names.is_endpoint(name) && name.contains('.')) =>
                {
                    resolver.addresses(absolute).await
                }
                Some(relative) => resolver.completed(relative).await,
                None => Err(NetError::from("it is not a host name")),
            };
            let found = found.map_err(|error| not_found(name, &error))?;
            let found = found.into_iter().map(|ip| SocketAddr::from((ip, 0)));
            Ok(Box::new(found) as Addrs)
        })
    }
}

impl Shared {
    /// Returns the current servers. `None` if the files have not been read yet.
    async fn resolver(&self) -> Option<Arc<NameServers>> {
        let mut state = self.state.lock().await;
        let state = &mut *state;
        let known = |state: &State| state.current.as_ref().map(|(_, it)| Arc::clone(it));
        if state
            .checked
            .is_some_and(|at| at.elapsed() < CHECK_INTERVAL)
        {
            return known(state);
        }
        let before = state.current.as_ref().map(|(versions, _)| *versions);
        let files = self.files.clone();
        let check = state.check.get_or_insert_with(|| {
            spawn_blocking(move || {
                let versions = files.versions();
                (before != Some(versions)).then(|| (versions, files.load()))
            })
        });
        let checked = timeout(CHECK_TIMEOUT, check).await;
        state.checked = Some(Instant::now());
        if let Ok(ended) = checked {
            state.check = None;
            if let Ok(Some((versions, system))) = ended {
                match NameServers::new(system) {
                    Ok(resolver) => state.current = Some((versions, Arc::new(resolver))),
                    Err(error) => warn!(%error, "cannot use /etc/resolv.conf"),
                }
            }
        }
        known(state)
    }
}

/// Returns one sentence instead of the error's own chain, which repeats the name.
fn not_found(name: &str, error: &NetError) -> String {
    if error.is_no_records_found() {
        return format!("cannot resolve {name}: the DNS server has no address for it");
    }
    format!("cannot resolve {name}: {error}")
}

#[cfg(test)]
mod tests;
