//! The transports to the cloud: plain ones that stay on this machine, and one over HTTPS for each
//! configuration.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::{self, Http};
use crate::files::{self, READ_TIMEOUT, ReadSlot};
use crate::tencent::{HttpOptions, MAX_CA_BYTES, Network, Transport, separate};

/// Makes a way to the cloud, or says why there is none.
pub type TransportFactory = Box<dyn Fn(TransportKind) -> Result<Arc<dyn Transport>, String> + Send>;

/// The transports to a cloud.
#[derive(Clone, Debug)]
pub enum TransportKind {
    /// Plain HTTP past every proxy: to this machine, and to its metadata service.
    Plain,
    /// HTTPS.
    Https(HttpOptions),
}

/// A reload waits this long for a `ca_file` that is empty or absent: another program may be writing
/// it.
const HALF_WRITTEN: Duration = Duration::from_secs(1);

/// How often it is read meanwhile.
const READ_AGAIN: Duration = Duration::from_millis(100);

/// The transports there are, over one network.
pub fn transport_factory() -> TransportFactory {
    let network = Network::default();
    Box::new(move |way| {
        Ok(Arc::new(match way {
            TransportKind::Plain => network.plain()?,
            TransportKind::Https(options) => network.https(&options)?,
        }))
    })
}

/// The transports that an account needs.
#[derive(Clone, Default)]
pub(super) struct Transports {
    plain: Option<Arc<dyn Transport>>,
    https: Option<Arc<dyn Transport>>,
}

impl Transports {
    /// The way to one of the endpoints that they were made for, with connections of its own: each
    /// client of an identity has to have one.
    pub(super) fn to(&self, endpoint: &config::Endpoint) -> Arc<dyn Transport> {
        let way = if endpoint.scheme() == "http" {
            &self.plain
        } else {
            &self.https
        };
        let way = way.as_ref();
        let way = way.expect("it was made for all of an account's endpoints");
        separate(way, endpoint.authority())
    }

    /// Where they are in memory: two that live at the same time are in two places.
    pub(super) fn addresses(&self) -> Vec<usize> {
        let transports = [&self.plain, &self.https].into_iter();
        let place = |way: &Option<Arc<dyn Transport>>| {
            way.as_ref()
                .map_or(0, |way| Arc::as_ptr(way).cast::<()>().addr())
        };
        transports.map(place).collect()
    }

    /// Whether the others are the same.
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

/// The way over HTTPS, and what it was made from.
#[derive(Clone)]
pub(super) struct HttpsTransport {
    settings: Http,
    /// The content of `ca_file`: other authorities in the same file are another way.
    authorities: Option<Vec<u8>>,
    transport: Arc<dyn Transport>,
}

/// Makes transports, and keeps those that are still the right ones.
pub(super) struct TransportPool {
    factory: TransportFactory,
    plain: Option<Arc<dyn Transport>>,
    https: Option<HttpsTransport>,
    slot: ReadSlot,
    /// What [`TransportPool::read_authorities`] found: the content of `ca_file`, or why it cannot be read.
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

    /// Reads the authorities that the next transports are made with, off the runtime and within a time
    /// limit.
    pub(super) async fn read_authorities(&mut self, settings: &Http) {
        let Some(file) = settings.ca_file.clone() else {
            self.authorities = None;
            return;
        };
        let at = format!("http.ca_file {}", file.display());
        let began = Instant::now();
        let read = loop {
            let file = file.clone();
            let read = move || files::read(&file, MAX_CA_BYTES);
            let read = self.slot.run(READ_TIMEOUT, read).await.and_then(|it| it);
            let is_there = read.as_ref().is_ok_and(|it| !it.bytes.is_empty());
            // At the start nothing is known that could be kept meanwhile.
            if is_there || self.https.is_none() || began.elapsed() >= HALF_WRITTEN {
                break read;
            }
            sleep(READ_AGAIN).await;
        };
        self.authorities = Some(match read {
            Ok(contents) => Ok(contents.bytes.to_vec()),
            Err(error) => Err(format!("{at}: {error}")),
        });
    }

    /// The transports to all of these. The one over HTTPS is that of before as long as its settings are;
    /// `https` holds it for all accounts of one configuration.
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

    /// Takes up the way that a plan was made with.
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
