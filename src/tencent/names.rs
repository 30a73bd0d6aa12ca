//! Host names become addresses: by `/etc/hosts` and the servers of `/etc/resolv.conf`, asked by us.
//!
//! The C library would do it too, but not in a static binary, where it needs the very version of
//! itself that it was linked with; and each of its lookups holds a thread for as long as a silent
//! server wants. What it does beyond the two files (mDNS, LDAP and other modules of
//! `nsswitch.conf`) is not done here.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What says how names are resolved. A change of either is taken up with the next lookup: a daemon
/// outlives a network.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// How long one server is waited for before it is asked again. The usual 5 s of `resolv.conf` would
/// be all the time that a connection has, and so one lost datagram would fail it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Resolves names as the two files say at the time.
#[derive(Clone, Default)]
pub(super) struct Names {
    current: Arc<Mutex<Option<(Stamps, TokioResolver)>>>,
}

/// Which version of each file it is, where there is one.
type Stamps = [Option<(u64, i64, i64, u64)>; FILES.len()];

impl Names {
    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let stamps = FILES.map(stamp);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some((of, resolver)) if *of == stamps => Ok(resolver.clone()),
            _ => {
                let resolver = new()?;
                *current = Some((stamps, resolver.clone()));
                Ok(resolver)
            }
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let why = |error: NetError| not_found(name.as_str(), &error);
            let resolver = names.resolver().map_err(why)?;
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

fn stamp(file: &str) -> Option<(u64, i64, i64, u64)> {
    let found = fs::metadata(file).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
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
        assert_eq!(stamp(path), None);
        fs::write(&file, "nameserver 127.0.0.1\n").expect("there is room");
        let first = stamp(path);
        fs::write(&file, "nameserver 127.0.0.53\n").expect("there is room");
        assert!(first.is_some() && stamp(path) != first);
    }
}
