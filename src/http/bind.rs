//! From an address as people write it to a bound socket.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Type};
use tokio::net::{TcpListener, UnixListener, UnixStream, lookup_host};

/// A bound socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What a Unix socket's address begins with.
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
        let message = format!("cannot listen on {address}: {error}; {hint}");
        io::Error::new(error.kind(), message)
    })
}

/// The sockets that systemd has bound and handed over.
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
        let message = "systemd has handed no socket over; start the unit by its .socket unit";
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    Ok(sockets)
}

/// A socket's file stays behind when its process is killed: one that nobody answers on is taken
/// over.
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
        // A port in use is in use; anything else may mean that there is no IPv6 here.
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
        // The system's default may be either; [::] is to take IPv4 as well, as it does in Go.
        socket.set_only_v6(false)?;
    }
    if cfg!(unix) {
        // A restart must not wait for the old connections' TIME_WAIT. Elsewhere the option means
        // something else.
        socket.set_reuse_address(true)?;
    }
    bound_buffers(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Limits what the kernel keeps for each accepted connection, which inherits both sizes. By itself
/// it goes up to some 4 MB for a client that reads nothing, and up to 6 MB from one that sends
/// without end.
fn bound_buffers(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
}

/// Linux doubles it for what it notes beside the bytes.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// Requests are small.
const RECEIVE_BUFFER_BYTES: usize = 32 * 1024;

/// Connections that the kernel completes ahead of us; it may allow fewer. A full queue costs the
/// next client a second, after which it tries again.
const BACKLOG: i32 = 4096;
