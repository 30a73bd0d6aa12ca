//! From a connection to a conversation: TLS first, where it is wanted, and then the HTTP that was
//! agreed on.

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
use super::limits::Limits;
use super::routes::Routes;

/// Serves one connection from its first byte, in the clear or not.
pub(super) async fn serve<S>(
    stream: S,
    peer: Peer,
    permit: ConnectionPermit,
    routes: Arc<Routes>,
    limits: Limits,
    stopped: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = tokio::select! {
        config = routes.tls() => config,
        // The certificates are being read, and that takes its time.
        () = permit.state().close_requested() => return,
    };
    let Some(config) = config else {
        let protocol = Protocol::Http1;
        return connection::serve(stream, peer, permit, routes, limits, stopped, protocol).await;
    };
    let handshake_result = handshake(stream, config, &permit, &limits, stopped.clone());
    match handshake_result.await {
        Ok(stream) => {
            let (_, session) = stream.get_ref();
            let protocol = match session.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            connection::serve(stream, peer, permit, routes, limits, stopped, protocol).await;
        }
        Err(why) => debug!(%peer, why, "no TLS"),
    }
}

/// A newcomer may have the permit of one who does not get on with the handshake.
async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: Arc<ServerConfig>,
    permit: &ConnectionPermit,
    limits: &Limits,
    mut stopped: watch::Receiver<()>,
) -> Result<TlsStream<S>, String> {
    let handshake = TlsAcceptor::from(config).accept(stream);
    tokio::select! {
        handshake_result = timeout(limits.headers, handshake) => match handshake_result {
            Ok(handshake_result) => handshake_result.map_err(|error| error.to_string()),
            Err(_) => Err("the handshake took too long".to_owned()),
        },
        () = permit.state().close_requested() => Err("it made room for a new one".to_owned()),
        _ = stopped.changed() => Err("the exporter stops".to_owned()),
    }
}
