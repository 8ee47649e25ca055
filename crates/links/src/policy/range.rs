//! The address ranges that are no place on the public Internet, from IANA's special-purpose registries.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// `0.0.0.0/8`, `::`
    Unspecified,
    /// `127.0.0.0/8`, `::1`
    Loopback,
    /// RFC 1918
    Private,
    /// `100.64.0.0/10`, between a provider and its customers
    CarrierGrade,
    /// `169.254.0.0/16`, `fe80::/10`
    LinkLocal,
    /// Where clouds tell their machines secrets
    Metadata,
    /// `224.0.0.0/4`, `ff00::/8`
    Multicast,
    /// `255.255.255.255`
    Broadcast,
    /// `fc00::/7`
    UniqueLocal,
    /// `fec0::/10`
    SiteLocal,
    /// For examples in documents
    Documentation,
    /// `198.18.0.0/15`, `2001:2::/48`
    Benchmarking,
    /// Set aside for other purposes
    Reserved,
}

impl Range {
    /// The range that `address` belongs to, or that an IPv4 address inside of it belongs to; none if it is public.
    #[must_use]
    pub fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "this machine itself",
            Self::Private => "a private address",
            Self::CarrierGrade => "an address inside of a provider's network",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the metadata service of a cloud",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::UniqueLocal => "a unique local address",
            Self::SiteLocal => "a site-local address",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Reserved => "a reserved address",
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

fn of_v4(address: Ipv4Addr) -> Option<Range> {
    Some(match address.octets() {
        // Those of most clouds, of Oracle, of Azure, of Alibaba.
        [169, 254, 169, 254] | [192, 0, 0, 192] | [168, 63, 129, 16] | [100, 100, 100, 200] => Range::Metadata,
        [0, ..] => Range::Unspecified,
        [127, ..] => Range::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Range::Private,
        [100, 64..=127, ..] => Range::CarrierGrade,
        [169, 254, ..] => Range::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Range::Documentation,
        [198, 18 | 19, ..] => Range::Benchmarking,
        [255, 255, 255, 255] => Range::Broadcast,
        [224..=239, ..] => Range::Multicast,
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => Range::Reserved,
        _ => return None,
    })
}

fn of_v6(address: Ipv6Addr) -> Option<Range> {
    if let Some(inner) = address.to_ipv4_mapped() {
        return of_v4(inner);
    }
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Range::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Range::Loopback,
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254] => Range::Metadata,
        // A compatible address has no use today but to get past a filter; what is in it says how bad it is.
        [0, 0, 0, 0, 0, 0, ..] => last(address).unwrap_or(Range::Reserved),
        [0x2002, high, low, ..] => return of_v4(joined(high, low)),
        [0x2001, 0, high, low, _, _, h, l] => {
            return of_v4(joined(high, low)).or_else(|| of_v4(joined(!h, !l)));
        }
        [0x2001, 2, 0, ..] => Range::Benchmarking,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Range::Documentation,
        [0x2001, 0..=0x1ff, ..] => Range::Reserved,
        [0xfc00..=0xfdff, ..] => Range::UniqueLocal,
        [0xfe80..=0xfebf, ..] => Range::LinkLocal,
        [0xfec0..=0xfeff, ..] => Range::SiteLocal,
        [0xff00..=0xffff, ..] => Range::Multicast,
        // NAT64, and ISATAP, whose interface part says that an IPv4 address follows.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, ..] => return last(address),
        [0x2000..=0x3fff, ..] => return None,
        _ => Range::Reserved,
    })
}

/// The range of the IPv4 address in the last four bytes.
fn last(address: Ipv6Addr) -> Option<Range> {
    let [.., high, low] = address.segments();
    of_v4(joined(high, low))
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Option<Range> {
        Range::of(text.parse().unwrap())
    }

    #[test]
    fn every_range_has_its_name() {
        for (range, addresses) in [
            (Range::Unspecified, &["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"][..]),
            (Range::Loopback, &["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::127.0.0.2"]),
            (Range::Private, &["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "64:ff9b::10.0.0.1"]),
            (Range::CarrierGrade, &["100.64.0.1", "100.127.255.255"]),
            (Range::LinkLocal, &["169.254.0.1", "fe80::1", "febf::1"]),
            (Range::Metadata, &["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "2002:a9fe:a9fe::1"]),
            (Range::Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            (Range::Broadcast, &["255.255.255.255"]),
            (Range::UniqueLocal, &["fc00::1", "fdff::1"]),
            (Range::SiteLocal, &["fec0::1", "feff::1"]),
            (Range::Documentation, &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"]),
            (Range::Benchmarking, &["198.18.0.1", "198.19.255.255", "2001:2::1"]),
            (
                Range::Reserved,
                &[
                    "240.0.0.1",
                    "192.0.0.1",
                    "192.88.99.1",
                    "100::1",
                    "2001:20::1",
                    "64:ff9b:1::1",
                    "::8.8.8.8",
                    "5f00::1",
                    "4000::1",
                    "::ffff:0:8.8.8.8",
                ],
            ),
        ] {
            for address in addresses {
                assert_eq!(of(address), Some(range), "{address}");
            }
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00::1",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:4860::8888",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(of(address), None, "{address}");
        }
    }

    #[test]
    fn tunnels_are_seen_through() {
        assert_eq!(of("2001:0:808:808:0:0:80ff:fffe"), Some(Range::Loopback), "the client of a Teredo address");
        assert_eq!(of("2001:0:a00:1:0:0:f7f7:f7f7"), Some(Range::Private), "its server");
        assert_eq!(of("2606:4700::5efe:10.0.0.1"), Some(Range::Private), "ISATAP");
    }

    proptest! {
        #[test]
        fn an_address_is_never_freer_inside_of_another(high in any::<u16>(), low in any::<u16>()) {
            let inner = joined(high, low);
            if let Some(range) = of_v4(inner) {
                for outer in [
                    inner.to_ipv6_mapped(),
                    Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                    Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                    Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
                ] {
                    prop_assert_eq!(of_v6(outer), Some(range));
                }
            }
        }
    }
}
