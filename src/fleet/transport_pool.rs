//! The transports to the cloud: one for plain HTTP, and one for HTTPS that depends on the
//! configuration.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::{self, Http};
use crate::escape::visible_path;
use crate::files::{self, READ_TIMEOUT, ReadSlot};
use crate::tencent::{HttpOptions, MAX_CA_BYTES, Network, Transport, separate};

/// Creates a transport of a kind.
pub type TransportFactory = Box<dyn Fn(TransportKind) -> Result<Arc<dyn Transport>, String> + Send>;

/// The kind of a transport.
#[derive(Clone, Debug)]
pub enum TransportKind {
    /// Plain HTTP without a proxy, to loopback and the metadata service.
    Plain,
    /// HTTPS, perhaps through a proxy.
    Https(HttpOptions),
}

/// How long a reload waits for a `ca_file` that is empty or absent, because another program may be
/// writing it.
const CA_FILE_WAIT: Duration = Duration::from_secs(1);

/// The time between two reads during this wait.
const CA_FILE_RETRY: Duration = Duration::from_millis(100);

/// Returns the factory of transports over the network.
pub fn transport_factory() -> TransportFactory {
    let network = Network::default();
    Box::new(move |kind| {
        Ok(Arc::new(match kind {
            TransportKind::Plain => network.plain()?,
            TransportKind::Https(options) => network.https(&options)?,
        }))
    })
}

/// The transports that an account needs.
#[derive(Clone, Default)]
pub(crate) struct Transports {
    plain: Option<Arc<dyn Transport>>,
    https: Option<Arc<dyn Transport>>,
}

impl Transports {
    /// Returns the transport to one of the account's endpoints, with a separate connection pool for
    /// each client.
    pub(super) fn to(&self, endpoint: &config::Endpoint) -> Arc<dyn Transport> {
        let transport = if endpoint.scheme() == "http" {
            &self.plain
        } else {
            &self.https
        };
        let transport = transport.as_ref();
        let transport =
            transport.expect("the pool creates a transport for each endpoint of the account");
        separate(transport, endpoint.authority())
    }

    /// Returns the addresses of the transports in memory. They identify the transports that are
    /// alive.
    pub(super) fn addresses(&self) -> Vec<usize> {
        let transports = [&self.plain, &self.https].into_iter();
        let address = |transport: &Option<Arc<dyn Transport>>| {
            transport
                .as_ref()
                .map_or(0, |transport| Arc::as_ptr(transport).cast::<()>().addr())
        };
        transports.map(address).collect()
    }

    /// Returns whether both have the same transports.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        let same = |one: &Option<Arc<dyn Transport>>, other: &Option<Arc<dyn Transport>>| match (
            one, other,
        ) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        same(&self.plain, &other.plain) && same(&self.https, &other.https)
    }
}

/// The HTTPS transport, and the settings that it was created with.
#[derive(Clone)]
pub(crate) struct HttpsTransport {
    settings: Http,
    /// The content of `ca_file`. If it changes, so does the transport.
    authorities: Option<Vec<u8>>,
    transport: Arc<dyn Transport>,
}

/// Creates transports, and reuses a transport if its settings are unchanged.
pub(super) struct TransportPool {
    factory: TransportFactory,
    plain: Option<Arc<dyn Transport>>,
    https: Option<HttpsTransport>,
    slot: ReadSlot,
    /// The content of `ca_file`, or why it cannot be read.
    authorities: Option<Result<Vec<u8>, String>>,
}

impl TransportPool {
    pub(super) fn new(factory: TransportFactory) -> Self {
        Self {
            factory,
            plain: None,
            https: None,
            slot: ReadSlot::default(),
            authorities: None,
        }
    }

    /// Reads the certificate authorities for the next transports, off the runtime and within a time
    /// limit.
    pub(super) async fn read_authorities(&mut self, settings: &Http) {
        let Some(file) = settings.ca_file.clone() else {
            self.authorities = None;
            return;
        };
        let at = format!("http.ca_file {}", visible_path(&file));
        let began = Instant::now();
        let read = loop {
            let file = file.clone();
            let read = move || files::read(&file, MAX_CA_BYTES);
            let read = self.slot.run(READ_TIMEOUT, read).await.and_then(|it| it);
            let is_there = read.as_ref().is_ok_and(|it| !it.bytes.is_empty());
            // At startup there is no previous file to keep, so it does not wait.
            if is_there || self.https.is_none() || began.elapsed() >= CA_FILE_WAIT {
                break read;
            }
            sleep(CA_FILE_RETRY).await;
        };
        self.authorities = Some(match read {
            Ok(contents) => Ok(contents.bytes.to_vec()),
            Err(error) => Err(format!("{at}: {error}")),
        });
    }

    /// Returns the transports to these endpoints. The HTTPS transport is reused if its settings are
    /// unchanged; `https` shares it among all accounts of a configuration.
    pub(super) fn to(
        &mut self,
        endpoints: &[config::Endpoint],
        settings: &Http,
        https: &mut Option<HttpsTransport>,
    ) -> Result<Transports, String> {
        let mut transports = Transports::default();
        for endpoint in endpoints {
            if endpoint.scheme() == "http" {
                if self.plain.is_none() {
                    self.plain = Some((self.factory)(TransportKind::Plain)?);
                }
                transports.plain.clone_from(&self.plain);
            } else {
                if https.is_none() {
                    *https = Some(self.https(settings)?);
                }
                let https = https.as_ref().map(|https| Arc::clone(&https.transport));
                transports.https = https;
            }
        }
        Ok(transports)
    }

    /// Keeps the HTTPS transport of a plan.
    pub(super) fn commit(&mut self, https: Option<HttpsTransport>) {
        self.https = https;
    }

    fn https(&self, settings: &Http) -> Result<HttpsTransport, String> {
        let authorities = self.authorities.clone().transpose()?;
        if let Some(before) = &self.https
            && before.settings == *settings
            && before.authorities == authorities
        {
            return Ok(before.clone());
        }
        let options = HttpOptions {
            ca_file: settings.ca_file.clone(),
            proxy: settings.proxy.clone(),
        };
        Ok(HttpsTransport {
            settings: settings.clone(),
            authorities,
            transport: (self.factory)(TransportKind::Https(options))?,
        })
    }
}
