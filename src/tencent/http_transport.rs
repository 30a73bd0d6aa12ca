//! Sends requests over HTTP, with connections that no other identity uses.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use reqwest::redirect;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tracing::warn;

use super::authorities::CaFile;
use super::by_host::ByHost;
use super::connections::{Connections, Idle};
use super::network::Network;
use super::recent_responses::ResponseOrigin;
use super::transport::{
    MAX_RESPONSE_BYTES, ResponseFuture, Transport, TransportError, TransportErrorKind,
};
use super::{handshake, tls};
use crate::proxy::Proxy;

/// A response up to this size needs no permit. A full page of long tracks fits. Each target has at
/// most one such response at a time.
const SMALL_RESPONSE_BYTES: usize = 256 * 1024;

/// The most bytes that are allocated at once if a response declares its length. A full page of
/// ordinary tracks fits.
const MAX_INITIAL_CAPACITY: usize = 64 * 1024;

/// The most bytes that are read of a response whose status is not 200. An error page of a gateway
/// fits, so that the connection can be reused.
const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// The most headers of a response; usually there are a dozen. hyper limits their bytes to about
/// 400 KiB, which reqwest cannot change.
const MAX_HEADERS: usize = 64;

/// The time limit for opening a connection, including TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most causes of an error that are followed.
const MAX_CAUSES: usize = 8;

/// The settings of the connections to the cloud.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// A PEM file of certificate authorities to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy for requests. If it is `None`, requests are sent directly, regardless of the
    /// environment.
    pub proxy: Option<Proxy>,
}

/// A transport with connections that no other identity uses.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    setup: Arc<Setup>,
    /// The only host it sends to. `None` if it sends to several.
    host: Option<Arc<str>>,
    connections: Arc<Connections>,
    /// Keeps no connection, so that identities can share it.
    shared_client: Arc<OnceLock<reqwest::Client>>,
    /// The permits of the host, of the two limits of [`Network`].
    in_flight_of_host: Arc<Semaphore>,
    large_responses_of_host: Arc<Semaphore>,
}

/// The settings that several transports share.
#[derive(Debug)]
struct Setup {
    tls: ClientConfig,
    /// If it is `None`, requests are sent directly.
    proxy: Option<reqwest::Proxy>,
    network: Network,
    shared_clients: ByHost<OnceLock<reqwest::Client>>,
}

impl Network {
    /// Creates a transport for HTTPS endpoints.
    ///
    /// # Errors
    ///
    /// If the system has no certificate authorities and the options name none, or if a file or the
    /// proxy of the options cannot be used.
    pub fn https(&self, options: &HttpOptions) -> Result<HttpTransport, String> {
        let authorities = options.ca_file.as_deref().map(CaFile::read).transpose()?;
        let proxy = options.proxy.as_ref().map(reqwest_proxy).transpose()?;
        let (certificates, warnings) = authorities
            .map(|file| (file.certificates, file.warnings))
            .unwrap_or_default();
        for warning in warnings {
            warn!("{warning}");
        }
        let tls = tls::trust_system_and(certificates).map_err(|error| {
            format!(
                "cannot create the HTTP client: {error}; install the system's ca-certificates or set http.ca_file"
            )
        })?;
        HttpTransport::over(tls, proxy, self.clone())
    }

    /// Creates a transport for plain HTTP to this machine and its metadata service. It trusts no
    /// authority and uses no proxy.
    ///
    /// # Errors
    ///
    /// If the client cannot be created.
    pub fn plain(&self) -> Result<HttpTransport, String> {
        HttpTransport::over(tls::trust_none()?, None, self.clone())
    }
}

impl HttpTransport {
    /// Creates a transport for plain HTTP in a process that has no other transport.
    ///
    /// # Errors
    ///
    /// As [`Network::plain`].
    pub fn plain() -> Result<Self, String> {
        Network::default().plain()
    }

