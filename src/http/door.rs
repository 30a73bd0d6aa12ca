//! Where connections come in: over the network, or from this machine.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tracing::debug;

/// A socket that connections come in by.
pub(super) trait Door {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and whose it is.
    async fn open(&self) -> io::Result<(Self::Stream, Peer)>;
}

/// Whose a connection is, for the log.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    Network(SocketAddr),
    Machine,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Network(address)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
            Self::Machine => f.write_str("unix"),
        }
    }
}

impl Door for TcpListener {
    type Stream = TcpStream;

    async fn open(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, peer) = self.accept().await?;
        // Without it a small response may wait for the client's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "TCP_NODELAY");
        }
        Ok((stream, peer.into()))
    }
}

impl Door for UnixListener {
    type Stream = UnixStream;

    async fn open(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.accept().await?;
        Ok((stream, Peer::Machine))
    }
}
