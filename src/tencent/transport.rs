//! The way to the cloud and back: one request out, one whole answer in.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use reqwest::Certificate;
use reqwest::redirect;
use tokio::sync::Semaphore;

use super::handshake;
use super::names::Names;
use crate::pem;
use crate::proxy::Proxy;

/// A call's answer is a few hundred bytes a track; what is larger is not an answer to our question.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// An answer up to this size, which has room for a full page of long tracks, is read whatever else
/// is being read. There is one such answer for each target at the most.
const SMALL_ANSWER_BYTES: usize = 256 * 1024;

/// So many answers may be larger at the same time; others wait, within their time limit. So it is
/// not the number of targets that says how much a server that floods them all can make us hold.
const MAX_LARGE_ANSWERS: usize = 8;

/// Room for so much of an answer is made at once, where it says how long it is. A full page of
/// ordinary tracks fits.
const MAX_FIRST_ROOM: usize = 64 * 1024;

/// How much is read of an answer that is only looked at for its status: enough for a gateway's
/// page, so that the connection can be used again.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// An answer has a dozen headers. Their bytes are limited by hyper, which reads no more than some
/// 400 KiB for a head and lets nobody change that through reqwest.
const MAX_HEADERS: usize = 64;

/// How long a connection may take to come up, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept. The server closes it after 60 s; a call that is sent into
/// that moment is lost, so we close first.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// How many idle connections to a host are kept: more than calls that go out evenly ever have open.
/// A burst may open more, and they are closed when it is over.
const MAX_IDLE_CONNECTIONS: usize = 16;

/// How deep the chain of causes of an error is followed.
const MAX_CAUSES: usize = 8;

/// An answer that is on its way.
pub type Answer<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// Sends a request and brings its answer. The seam between the client and the network.
pub trait Transport: Send + Sync {
    /// Sends one request, to the absolute URI in it.
    fn send(&self, request: Request<Bytes>) -> Answer<'_>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportError {
    /// What went wrong, as a label can say it.
    pub kind: TransportErrorKind,
    /// The chain of causes, for people.
    pub message: String,
}

/// The kinds of [`TransportError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// A time limit was reached.
    Timeout,
    /// There was no connection, or it broke.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The answer is larger than [`MAX_ANSWER_BYTES`], or has more headers than an answer has.
    TooLarge,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransportError {}

/// How to reach the cloud.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// A PEM file of certificate authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy for calls. `None`: every call goes out directly, whatever the environment says.
    pub proxy: Option<Proxy>,
}

/// HTTP over the network.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    large_answers: Arc<Semaphore>,
}

impl HttpTransport {
    /// For HTTPS endpoints.
    ///
    /// # Errors
    ///
    /// Where the system has no certificate authorities and the options name none, or where a file
    /// or the proxy of the options cannot be used.
    pub fn new(options: &HttpOptions) -> Result<Self, String> {
        let mut builder = builder();
        if let Some(file) = &options.ca_file {
            let at = |error: &dyn fmt::Display| format!("http.ca_file {}: {error}", file.display());
            let pem = std::fs::read(file).map_err(|error| at(&error))?;
            builder = builder.tls_certs_merge(authorities(&pem).map_err(|error| at(&error))?);
        }
        builder = match &options.proxy {
            Some(proxy) => builder.proxy(through(proxy)?),
            None => builder.no_proxy(),
        };
        Self::build(builder).map_err(|error| {
            format!("{error}; install the system's ca-certificates or set http.ca_file")
        })
    }

    /// For plain HTTP to this machine and its metadata service: trusts nobody and takes no proxy.
    ///
    /// # Errors
    ///
    /// Where the process has no room for another client.
    pub fn plain() -> Result<Self, String> {
        Self::build(builder().tls_certs_only([]).no_proxy())
    }

    fn build(builder: reqwest::ClientBuilder) -> Result<Self, String> {
        match builder.build() {
            Ok(client) => Ok(Self {
                client,
                large_answers: Arc::new(Semaphore::new(MAX_LARGE_ANSWERS)),
            }),
            Err(error) => Err(format!(
                "the HTTP client cannot be made: {}",
                causes(&error)
            )),
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(transport_error)?;
        let mut answer = self
            .client
            .execute(request)
            .await
            .map_err(transport_error)?;
        let body = match answer.status() {
            StatusCode::OK => self.body(&mut answer).await?,
            _ => beginning(&mut answer).await,
        };
        let mut whole = Response::new(body);
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }

    /// The whole body of an answer.
    async fn body(&self, answer: &mut reqwest::Response) -> Result<Bytes, TransportError> {
        let declared = answer.content_length();
        if declared.is_some_and(|declared| declared > MAX_ANSWER_BYTES as u64) {
            return Err(too_large());
        }
        let declared = declared.and_then(|declared| usize::try_from(declared).ok());
        let mut body = BytesMut::with_capacity(declared.unwrap_or_default().min(MAX_FIRST_ROOM));
        let mut large = None;
        while let Some(chunk) = answer.chunk().await.map_err(transport_error)? {
            let length = body.len() + chunk.len();
            if length > MAX_ANSWER_BYTES {
                return Err(too_large());
            }
            if length > SMALL_ANSWER_BYTES && large.is_none() {
                let place = self.large_answers.acquire().await;
                large = Some(place.expect("the semaphore is never closed"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// What can be had of a body that nobody will read: its status has said all.
async fn beginning(answer: &mut reqwest::Response) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > MAX_REFUSAL_BYTES {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    body.freeze()
}

fn too_large() -> TransportError {
    TransportError {
        kind: TransportErrorKind::TooLarge,
        message: format!("the answer is larger than {MAX_ANSWER_BYTES} bytes"),
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request<Bytes>) -> Answer<'_> {
        Box::pin(self.exchange(request))
    }
}

/// The certificates of a `ca_file`.
fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    let certificates = pem::certificates(pem)?.into_iter();
    let certificates = certificates.map(|der| Certificate::from_der(&der));
    let certificates: Result<_, _> = certificates.collect();
    certificates.map_err(|error| causes(&error))
}

/// The proxy, asked for every host that it does not exempt.
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

/// What all clients have in common. Retries and redirects are ours to decide: a retry must be
/// signed anew, and a redirect would carry a signed request to somebody else.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("cloudaudit-exporter/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Names::default())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
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

/// The error of the handshake, if it is the cause. It comes inside an `io::Error`, or inside one that is inside
/// another, and each stands for what it wraps and so leaves it out of the chain.
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

/// Whether a cause is a head with too many headers, or too many bytes.
fn is_too_large(cause: &(dyn std::error::Error + 'static)) -> bool {
    let http = cause.downcast_ref::<hyper::Error>();
    http.is_some_and(hyper::Error::is_parse_too_large)
}

/// The error and what caused it: reqwest's own message leaves the cause out.
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