    fn over(
        tls: ClientConfig,
        proxy: Option<reqwest::Proxy>,
        network: Network,
    ) -> Result<Self, String> {
        let setup = Setup {
            tls,
            proxy,
            network,
            shared_clients: ByHost::default(),
        };
        // Creates a client at once, so that an invalid setting is an error here.
        setup
            .client(None, Idle::NONE)
            .map_err(|error| format!("cannot create the HTTP client: {}", causes(&error)))?;
        Ok(Self::with(Arc::new(setup), None))
    }

    fn with(setup: Arc<Setup>, host: Option<Arc<str>>) -> Self {
        let shared_client = host
            .as_ref()
            .map(|host| setup.shared_clients.get(host, OnceLock::new));
        Self {
            connections: Arc::default(),
            shared_client: shared_client.unwrap_or_default(),
            in_flight_of_host: setup.network.0.in_flight.of(host.as_ref()),
            large_responses_of_host: setup.network.0.large_responses.of(host.as_ref()),
            setup,
            host,
        }
    }

    fn client(&self) -> reqwest::Result<reqwest::Client> {
        let make = |idle| self.setup.client(self.host.as_deref(), idle);
        let identities = &self.setup.network.0.identities;
        if let Some(client) = self.connections.client(identities, make)? {
            return Ok(client);
        }
        if let Some(client) = self.shared_client.get() {
            return Ok(client.clone());
        }
        let client = make(Idle::NONE)?;
        Ok(self.shared_client.get_or_init(|| client).clone())
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let network = &self.setup.network.0;
        let _permits = network.in_flight_permits(&self.in_flight_of_host).await?;
        let mut request = reqwest::Request::try_from(request).map_err(transport_error)?;
        let host = match &self.host {
            Some(host) => Arc::clone(host),
            None => request.url().authority().into(),
        };
        let recent = &network.recent_responses;
        let rejected = self.connections.rejected();
        let dedicated = rejected > 0 || recent.repeats_ids(&host);
        if dedicated {
            let close = HeaderValue::from_static("close");
            request.headers_mut().insert(header::CONNECTION, close);
        }
        let client = self.client().map_err(transport_error)?;
        let response = client.execute(request).await;
        let mut response = response.map_err(|error| {
            if error.is_connect() {
                recent.unreachable(&host);
            }
            transport_error(error)
        })?;
        let body = match response.status() {
            StatusCode::OK => self.body(&mut response).await?,
            _ => error_body(&mut response).await,
        };
        if has_two_lengths(response.headers()) {
            self.connections.close();
        }
        let origin = ResponseOrigin {
            dedicated,
            rejected,
        };
        let is_repeated = recent.is_repeated(&host, origin, &body);
        // After a repeated response, every later response on its connection is late as well.
        self.connections.record_response(!is_repeated);
        if is_repeated {
            return Err(repeated_response());
        }
        let mut whole = Response::new(body);
        *whole.status_mut() = response.status();
        *whole.headers_mut() = std::mem::take(response.headers_mut());
        Ok(whole)
    }

