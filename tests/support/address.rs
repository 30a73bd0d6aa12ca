//! Addresses for processes that are to listen.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The first of the ports that are given away here. Linux gives away those from 32768 on, to
/// whoever connects or asks for any port.
const FIRST: u16 = 20_000;

/// Test programs that run at the same time begin at different ones of so many.
const SPREAD: u32 = 10_000;

/// A loopback address that nobody listens on, and that nobody is given before it is used.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = u16::try_from(std::process::id() % SPREAD).expect("it is below the spread");
    loop {
        let port = FIRST + spread + NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
