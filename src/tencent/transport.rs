//! The interface between the client and the network: one request out, one complete response in.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

/// The largest accepted response. A track takes a few hundred bytes, so a larger response is not a
/// valid page.
pub const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// The future of a response.
pub type ResponseFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// Sends requests and returns their responses.
pub trait Transport: Send + Sync {
    /// Sends one request to its absolute URI.
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_>;

    /// Returns a transport for one more identity at `host`, which shares no connection with other
    /// identities. `None` if the transport has no connections to share.
    fn separate(&self, _host: &str) -> Option<Arc<dyn Transport>> {
        None
    }
}

/// Returns a transport to `host` with connections of its own.
pub fn separate(transport: &Arc<dyn Transport>, host: &str) -> Arc<dyn Transport> {
    let separate = transport.separate(host);
    separate.unwrap_or_else(|| Arc::clone(transport))
}

/// Why a request got no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportError {
    /// The kind of the error.
    pub kind: TransportErrorKind,
    /// The chain of causes.
    pub message: String,
}

/// The kinds of [`TransportError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// A time limit was reached.
    Timeout,
    /// The connection failed or was closed.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The response is larger than [`MAX_RESPONSE_BYTES`], or has too many headers.
    TooLarge,
    /// The response has the id of an earlier response, so it belongs to an earlier request.
    Repeated,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransportError {}
