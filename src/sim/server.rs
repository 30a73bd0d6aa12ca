//! Serves the simulator over plain HTTP/1.1.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::sim::reply::{Delivery, Reply};
use crate::sim::world::World;

/// A listener that serves a [`World`]: bind, get the address, serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    world: World,
}

impl Server {
    /// Binds an address. Port 0 selects a free port.
    pub async fn bind(address: SocketAddr, world: World) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            world,
        })
    }

    /// Returns the bound address.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves. Then, or when this future is dropped, the listener and
    /// every connection close at once, as if the process had been killed.
    pub async fn serve(self, shutdown: impl Future) {
        let mut shutdown = pin!(shutdown);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = &mut shutdown => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    match accepted {
                        Ok((stream, _)) => {
                            connections.spawn(serve_connection(stream, self.world.clone()));
                        }
                        // Most likely there are no file descriptors left; a connection may close.
                        Err(_) => tokio::time::sleep(ACCEPT_RETRY_PAUSE).await,
                    }
                }
            }
        }
    }
}

const MAX_CONNECTIONS: usize = 1024;
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The real server closes a connection that is idle for this long.
const KEEP_ALIVE: Duration = Duration::from_mins(1);

/// The largest request that the API accepts with this signature.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// How long the body of a request may take.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);

async fn serve_connection(stream: TcpStream, world: World) {
    // Otherwise a response may wait for an acknowledgement. If this fails, responses are slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Box::pin(respond(request, world.clone())));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE)
        .auto_date_header(false)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);

    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let stream = connection.into_parts().io.into_inner();
    let cause = ended.as_ref().err().and_then(Error::source);
    if cause.is_some_and(<dyn Error>::is::<Reset>) {
        // A socket that does not linger is closed with a reset. If the system refuses the option,
        // the connection ends without a response, which is close enough.
        let _ = stream.set_zero_linger();
    }
}

type Body = UnsyncBoxBody<Bytes, Truncated>;

async fn respond(request: Request<Incoming>, world: World) -> Result<Response<Body>, Reset> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BYTES).collect();
    let Ok(Ok(body)) = tokio::time::timeout(BODY_TIMEOUT, body).await else {
        return Ok(too_large_or_too_slow());
    };
    let request = Request::from_parts(head, body.to_bytes());

    let reply = world.reply(&request);
    reply.wait_until_due().await;
    let first_half = reply.first_half();
    let Reply {
        response, delivery, ..
    } = reply;
    match delivery {
        Delivery::Whole => Ok(response.map(whole)),
        Delivery::Dripping { over } => Ok(response.map(|body| dripping(body, over))),
        Delivery::Truncated => Ok(response.map(|_| truncated(first_half))),
        Delivery::Reset => Err(Reset),
        Delivery::Never => std::future::pending().await,
    }
}

fn too_large_or_too_slow() -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(never).boxed_unsync()
}

fn never(impossible: Infallible) -> Truncated {
    match impossible {}
}

/// Sends the body in pieces, with a pause before each.
fn dripping(body: Bytes, over: Duration) -> Body {
    let pause = over / PIECES;
    let size = body.len().div_ceil(PIECES as usize).max(1);
    let pieces = stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok(Frame::data(piece)), rest))
    });
    StreamBody::new(pieces).boxed_unsync()
}

const PIECES: u32 = 20;

/// Sends half of the body, and fails after a pause in which the half is transmitted.
fn truncated(first_half: Bytes) -> Body {
    let first = stream::once(async { Ok(Frame::data(first_half)) });
    let end = stream::once(async {
        tokio::time::sleep(PAUSE_BEFORE_CUT).await;
        Err(Truncated)
    });
    StreamBody::new(first.chain(end)).boxed_unsync()
}

const PAUSE_BEFORE_CUT: Duration = Duration::from_millis(10);

/// The error that makes the server reset a connection.
#[derive(Debug)]
struct Reset;

/// The error that makes the server close a connection within a body.
#[derive(Debug)]
struct Truncated;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reset on purpose")
    }
}

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("truncated on purpose")
    }
}

impl Error for Reset {}
impl Error for Truncated {}
