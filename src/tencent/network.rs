//! What all transports of a process share, whatever their settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;
use tracing::warn;

use super::answers::RecentAnswers;
use super::authorities::CaFile;
use super::connections::OpenIdentities;
use super::names::Names;
use super::tls;
use super::transport::{HttpOptions, HttpTransport};
use crate::proxy::Proxy;

/// How many answers may be larger at the same time. Further ones wait, within their time limit.
/// This bounds the memory that a flooding server can cost, however many targets there are.
const MAX_LARGE_ANSWERS: usize = 8;

/// How many of them may come from one host, so that a host that floods or stalls leaves room for
/// the large answers of another.
const MAX_LARGE_ANSWERS_OF_HOST: usize = MAX_LARGE_ANSWERS / 2;

/// The names, limits and memories that all transports of a process share.
#[derive(Clone, Debug, Default)]
pub struct Network(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) names: Names,
    pub(super) open: OpenIdentities,
    pub(super) recent_answers: RecentAnswers,
    pub(super) large_answers: Semaphore,
    /// Held weakly: a semaphore lives as long as a transport to its host.
    of_hosts: Mutex<HashMap<Arc<str>, Weak<Semaphore>>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            names: Names::default(),
            open: OpenIdentities::within_descriptors(),
            recent_answers: RecentAnswers::default(),
            large_answers: Semaphore::new(MAX_LARGE_ANSWERS),
            of_hosts: Mutex::default(),
        }
    }
}

impl Network {
    /// For HTTPS endpoints.
    ///
    /// # Errors
    ///
    /// If the system has no certificate authorities and the options name none, or if a file or the
    /// proxy of the options cannot be used.
    pub fn https(&self, options: &HttpOptions) -> Result<HttpTransport, String> {
        let authorities = options.ca_file.as_deref().map(CaFile::read).transpose()?;
        let proxy = options.proxy.as_ref().map(through).transpose()?;
        let (certificates, warnings) = authorities
            .map(|file| (file.certificates, file.warnings))
            .unwrap_or_default();
        for warning in warnings {
            warn!("{warning}");
        }
        let tls = tls::trusting(certificates).map_err(|error| {
            format!(
                "the HTTP client cannot be made: {error}; install the system's ca-certificates or set http.ca_file"
            )
        })?;
        HttpTransport::over(tls, proxy, self.clone())
    }

    /// For plain HTTP to this machine and its metadata service: trusts no authority and uses no
    /// proxy.
    ///
    /// # Errors
    ///
    /// If the process has no room for another client.
    pub fn plain(&self) -> Result<HttpTransport, String> {
        HttpTransport::over(tls::trusting_none()?, None, self.clone())
    }

    /// The large answers of a host that may be read at the same time. `None` is a transport to
    /// several hosts.
    pub(super) fn large_answers_of(&self, host: Option<&Arc<str>>) -> Arc<Semaphore> {
        let new = || Arc::new(Semaphore::new(MAX_LARGE_ANSWERS_OF_HOST));
        let Some(host) = host else { return new() };
        // Entries are put in and taken out as a whole, so a poisoned lock holds whole ones.
        let hosts = self.0.of_hosts.lock();
        let mut hosts = hosts.unwrap_or_else(PoisonError::into_inner);
        if let Some(of_host) = hosts.get(host).and_then(Weak::upgrade) {
            return of_host;
        }
        hosts.retain(|_, of_host| of_host.strong_count() > 0);
        let of_host = new();
        hosts.insert(Arc::clone(host), Arc::downgrade(&of_host));
        of_host
    }
}

/// The proxy, used for every host that it does not exempt.
fn through(proxy: &Proxy) -> Result<reqwest::Proxy, String> {
    let url = reqwest::Url::parse(proxy.url()).map_err(|error| format!("http.proxy: {error}"))?;
    let authorization = proxy.authorization().cloned();
    let proxy = proxy.clone();
    let through = reqwest::Proxy::custom(move |asked| {
        let exempt = asked.host_str().is_some_and(|host| proxy.exempts(host));
        (!exempt).then(|| url.clone())
    });
    Ok(match authorization {
        Some(authorization) => through.custom_http_auth(authorization),
        None => through,
    })
}
