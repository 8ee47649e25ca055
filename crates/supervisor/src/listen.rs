//! The sockets that people reach us on. The supervisor holds them, so that a restart of the website refuses nobody.

use crate::error::SupervisorError;
use nix::sys::socket::{Backlog, listen};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// Connections that may wait for a website that is being restarted. The kernel cuts it to its own limit.
const BACKLOG: i32 = 1024;

/// Listens on `address`, or on a socket that the service manager has handed to us. With `elsewhere`, a taken address
/// is replaced by a free port of this machine.
///
/// # Errors
/// The address is taken, or not ours.
pub(crate) fn website_listener(address: SocketAddr, elsewhere: bool) -> Result<TcpListener, SupervisorError> {
    if std::env::var_os("LISTEN_PID").is_some()
        && let Ok(Some(inherited)) = listenfd::ListenFd::from_env().take_tcp_listener(0)
    {
        return Ok(inherited);
    }
    match bind(address) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if elsewhere {
                return free_port().map_err(|source| SupervisorError::Address { address, source });
            }
            Err(SupervisorError::AddressTaken(address))
        }
        Err(source) => Err(SupervisorError::Address { address, source }),
    }
}

/// Listens on a free port of this machine.
///
/// # Errors
/// There is none.
pub(crate) fn free_port() -> io::Result<TcpListener> {
    bind((Ipv4Addr::LOCALHOST, 0).into())
}

/// Where to reach a listener from this machine.
#[must_use]
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback =
            if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    address
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // The library's own queue is short.
    listen(&listener, Backlog::new(BACKLOG)?)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_address_is_named_or_avoided() {
        let taken = free_port().unwrap();
        let address = taken.local_addr().unwrap();
        let error = website_listener(address, false).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{address} is taken by another program")), "{error}");
        assert_eq!(error.exit_code(), trawl_settings::exit::ADDRESS);
        let other = website_listener(address, true).unwrap().local_addr().unwrap();
        assert_ne!(other.port(), address.port());
    }

    #[test]
    fn a_wildcard_is_reached_over_loopback() {
        assert_eq!(reachable("0.0.0.0:80".parse().unwrap()).to_string(), "127.0.0.1:80");
        assert_eq!(reachable("[::]:80".parse().unwrap()).to_string(), "[::1]:80");
        assert_eq!(reachable("10.0.0.1:80".parse().unwrap()).to_string(), "10.0.0.1:80");
    }
}