    /// Reads the whole body of a response.
    async fn body(&self, response: &mut reqwest::Response) -> Result<Bytes, TransportError> {
        let declared = response.content_length();
        if declared.is_some_and(|declared| declared > MAX_RESPONSE_BYTES as u64) {
            return Err(response_too_large());
        }
        let declared = declared.and_then(|declared| usize::try_from(declared).ok());
        let mut body =
            BytesMut::with_capacity(declared.unwrap_or_default().min(MAX_INITIAL_CAPACITY));
        let mut large = None;
        while let Some(chunk) = response.chunk().await.map_err(transport_error)? {
            let length = body.len() + chunk.len();
            if length > MAX_RESPONSE_BYTES {
                return Err(response_too_large());
            }
            if length > SMALL_RESPONSE_BYTES && large.is_none() {
                let limit = &self.setup.network.0.large_responses;
                large = Some(limit.acquire(&self.large_responses_of_host).await);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl Setup {
    /// Creates a client without connections.
    fn client(&self, host: Option<&str>, idle: Idle) -> reqwest::Result<reqwest::Client> {
        let builder = builder()
            .pool_max_idle_per_host(idle.most)
            .pool_idle_timeout(idle.timeout)
            .dns_resolver(self.network.0.resolver.for_host(host))
            .tls_backend_preconfigured(self.tls.clone());
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder.no_proxy(),
        };
        builder.build()
    }
}

/// Returns whether a response declares its length in two ways. A proxy in between may use the other
/// one, and then the next bytes on the connection may belong to any response.
fn has_two_lengths(headers: &HeaderMap) -> bool {
    let has = |name| headers.contains_key(name);
    has(header::TRANSFER_ENCODING) && has(header::CONTENT_LENGTH)
}

fn repeated_response() -> TransportError {
    TransportError {
        kind: TransportErrorKind::Repeated,
        message:
            "the response belongs to an earlier request: a gateway or proxy repeats responses; the \
                  connection was closed"
                .to_owned(),
    }
}

/// Reads the body of a response whose status is an error, up to the limit.
async fn error_body(response: &mut reqwest::Response) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > MAX_ERROR_BODY_BYTES {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    body.freeze()
}

fn response_too_large() -> TransportError {
    TransportError {
        kind: TransportErrorKind::TooLarge,
        message: format!("the response is larger than {MAX_RESPONSE_BYTES} bytes"),
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        Box::pin(self.exchange(request))
    }

    fn separate(&self, host: &str) -> Option<Arc<dyn Transport>> {
        let setup = Arc::clone(&self.setup);
        Some(Arc::new(Self::with(setup, Some(host.into()))))
    }
}

/// Returns the settings of all clients. Retries and redirects are disabled: a retry needs a new
/// signature, and a redirect would send a signed request to another host.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("cloudaudit-exporter/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .http1_max_headers(MAX_HEADERS)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
}

fn transport_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let mut message = causes(&error);
    let kind = if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if let Some(tls) = chain(&error).find_map(tls_error) {
        message = handshake::message(tls);
        TransportErrorKind::Tls
    } else if chain(&error).any(is_too_large) {
        TransportErrorKind::TooLarge
    } else {
        TransportErrorKind::Connect
    };
    TransportError { kind, message }
}

/// Returns the error of the handshake, if it is the cause. One or two `io::Error`s wrap it, and the
/// chain of sources does not include the error that an `io::Error` wraps.
fn tls_error(cause: &Cause) -> Option<&rustls::Error> {
    let layers = std::iter::successors(Some(cause), |&layer| wrapped_in(layer));
    let mut layers = layers.take(MAX_CAUSES);
    layers.find_map(<Cause>::downcast_ref)
}

type Cause = dyn std::error::Error + 'static;

fn wrapped_in(error: &Cause) -> Option<&Cause> {
    match error.downcast_ref::<io::Error>()?.get_ref() {
        Some(wrapped) => Some(wrapped),
        None => None,
    }
}

/// Returns whether a cause is a head with too many headers or bytes.
fn is_too_large(cause: &(dyn std::error::Error + 'static)) -> bool {
    let http = cause.downcast_ref::<hyper::Error>();
    http.is_some_and(hyper::Error::is_parse_too_large)
}

/// Returns the error with its causes, which the message of reqwest does not include.
fn causes(error: &reqwest::Error) -> String {
    let messages: Vec<String> = chain(error).map(ToString::to_string).collect();
    messages.join(": ")
}

fn chain<'a>(
    error: &'a reqwest::Error,
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    let first: &'a (dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |&error| error.source()).take(MAX_CAUSES)
}

/// Converts a proxy, which is used for every host that it does not exempt.
fn reqwest_proxy(proxy: &Proxy) -> Result<reqwest::Proxy, String> {
    let url = reqwest::Url::parse(proxy.url()).map_err(|error| format!("http.proxy: {error}"))?;
    let authorization = proxy.authorization().cloned();
    let proxy = proxy.clone();
    let via_proxy = reqwest::Proxy::custom(move |url_of_request| {
        let exempt = url_of_request
            .host_str()
            .is_some_and(|host| proxy.exempts(host));
        (!exempt).then(|| url.clone())
    });
    Ok(match authorization {
        Some(authorization) => via_proxy.custom_http_auth(authorization),
        None => via_proxy,
    })
}
