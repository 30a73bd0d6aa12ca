//! The interface between the client and the network: one request out, one complete response in.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

/// A call's response is a few hundred bytes a track; what is larger is not a response to our question.
pub const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// A response that is on its way.
pub type ResponseFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// Sends a request and brings its response. The seam between the client and the network.
pub trait Transport: Send + Sync {
    /// Sends one request, to the absolute URI in it.
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_>;

    /// The same transport for one more identity at `host`, which shares no connection with any
    /// other. `None` if there are no connections that could be shared.
    fn separate(&self, _host: &str) -> Option<Arc<dyn Transport>> {
        None
    }
}

/// A transport to `host` with connections of its own.
pub fn separate(transport: &Arc<dyn Transport>, host: &str) -> Arc<dyn Transport> {
    let separate = transport.separate(host);
    separate.unwrap_or_else(|| Arc::clone(transport))
}

/// Why there is no response.
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
    /// The response is larger than [`MAX_RESPONSE_BYTES`], or has more headers than a response has.
    TooLarge,
    /// The response came before: an earlier request earned it.
    Repeated,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransportError {}
