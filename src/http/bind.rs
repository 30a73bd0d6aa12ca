//! From an address as people write it to a bound socket.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// Binds `host:port`, `[::1]:port`, or `:port` for all interfaces, IPv6 and IPv4 alike.
pub(super) async fn bind(address: &str) -> io::Result<TcpListener> {
    let bound = match address.strip_prefix(':') {
        Some(port) => bind_all_interfaces(port),
        None => bind_first(address).await,
    };
    bound.map_err(|error| {
        let hint = "give a free address as host:port";
        let message = format!("cannot listen on {address}: {error}; {hint}");
        io::Error::new(error.kind(), message)
    })
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
    let socket = Socket::new(
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
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Connections that the kernel completes ahead of us; it may allow fewer.
const BACKLOG: i32 = 1024;
