//! Sockets that accept connections: TCP and Unix.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tracing::debug;

use super::connection_state::ConnectionState;

/// A listening socket.
pub(super) trait Accept {
    /// A connection.
    type Stream: Stream;

    /// Accepts the next connection and returns it with its peer.
    async fn accept_connection(&self) -> io::Result<(Self::Stream, Peer)>;
}

/// A connection's socket.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes closing the socket discard unsent bytes. Otherwise the kernel would keep them for a
    /// client that may never read them.
    fn discard_unsent(&self);
}

impl Stream for TcpStream {
    fn discard_unsent(&self) {
        if let Err(error) = self.set_zero_linger() {
            debug!(%error, "SO_LINGER");
        }
    }
}

impl Stream for UnixStream {
    /// The kernel buffer is small, and the kernel frees it when the client's process ends.
    fn discard_unsent(&self) {}
}

/// A socket that discards unsent bytes if its connection is aborted.
#[derive(Debug)]
pub(super) struct AbortableStream<S: Stream> {
    stream: S,
    state: Arc<ConnectionState>,
}

impl<S: Stream> AbortableStream<S> {
    pub(super) fn new(stream: S, state: Arc<ConnectionState>) -> Self {
        Self { stream, state }
    }
}

impl<S: Stream> Drop for AbortableStream<S> {
    fn drop(&mut self) {
        if self.state.is_aborted() {
            self.stream.discard_unsent();
        }
    }
}

impl<S: Stream> AsyncRead for AbortableStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: Stream> AsyncWrite for AbortableStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The client of a connection, for the log.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// A client that is connected over TCP, from this address.
    Tcp(SocketAddr),
    /// A process of this machine that is connected to the Unix socket.
    Unix,
}

impl Peer {
    /// Returns the client's address, or `None` for a Unix socket.
    pub(super) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept_connection(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, peer) = self.accept().await?;
        // Without it a small response may wait for the client's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "TCP_NODELAY");
        }
        Ok((stream, peer.into()))
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept_connection(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.accept().await?;
        Ok((stream, Peer::Unix))
    }
}
