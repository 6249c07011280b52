//! Free ports, each given once, outside of the range that the kernel takes for connections.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the range from which the kernel gives a connection its own port: a daemon that is killed
/// and started again finds its port free.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// An address on loopback that nobody listens to.
#[must_use]
pub fn free() -> SocketAddr {
    // Two test programs at once begin at different places.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset = (u32::from(start) * 37 + u32::from(step)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).unwrap_or(0);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
