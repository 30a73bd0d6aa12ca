//! Binds the addresses of `--web.listen-address`, and takes the sockets of systemd.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Type};
use tokio::net::{TcpListener, UnixListener, UnixStream, lookup_host};

use crate::escape::visible;

/// A bound socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The prefix of the address of a Unix socket.
const UNIX: &str = "unix:";

/// Binds `host:port`, `[::1]:port`, `:port` for all interfaces, IPv6 and IPv4 alike, or
/// `unix:PATH`.
pub(super) async fn bind(address: &str) -> io::Result<Socket> {
    let bound = if let Some(path) = address.strip_prefix(UNIX) {
        bind_unix(Path::new(path)).await.map(Socket::Unix)
    } else if let Some(port) = address.strip_prefix(':') {
        bind_all_interfaces(port).map(Socket::Tcp)
    } else {
        bind_first(address).await.map(Socket::Tcp)
    };
    bound.map_err(|error| {
        let hint = "give a free address as host:port or unix:PATH";
        let address = visible(address);
        let message = format!("cannot listen on {address}: {error}; {hint}");
        io::Error::new(error.kind(), message)
    })
}

/// Returns the sockets that systemd has bound and passed to the process.
pub(super) fn inherited() -> io::Result<Vec<Socket>> {
    let mut handed_over = ListenFd::from_env();
    let sockets = (0..handed_over.len()).map(|at| {
        if let Ok(Some(socket)) = handed_over.take_tcp_listener(at) {
            socket.set_nonblocking(true)?;
            bound_buffers(&SockRef::from(&socket))?;
            return TcpListener::from_std(socket).map(Socket::Tcp);
        }
        let socket = handed_over.take_unix_listener(at)?;
        let socket = socket.ok_or_else(|| io::Error::other("a socket was taken twice"))?;
        socket.set_nonblocking(true)?;
        UnixListener::from_std(socket).map(Socket::Unix)
    });
    let sockets: Vec<Socket> = sockets.collect::<io::Result<_>>()?;
    if sockets.is_empty() {
        let message = "systemd has passed no socket; start the service through its .socket unit";
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    Ok(sockets)
}

/// Binds a Unix socket. The socket file of a killed process remains, so a file on which no
/// process listens is replaced.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = std::fs::symlink_metadata(path)
                .is_ok_and(|it| std::os::unix::fs::FileTypeExt::is_socket(&it.file_type()));
            if !is_socket || UnixStream::connect(path).await.is_ok() {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

fn bind_all_interfaces(port: &str) -> io::Result<TcpListener> {
    let port = port
        .parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not a port number"))?;
    match bind_one(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        // A port in use is an error for IPv4 too. Any other error may mean that the system has no
        // IPv6.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            bind_one(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
        }
        bound => bound,
    }
}

async fn bind_first(address: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in lookup_host(address).await? {
        match bind_one(candidate) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        // The default depends on the system. As in Go, [::] accepts IPv4 too.
        socket.set_only_v6(false)?;
    }
    if cfg!(unix) {
        // A restart must not wait for old connections in TIME_WAIT. On other systems the option has
        // another meaning.
        socket.set_reuse_address(true)?;
    }
    bound_buffers(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Limits the kernel buffers of accepted connections, which inherit both sizes. By default they
/// grow to about 4 MB for a client that does not read, and to 6 MB for a client that keeps sending.
fn bound_buffers(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
}

/// Linux doubles it to have room for its own bookkeeping.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// Requests are small.
const RECEIVE_BUFFER_BYTES: usize = 32 * 1024;

/// The number of connections that the kernel may complete before the exporter accepts them; the
/// kernel may allow fewer. If the queue is full, a client retries after a second.
const BACKLOG: i32 = 4096;
