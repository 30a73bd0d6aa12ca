//! Serves HTTP on one connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::debug;

use super::accept::Peer;
use super::connection_state::ConnectionState;
use super::connections::ConnectionPermit;
use super::instrumented_io::InstrumentedIo;
use super::response_body::Pieces;
use super::routes::Routes;
use super::time_limits::Limits;

/// The HTTP version that the client negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    /// Used over TLS only.
    Http2,
}

/// Serves a connection until either side ends it, it exceeds a limit, a new connection needs its
/// permit, or the sender of `stopped` is dropped.
pub(super) async fn serve<S>(
    stream: S,
    peer: Peer,
    permit: &ConnectionPermit,
    routes: Arc<Routes>,
    limits: &Limits,
    stopped: watch::Receiver<()>,
    protocol: Protocol,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let state = permit.state();
    let service = service_fn(|request: Request<Incoming>| {
        let routes = Arc::clone(&routes);
        let guard = Arc::new(RequestGuard::begin(state, protocol));
        async move {
            let response = routes.answer(request, &guard.state).await;
            Ok::<_, Infallible>(response.map(|pieces| ResponseBody { pieces, guard }))
        }
    });
    let stream = InstrumentedIo::new(stream, Arc::clone(state), protocol == Protocol::Http1);
    let io = TokioIo::new(stream);
    match protocol {
        Protocol::Http1 => {
            let connection = http1().serve_connection(io, service);
            run_connection(connection, peer, state, limits, stopped).await;
        }
        Protocol::Http2 => {
            let connection = http2().serve_connection(io, service);
            run_connection(connection, peer, state, limits, stopped).await;
        }
    }
}

/// A hyper connection that can shut down after its requests in flight.
trait Graceful: Future<Output = hyper::Result<()>> {
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<I, B, S> Graceful for http1::Connection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S, E> Graceful for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: Http2ServerConnExec<S::Future, B>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

async fn run_connection(
    connection: impl Graceful,
    peer: Peer,
    state: &Arc<ConnectionState>,
    limits: &Limits,
    mut stopped: watch::Receiver<()>,
) {
    let mut connection = pin!(connection);
    let mut limit_exceeded = pin!(state.limit_exceeded(limits));
    let mut closing = false;
    loop {
        tokio::select! {
            biased;
            // First, so that a request that has already arrived is seen before the connection ends.
            end = connection.as_mut() => {
                match end {
                    Ok(()) => debug!(%peer, "connection ended"),
                    Err(error) => debug!(%peer, %error, "connection failed"),
                }
                return;
            }
            _ = stopped.changed(), if !closing => {
                closing = true;
                state.begin_close();
                connection.as_mut().graceful_shutdown();
            }
            () = state.close_requested() => {
                debug!(%peer, "connection closed to make room for a new one");
                if state.waits_for(Instant::now()).is_some() {
                    // Over HTTP/2 this sends a GOAWAY frame if the socket accepts it now.
                    connection.as_mut().graceful_shutdown();
                    if poll_once(connection.as_mut()).await {
                        return;
                    }
                }
                if state.waits_for(Instant::now()).is_some() {
                    state.abort();
                    return;
                }
                // A request has arrived in the meantime, so it gets its response first.
                closing = true;
                state.begin_close();
                connection.as_mut().graceful_shutdown();
            }
            limit = limit_exceeded.as_mut() => {
                debug!(%peer, limit, "connection closed: it exceeded a time limit");
                state.abort();
                return;
            }
        }
    }
}

/// Polls a connection once and returns whether it has ended.
async fn poll_once(mut connection: Pin<&mut impl Graceful>) -> bool {
    poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx).is_ready())).await
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // hyper has one setting for two cases; `connection_state.rs` has a limit for each.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES as usize)
        .max_buf_size(MAX_BUFFER_BYTES);
    builder
}

/// Configures HTTP/2. Hyper runs each stream in a task of its own.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_send_buf_size(MAX_STREAM_BUFFER_BYTES)
        .initial_stream_window_size(MAX_STREAM_WINDOW)
        .initial_connection_window_size(MAX_STREAM_WINDOW);
    builder
}

/// The most concurrent requests on one HTTP/2 connection. A scrape is one request.
const MAX_STREAMS: u32 = 16;

/// The most bytes of a response that are buffered if the client does not read them.
const MAX_STREAM_BUFFER_BYTES: usize = 16 * 1024;

/// The most bytes that a client may send before the exporter reads them. No path needs a body.
const MAX_STREAM_WINDOW: u32 = 64 * 1024;

/// The most header lines of a request; a request with more gets status 431.
const MAX_HEADERS: usize = 100;

/// The most bytes of a request line and its headers; a request with more gets status 431.
const MAX_HEAD_BYTES: u32 = 16 * 1024;

/// The most bytes that hyper reads ahead, and that it collects before a write.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// A request from its head until its response is sent or the client cancels it.
struct RequestGuard {
    state: Arc<ConnectionState>,
    protocol: Protocol,
}

impl RequestGuard {
    fn begin(state: &Arc<ConnectionState>, protocol: Protocol) -> Self {
        // For HTTP/1 the head scanner has already counted the request.
        if protocol == Protocol::Http2 {
            state.request_began();
        }
        Self {
            state: Arc::clone(state),
            protocol,
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        match self.protocol {
            Protocol::Http1 => self.state.response_handed_over(),
            Protocol::Http2 => self.state.request_ended(),
        }
    }
}

/// A response's body that holds a [`RequestGuard`] until hyper drops it.
struct ResponseBody {
    pieces: Pieces,
    guard: Arc<RequestGuard>,
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = Pin::new(&mut self.pieces).poll_frame(cx);
        match self.guard.protocol {
            Protocol::Http1 => frame,
            Protocol::Http2 => frame.map_ok(|frame| {
                frame.map_data(|piece| {
                    Bytes::from_owner(GuardedChunk {
                        piece,
                        _guard: Arc::clone(&self.guard),
                    })
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.pieces.size_hint()
    }
}

/// A piece of a response over HTTP/2. Hyper drops the body as soon as it has taken the last piece,
/// which may still wait to be sent. So each piece holds the guard, and the request is in flight as
/// long as a piece exists.
struct GuardedChunk {
    piece: Bytes,
    _guard: Arc<RequestGuard>,
}

impl AsRef<[u8]> for GuardedChunk {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}
