//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tracing::debug;

use super::activity::{Activity, Watched};
use super::body::Pieces;
use super::connections::Place;
use super::content::Content;
use super::limits::Limits;
use super::listener::Options;
use super::routes::Routes;

/// Serves one connection that is open already, over whatever stream: what a [`Listener`] does with
/// each one that it accepts. It ends when either side ends it or it overstays a limit.
///
/// [`Listener`]: super::Listener
pub async fn serve_connection<S>(
    stream: S,
    peer: SocketAddr,
    content: Arc<dyn Content>,
    options: &Options,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let limits = options.limits.clone();
    let routes = Routes::new(content, options.telemetry_path.clone(), limits.headers);
    let place = options.connections.admit().await;
    let (_running, stopped) = watch::channel(());
    serve(stream, peer, place, Arc::new(routes), limits, stopped).await;
}

/// Serves a connection until either side ends it, it overstays a limit, or it is asked to finish:
/// by a newcomer that needs its place, or because `stopped` lost its sender.
pub(super) async fn serve<S>(
    stream: S,
    peer: SocketAddr,
    place: Place,
    routes: Arc<Routes>,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let activity = place.activity();
    let service = service_fn(|request| {
        let routes = Arc::clone(&routes);
        let activity = Arc::clone(activity);
        async move {
            let response = routes.answer(request).await;
            Ok::<_, Infallible>(response.map(|pieces| Outgoing { pieces, activity }))
        }
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(activity)));
    let mut connection = pin!(http1().serve_connection(io, service));
    let mut overdue = pin!(activity.overdue(&limits));
    let mut finishing = false;
    loop {
        tokio::select! {
            biased;
            // First, so that a request which has already arrived is seen before anything is ended.
            end = connection.as_mut() => {
                match end {
                    Ok(()) => debug!(%peer, "connection ended"),
                    Err(error) => debug!(%peer, %error, "connection failed"),
                }
                return;
            }
            _ = stopped.changed(), if !finishing => {
                finishing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = activity.asked_to_finish(), if !finishing => {
                finishing = true;
                debug!(%peer, "the longest idle connection makes room for a new one");
                connection.as_mut().graceful_shutdown();
            }
            limit = overdue.as_mut() => {
                debug!(%peer, limit, "connection cut: it overstayed a time limit");
                return;
            }
        }
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // One time for two cases: see `activity.rs`, which has two.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES);
    builder
}

/// Header lines of a request; with more it is answered 431.
const MAX_HEADERS: usize = 100;

/// Bytes of a request line and its headers; with more it is answered 431.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What is read ahead of a connection, and what hyper gathers before it writes.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// A response's body that tells when hyper is done with it.
struct Outgoing {
    pieces: Pieces,
    activity: Arc<Activity>,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.pieces).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.pieces.size_hint()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.activity.response_handed_over();
    }
}
