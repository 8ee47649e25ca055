//! What may be asked from here. A page's author chooses where its links lead; we sit inside of somebody's network.

mod range;

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::{Host, Url};

pub use range::Range;

/// The rules. Only http and https, no credentials, and only public addresses but for the networks that are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    allow_networks: Vec<IpNet>,
}

/// Why a request is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another scheme.
    #[error("only http and https are asked, not {0}")]
    Scheme(String),
    /// A user name or password in the URL.
    #[error("the address holds a user name or password, which are never sent")]
    Credentials,
    /// No host in the URL.
    #[error("the address names no host")]
    NoHost,
    /// All addresses of the host are in networks that are not asked.
    #[error("{host} is {range} ({address}); to ask it, name its network in `links.allow_networks`")]
    Address {
        /// As in the URL.
        host: String,
        /// One of the addresses.
        address: IpAddr,
        /// What kind of address that is.
        range: Range,
    },
}

impl Policy {
    /// Public addresses, and those in `allow_networks`.
    #[must_use]
    pub fn new(allow_networks: Vec<IpNet>) -> Self {
        Self { allow_networks }
    }

    /// Whether `url` may be asked at all. A literal address is judged here: no resolver is asked about it.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let address: IpAddr = match url.host() {
            None => return Err(Refusal::NoHost),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
        };
        self.refusing(address).map_or(Ok(()), |range| {
            Err(Refusal::Address { host: url.host_str().unwrap_or_default().to_owned(), address, range })
        })
    }

    /// Those of a name's addresses that may be dialled; an error if there are addresses, but none of these.
    pub fn filter(&self, host: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
        let mut refusal = None;
        let mut allowed = Vec::with_capacity(addresses.len());
        for socket in addresses {
            match self.refusing(socket.ip()) {
                None => allowed.push(socket),
                Some(range) => {
                    refusal.get_or_insert(Refusal::Address { host: host.to_owned(), address: socket.ip(), range });
                }
            }
        }
        match refusal {
            Some(refusal) if allowed.is_empty() => Err(refusal),
            _ => Ok(allowed),
        }
    }

    /// The range for which `address` is refused.
    fn refusing(&self, address: IpAddr) -> Option<Range> {
        let range = Range::of(address)?;
        // A mapped address is dialled as the IPv4 address in it, so both spellings of a network name it.
        let named = |address: IpAddr| self.allow_networks.iter().any(|network| network.contains(&address));
        (!named(address) && !named(address.to_canonical())).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(networks: &[&str]) -> Policy {
        Policy::new(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn verdict(policy: &Policy, url: &str) -> Result<(), Refusal> {
        policy.check_url(&url.parse().unwrap())
    }

    #[test]
    fn odd_spellings_of_the_loopback_are_seen_through() {
        let closed = policy(&[]);
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.01/",
            "http://127.0.0.1./",
            "http://①②⑦.⓪.⓪.①/",
            "http://%31%32%37.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[0:0:0:0:0:ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2001:0:7f00:1::]/",
            "http://[2001:0:5db8:d822:0:0:80ff:fffe]/",
        ] {
            assert!(matches!(verdict(&closed, url), Err(Refusal::Address { .. })), "{url}");
        }
    }

    #[test]
    fn a_named_network_is_asked() {
        let open = policy(&["127.0.0.0/8", "fd00:1::/64"]);
        for url in ["http://127.9.9.9/", "http://[::ffff:127.0.0.1]/", "http://[fd00:1::1]/", "https://93.184.216.34/"]
        {
            assert_eq!(verdict(&open, url), Ok(()), "{url}");
        }
        for url in ["http://[fd00:2::1]/", "http://[::1]/", "http://[64:ff9b::7f00:1]/", "http://10.0.0.1/"] {
            assert!(verdict(&open, url).is_err(), "{url}");
        }
    }

    #[test]
    fn schemes_and_credentials() {
        let closed = policy(&[]);
        assert_eq!(verdict(&closed, "ftp://example.com/"), Err(Refusal::Scheme("ftp".into())));
        for url in ["http://user@example.com/", "http://:pw@example.com/"] {
            assert_eq!(verdict(&closed, url), Err(Refusal::Credentials), "{url}");
        }
        assert_eq!(verdict(&closed, "http://example.com/"), Ok(()));
    }

    #[test]
    fn of_many_addresses_only_the_allowed_remain() {
        let sockets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let closed = policy(&[]);
        let mixed = sockets(&["10.0.0.1:0", "93.184.216.34:0", "[fe80::1]:0"]);
        assert_eq!(closed.filter("x", mixed), Ok(sockets(&["93.184.216.34:0"])));
        let refusal = closed.filter("x.example", sockets(&["10.0.0.1:0", "127.0.0.1:0"])).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "x.example is a private address (10.0.0.1); to ask it, name its network in `links.allow_networks`"
        );
        assert_eq!(closed.filter("x", Vec::new()), Ok(Vec::new()));
    }
}
