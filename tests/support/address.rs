//! Loopback addresses for processes that listen.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port that is handed out here. Linux picks ports from 32768 on for clients and for
/// port 0.
const FIRST: u16 = 20_000;

/// The number of ports over which test programs that run at the same time spread their first one.
const SPREAD: u32 = 10_000;

/// Returns a loopback address that no process listens on, a new one each time.
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
