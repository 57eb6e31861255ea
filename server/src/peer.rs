//! Where a request comes from: the address of the connection, or the one that a trusted proxy names.
//!
//! Invariant: what a client writes about itself counts only when the connection is that of a proxy which the operator named.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use protocol::Digest;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client's address.
    pub ip: IpAddr,
    /// Whether it came through TLS, to this server or to a trusted proxy.
    pub secure: bool,
}

impl Peer {
    /// The address under which a client is counted: all that one IPv6 subscriber has is one.
    pub fn place(&self) -> IpAddr {
        place(self.ip)
    }
}

/// An address, or for IPv6 the first 64 bits of it: what one subscriber has.
pub fn place(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & mask(64, 128))),
        v4 => v4,
    }
}

/// Digest of an address, so that addresses are told apart and not kept.
pub fn digest(ip: IpAddr) -> u64 {
    let digest = Digest::of(ip.to_canonical().to_string().as_bytes());
    digest.0[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Digest of the network that an address belongs to: its first 24 bits, or 64 of an IPv6 address. Never 0.
pub fn network(ip: IpAddr) -> u64 {
    let network = match place(ip) {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & 0xffff_ff00)),
        v6 => v6,
    };
    digest(network).max(1)
}

/// The first `bits` of `width`.
fn mask(bits: u32, width: u32) -> u128 {
    let all = u128::MAX >> (128 - width);
    match bits {
        0 => 0,
        bits => all & (all << (width - bits)),
    }
}

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    first: IpAddr,
    bits: u32,
}

fn number(ip: IpAddr) -> (u128, u32) {
    match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    }
}

impl Range {
    fn contains(&self, ip: IpAddr) -> bool {
        let ((first, width), (ip, other)) = (number(self.first), number(ip));
        width == other && (first ^ ip) & mask(self.bits, width) == 0
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("{text:?}: expected an address or a range of them, such as 192.0.2.7, 10.0.0.0/8 or fd00::/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| expected())?;
        let width = number(first).1;
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| expected()))?;
        match bits <= width {
            true => Ok(Self { first, bits }),
            false => Err(expected()),
        }
    }
}

/// An address as proxies write it: by itself, in brackets, or with a port behind it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let with_port = || text.parse().ok().map(|both: SocketAddr| both.ip());
    let ip = bare.unwrap_or(text).parse().ok().or_else(with_port)?;
    Some(ip.to_canonical())
}

/// The proxies that the operator trusts.
#[derive(Clone, Debug, Default)]
pub struct Proxies(pub Vec<Range>);

impl Proxies {
    /// Whether an address is one of theirs.
    pub fn contain(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|range| range.contains(ip))
    }

    /// Where a request comes from. Each proxy appends the address that it sees to `X-Forwarded-For`: the last one that is no trusted proxy's is the client's.
    pub fn peer(&self, connection: IpAddr, secure: bool, headers: &HeaderMap) -> Peer {
        let ip = connection.to_canonical();
        if !self.contain(ip) {
            return Peer { ip, secure };
        }
        let texts = headers.get_all("x-forwarded-for").iter().rev();
        let addresses = texts
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.rsplit(','))
            .map_while(address);
        let mut client = ip;
        for address in addresses {
            client = address;
            if !self.contain(address) {
                break;
            }
        }
        let scheme = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        Peer {
            ip: client,
            secure: secure || scheme.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies(ranges: &[&str]) -> Proxies {
        Proxies(ranges.iter().map(|range| range.parse().unwrap()).collect())
    }

    fn forwarded(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", text.parse().unwrap());
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        headers
    }

    #[test]
    fn what_a_client_says_of_itself_counts_through_a_trusted_proxy_alone() {
        let proxies = proxies(&["10.0.0.0/8", "fd00::/8", "192.0.2.7"]);
        let from = |connection: &str, text: &str| proxies.peer(ip(connection), false, &forwarded(text)).ip;
        assert_eq!(from("198.51.100.1", "203.0.113.9"), ip("198.51.100.1"), "a stranger's word");
        assert_eq!(from("10.1.2.3", "203.0.113.9"), ip("203.0.113.9"));
        assert_eq!(
            from("::ffff:10.1.2.3", "203.0.113.9"),
            ip("203.0.113.9"),
            "on a socket for both"
        );
        assert_eq!(
            from("10.1.2.3", "1.1.1.1, 203.0.113.9, 192.0.2.7"),
            ip("203.0.113.9"),
            "the client's own header first"
        );
        assert_eq!(from("fd00::1", "garbage, 10.9.9.9"), ip("10.9.9.9"));
        assert_eq!(from("192.0.2.7", "garbage"), ip("192.0.2.7"));
        assert_eq!(from("192.0.2.8", "203.0.113.9"), ip("192.0.2.8"), "one address is one");
        for (text, address) in [
            ("203.0.113.9:52011", "203.0.113.9"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("203.0.113.9:52011, 10.0.0.7:80", "203.0.113.9"),
        ] {
            assert_eq!(from("10.1.2.3", text), ip(address), "{text}");
        }
        assert!(proxies.peer(ip("10.0.0.1"), false, &forwarded("1.1.1.1")).secure);
        assert!(!proxies.peer(ip("11.0.0.1"), false, &forwarded("1.1.1.1")).secure);
    }

    #[test]
    fn ranges_are_read_and_what_is_none_is_refused_with_an_example() {
        for wrong in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "fd00::/129",
            "10.0.0.0/-1",
            "host",
            "10.0.0.0/8/8",
        ] {
            let error = wrong.parse::<Range>().unwrap_err();
            assert!(error.contains("10.0.0.0/8"), "{error}");
        }
        assert!(proxies(&["0.0.0.0/0"]).contain(ip("255.1.2.3")) && !proxies(&["0.0.0.0/0"]).contain(ip("::1")));
        assert!(proxies(&["::1"]).contain(ip("::1")));
    }

    proptest! {
        #[test]
        fn a_stranger_is_itself_whatever_it_sends(connection in any::<u32>(), text in "[ -~]{0,80}") {
            let connection = IpAddr::V4(Ipv4Addr::from_bits(connection | 1 << 31));
            let peer = proxies(&["10.0.0.0/8", "127.0.0.1"]).peer(connection, false, &forwarded(&text));
            prop_assert_eq!(peer, Peer { ip: connection, secure: false });
        }

        #[test]
        fn networks_are_of_24_and_64_bits(a in any::<u32>(), b in any::<u32>(), c in any::<u128>(), d in any::<u128>()) {
            let v4 = |bits| network(IpAddr::V4(Ipv4Addr::from_bits(bits)));
            prop_assert_eq!(v4(a) == v4(b), a >> 8 == b >> 8);
            prop_assert_eq!(v4(a), v4(a ^ 0x55));
            let v6 = |bits: u128| network(IpAddr::V6(Ipv6Addr::from_bits(bits | 1 << 127)));
            prop_assert_eq!(v6(c) == v6(d), (c | 1 << 127) >> 64 == (d | 1 << 127) >> 64);
        }
    }
}
