//! Host names become addresses: by `/etc/hosts` and the servers of `/etc/resolv.conf`, asked by us.
//!
//! The C library would do it too, but not in a static binary, where it needs the very version of
//! itself that it was linked with; and each of its lookups holds a thread for as long as a silent
//! server wants. What it does beyond the two files (mDNS, LDAP and other modules of
//! `nsswitch.conf`) is not done here.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::files::{self, READ_TIMEOUT, ReadError, ReadSlot};

/// What says how names are resolved. A change of either is taken up with the next lookup: a daemon
/// outlives a network.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// How long one server is waited for before it is asked again. The usual 5 s of `resolv.conf` would
/// be all the time that a connection has, and so one lost datagram would fail it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Resolves names as the two files say at the time.
#[derive(Clone, Default)]
pub(super) struct Names {
    slot: ReadSlot,
    current: Arc<Mutex<Option<(Stamps, TokioResolver)>>>,
}

/// Which version of each file it is, where there is one.
type Stamps = [Option<(u64, i64, i64, u64)>; FILES.len()];

impl Names {
    /// The resolver of the files as they are now. If they hang, that of before.
    async fn resolver(&self) -> Result<TokioResolver, String> {
        let names = self.clone();
        let made = self.slot.run(READ_TIMEOUT, move || names.read()).await;
        made.unwrap_or_else(|error| {
            let before = self.current().map(|(_, resolver)| resolver);
            before.ok_or_else(|| format!("{}: {error}", FILES.join(", ")))
        })
    }

    /// Blocks while the files are read.
    fn read(&self) -> Result<TokioResolver, String> {
        let mut stamps = Stamps::default();
        for (stamp, file) in stamps.iter_mut().zip(FILES) {
            *stamp = stamp_of(file).map_err(|error| format!("{file}: {error}"))?;
        }
        // Made outside of the lock, which is taken on the runtime too.
        let known = self.current();
        match known {
            Some((of, resolver)) if of == stamps => Ok(resolver),
            _ => {
                let resolver = new().map_err(|error| error.to_string())?;
                *self.lock() = Some((stamps, resolver.clone()));
                Ok(resolver)
            }
        }
    }

    fn current(&self) -> Option<(Stamps, TokioResolver)> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Stamps, TokioResolver)>> {
        // It is replaced as a whole, and so is whole.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let why = |error: NetError| not_found(name.as_str(), &error);
            let resolver = names.resolver().await.map_err(|error| {
                let name = name.as_str();
                format!("cannot resolve {name}: {error}")
            })?;
            let found = resolver.lookup_ip(name.as_str()).await.map_err(why)?;
            let found: Vec<SocketAddr> = found.iter().map(|ip| (ip, 0).into()).collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One sentence in the place of the resolver's own chain, which names the question twice.
fn not_found(name: &str, error: &NetError) -> String {
    if error.is_no_records_found() {
        return format!("the name {name} cannot be resolved: nobody knows an address of it");
    }
    format!("the name {name} cannot be resolved: {error}")
}

/// `None` if there is no such file.
fn stamp_of(file: &str) -> Result<Option<(u64, i64, i64, u64)>, ReadError> {
    match files::stamp(Path::new(file)) {
        Ok(stamp) => Ok(Some(stamp)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

fn new() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        // Without servers in the file, names of /etc/hosts still resolve, and nobody else is asked.
        TokioResolver::builder_with_config(
            ResolverConfig::default(),
            TokioRuntimeProvider::default(),
        )
    });
    let options = builder.options_mut();
    options.timeout = options.timeout.min(LONGEST_WAIT);
    // Both, so that a connection can try the one where the other leads nowhere.
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    builder.build()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn localhost_needs_no_server() {
        let name = "localhost".parse().expect("it is a name");
        let found = Names::default().resolve(name).await;
        let found: Vec<SocketAddr> = found.expect("every system has it").collect();
        assert!(found.iter().all(|address| address.ip().is_loopback()));
        assert!(!found.is_empty());
    }

    #[tokio::test]
    async fn what_is_not_found_is_named_once() {
        // By RFC 6761 nobody is asked for such a name; where somebody is, nobody knows it.
        let name = "absent.invalid".parse().expect("it is a name");
        let found = Names::default().resolve(name).await;
        let error = found.err().expect("there is no such name");
        let begin = "the name absent.invalid cannot be resolved: ";
        assert!(error.to_string().starts_with(begin), "{error}");
        assert_eq!(error.to_string().matches("absent").count(), 1, "{error}");
        assert!(error.source().is_none(), "{error}");
    }

    #[test]
    fn a_change_of_a_file_is_another_stamp() {
        let folder = tempfile::TempDir::new().expect("there is room");
        let file = folder.path().join("resolv.conf");
        let path = file.to_str().expect("the name is plain");
        let stamp = |path| stamp_of(path).expect("it is readable");
        assert_eq!(stamp(path), None);
        fs::write(&file, "nameserver 127.0.0.1\n").expect("there is room");
        let first = stamp(path);
        fs::write(&file, "nameserver 127.0.0.53\n").expect("there is room");
        assert!(first.is_some() && stamp(path) != first);
    }
}
