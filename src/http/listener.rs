//! Binds an address and serves the connections that it accepts.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

use super::accept::{AbortableStream, Accept, Peer};
use super::bind::{Socket, bind, inherited};
use super::connection_server::ConnectionServer;
use super::connections::Connections;
use super::content::Content;
use super::options::Options;
use super::throttle::Throttle;

/// A bound address that is not served yet.
#[derive(Debug)]
#[must_use = "it serves only after `serve` is called"]
pub struct Listener(Socket);

impl Listener {
    /// Binds `host:port`, `[::1]:port`, `:port` for all interfaces, IPv6 and IPv4 alike, or
    /// `unix:PATH`.
    pub async fn bind(address: &str) -> io::Result<Self> {
        bind(address).await.map(Self)
    }

    /// Returns the sockets that systemd has bound.
    ///
    /// # Errors
    ///
    /// If there is none, or one of another kind.
    pub fn inherited() -> io::Result<Vec<Self>> {
        let sockets = inherited()?;
        Ok(sockets.into_iter().map(Self).collect())
    }

    /// Returns the bound address. If the port was 0, it has the port that the system chose. `None` for
    /// a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// Returns the address for the log.
    pub fn display_address(&self) -> String {
        match &self.0 {
            Socket::Tcp(socket) => socket
                .local_addr()
                .map_or_else(|error| error.to_string(), |it| it.to_string()),
            Socket::Unix(socket) => {
                let address = socket.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                path.map_or_else(
                    || "unix".to_owned(),
                    |path| format!("unix:{}", path.display()),
                )
            }
        }
    }

    /// Serves until `shutdown`, then waits for requests in flight within [`Limits::drain`].
    ///
    /// [`Limits::drain`]: super::Limits::drain
    pub async fn serve(
        self,
        content: Arc<dyn Content>,
        options: Options,
        shutdown: impl Future<Output = ()>,
    ) {
        match self.0 {
            Socket::Tcp(socket) => serve_at(socket, content, options, shutdown).await,
            Socket::Unix(socket) => serve_at(socket, content, options, shutdown).await,
        }
    }
}

async fn serve_at(
    socket: impl Accept,
    content: Arc<dyn Content>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) {
    let (running, stopped) = watch::channel(());
    let server = Arc::new(ConnectionServer::new(content, &options, stopped));
    let connections = options.connections;
    let mut tasks = JoinSet::new();
    let accept_loop = async {
        let (mut failures, mut panics) = (Throttle::default(), Throttle::default());
        loop {
            let (stream, peer) = accept(&socket, &connections, &mut failures).await;
            let permit = connections.admit(peer.address()).await;
            let stream = AbortableStream::new(stream, Arc::clone(permit.state()));
            while let Some(ended) = tasks.try_join_next() {
                log_panic(ended, &mut panics);
            }
            let server = Arc::clone(&server);
            tasks.spawn(async move { server.serve(stream, peer, permit).await });
        }
    };
    tokio::select! {
        biased;
        () = pin!(shutdown) => {}
        never = accept_loop => never,
    }
    drop(socket);
    drop(running);
    drain(tasks, options.limits.drain).await;
}

async fn accept<A: Accept>(
    socket: &A,
    connections: &Connections,
    failures: &mut Throttle,
) -> (A::Stream, Peer) {
    loop {
        match socket.accept_connection().await {
            Ok(accepted) => return accepted,
            // The client left while it was in the queue, which says nothing about the next client.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Out of descriptors or memory: an immediate retry would fail again.
            Err(error) => {
                connections.make_room();
                if let Some(failures) = failures.count() {
                    warn!(
                        %error,
                        failures,
                        "cannot accept connections, retrying; raise the limit of open files (RLIMIT_NOFILE) if it is reached"
                    );
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

async fn drain(mut tasks: JoinSet<()>, time: Duration) {
    let mut panics = Throttle::default();
    let all_ended = async {
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended, &mut panics);
        }
    };
    if timeout(time, all_ended).await.is_err() {
        warn!(
            connections = tasks.len(),
            ?time,
            "connections closed: their requests did not end in time"
        );
        tasks.shutdown().await;
    }
}

/// Logs a panic, which ends only its own connection.
fn log_panic(ended: Result<(), JoinError>, panics: &mut Throttle) {
    if let Err(error) = ended
        && let Some(panics) = panics.count()
    {
        error!(%error, panics, "a connection task panicked");
    }
}
