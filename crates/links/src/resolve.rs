//! Names become addresses here, and only those that the policy lets pass come out. The connection is made to exactly
//! these, so a name that answers differently a moment later changes nothing.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Cause, Policy};

/// More addresses than this are not tried.
const MAX_ADDRESSES: usize = 16;

/// The answer of a [`Lookup`] to come. None at all means that the name does not exist.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Turns a host name into addresses.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `host`; [`io::ErrorKind::NotFound`] or an empty list if there is no such name.
    fn lookup(&self, host: &str) -> Looking;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> Looking {
        let host = host.to_owned();
        Box::pin(async move {
            let sockets = tokio::net::lookup_host((host, 0)).await.map_err(name_not_found)?;
            Ok(sockets.map(|socket| socket.ip()).collect())
        })
    }
}

/// The system tells "no such name" from "could not ask" only by its words, those of glibc and musl.
fn name_not_found(error: io::Error) -> io::Error {
    const WORDS: [&str; 4] =
        ["Name or service not known", "No address associated", "Name does not resolve", "Name has no usable address"];
    let text = error.to_string();
    if WORDS.iter().any(|words| text.contains(words)) { io::Error::new(io::ErrorKind::NotFound, text) } else { error }
}

pub(crate) struct FilteredResolver {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) policy: Arc<Policy>,
}

impl Resolve for FilteredResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let looking = self.lookup.lookup(&host);
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let addresses = addresses(&host, looking.await)?;
            let allowed = policy.filter(&host, addresses).map_err(Cause::Refused)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn addresses(host: &str, answer: io::Result<Vec<IpAddr>>) -> Result<Vec<SocketAddr>, Cause> {
    match answer {
        Ok(addresses) if !addresses.is_empty() => {
            Ok(addresses.into_iter().take(MAX_ADDRESSES).map(|address| SocketAddr::new(address, 0)).collect())
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Cause::Lookup { host: host.to_owned(), reason: error.to_string() })
        }
        _ => Err(Cause::NoSuchHost { host: host.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_name_is_told_from_a_silent_resolver() {
        let of = |error: io::Error| addresses("x", Err(name_not_found(error))).unwrap_err();
        let system = |text: &str| io::Error::other(format!("failed to lookup address information: {text}"));
        assert!(matches!(of(system("Name or service not known")), Cause::NoSuchHost { .. }));
        assert!(matches!(of(system("No address associated with hostname")), Cause::NoSuchHost { .. }));
        assert!(matches!(of(system("Temporary failure in name resolution")), Cause::Lookup { .. }));
        assert!(matches!(addresses("x", Ok(Vec::new())), Err(Cause::NoSuchHost { .. })));
    }

    #[tokio::test]
    async fn only_allowed_addresses_come_out() {
        struct Fixed;
        impl Lookup for Fixed {
            fn lookup(&self, _: &str) -> Looking {
                Box::pin(async { Ok(vec!["10.0.0.1".parse().unwrap(), "8.8.8.8".parse().unwrap()]) })
            }
        }
        let resolver = FilteredResolver { lookup: Arc::new(Fixed), policy: Arc::default() };
        let allowed = resolver.resolve("x.example".parse().unwrap()).await.ok().unwrap();
        assert_eq!(allowed.map(|socket| socket.to_string()).collect::<Vec<_>>(), ["8.8.8.8:0"]);
    }
}
