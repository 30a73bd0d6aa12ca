//! Serves accepted connections: the TLS handshake if TLS is configured, then the HTTP version that
//! the client negotiated.

use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::accept::Peer;
use super::connection::{self, Protocol};
use super::connections::ConnectionPermit;
use super::content::Content;
use super::options::Options;
use super::routes::Routes;
use super::time_limits::Limits;

/// Serves the connections of one listener.
pub struct ConnectionServer {
    routes: Arc<Routes>,
    limits: Limits,
    /// Loses its sender when the listener stops.
    stopped: watch::Receiver<()>,
}

impl ConnectionServer {
    /// Creates a server. Its connections finish when the sender of `stopped` is dropped.
    pub fn new(content: Arc<dyn Content>, options: &Options, stopped: watch::Receiver<()>) -> Self {
        Self {
            routes: Arc::new(Routes::new(content, options)),
            limits: options.limits.clone(),
            stopped,
        }
    }

    /// Serves one connection until either side ends it or it exceeds a limit.
    pub async fn serve<S>(&self, stream: S, peer: impl Into<Peer>, permit: ConnectionPermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let peer = peer.into();
        let config = tokio::select! {
            config = self.routes.tls() => config,
            // Reading the certificates may take a while.
            () = permit.state().close_requested() => return,
        };
        let Some(config) = config else {
            return self
                .serve_http(stream, peer, &permit, Protocol::Http1)
                .await;
        };
        match self.handshake(stream, config, &permit).await {
            Ok(stream) => {
                let (_, session) = stream.get_ref();
                let protocol = match session.alpn_protocol() {
                    Some(b"h2") => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                self.serve_http(stream, peer, &permit, protocol).await;
            }
            Err(why) => debug!(%peer, why, "TLS handshake failed"),
        }
    }

    async fn serve_http<S>(
        &self,
        stream: S,
        peer: Peer,
        permit: &ConnectionPermit,
        protocol: Protocol,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let routes = Arc::clone(&self.routes);
        let (limits, stopped) = (&self.limits, self.stopped.clone());
        connection::serve(stream, peer, permit, routes, limits, stopped, protocol).await;
    }

    /// Performs the handshake. A new connection may take the permit of a client that is slow with
    /// its handshake.
    async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        config: Arc<ServerConfig>,
        permit: &ConnectionPermit,
    ) -> Result<TlsStream<S>, String> {
        let mut stopped = self.stopped.clone();
        let handshake = TlsAcceptor::from(config).accept(stream);
        tokio::select! {
            result = timeout(self.limits.headers, handshake) => match result {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_) => Err("the handshake timed out".to_owned()),
            },
            () = permit.state().close_requested() => Err("closed to make room for a new connection".to_owned()),
            _ = stopped.changed() => Err("the exporter is stopping".to_owned()),
        }
    }
}
