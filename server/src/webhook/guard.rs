//! Which URLs may be told, and which addresses may be connected to.
//!
//! Invariant: a connection goes to a scheme, host and port that the operator listed, and to an address of the public internet or of a range that the operator listed. Names
//! are looked up here and nowhere else: the address that was looked at is the one that is connected to, whatever the name says a moment later.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::LazyLock;

use reqwest::Url;
use reqwest::dns::{Name, Resolve, Resolving};

use crate::peer::{Proxies, Range};

/// Addresses that are no host of the public internet (IANA's special-purpose registries; RFC 6890 and its followers), or that hold another address inside.
const RESERVED: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/3",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "4000::/2",
    "8000::/2",
    "c000::/2",
];

static NOT_PUBLIC: LazyLock<Proxies> = LazyLock::new(|| {
    let ranges = RESERVED.iter().filter_map(|range| range.parse().ok());
    Proxies(ranges.collect())
});

/// A host that may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    scheme: String,
    host: String,
    port: u16,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?}: expected HOST, HOST:PORT or http://HOST:PORT, such as hooks.example.org");
        let with_scheme = match text.contains("://") {
            true => text.to_owned(),
            false => format!("https://{text}"),
        };
        let url = Url::parse(&with_scheme).map_err(|_| expected())?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let target = Self::of(&url).filter(|_| bare && url.username().is_empty() && url.password().is_none());
        target.ok_or_else(expected)
    }
}

impl Target {
    fn of(url: &Url) -> Option<Self> {
        let scheme = url.scheme();
        matches!(scheme, "http" | "https").then_some(())?;
        Some(Self {
            scheme: scheme.to_owned(),
            host: url.host_str()?.trim_end_matches('.').to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

/// What an operator allows.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Hosts that may be told; none, and nothing is sent.
    pub allowed: Vec<Target>,
    /// Ranges of addresses that may be connected to though they are not of the public internet.
    pub private: Vec<Range>,
}

impl Guard {
    /// Whether any host is allowed.
    pub fn allows_any(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// A URL that may be told.
    ///
    /// # Errors
    /// Why it may not be.
    pub fn check(&self, url: &str) -> Result<Url, String> {
        if !self.allows_any() {
            return Err("this server tells nobody when a job ends: its operator allows no host (--webhook-allow)".to_owned());
        }
        let parsed =
            Url::parse(url).map_err(|error| format!("{error}, expected a URL such as https://hooks.example.org/baton"))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("it holds a user name or password, expected none: deliveries are signed".to_owned());
        }
        let target = Target::of(&parsed).filter(|target| self.allowed.contains(target));
        if target.is_none() {
            let found = parsed.host_str().unwrap_or("no host");
            return Err(format!(
                "{}://{found}:{} is not among the hosts that this server's operator allows (--webhook-allow)",
                parsed.scheme(),
                parsed.port_or_known_default().unwrap_or(0)
            ));
        }
        let literal = parsed
            .host_str()
            .map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        if let Some(ip) = literal.and_then(|host| host.parse().ok()) {
            self.may_reach(ip)?;
        }
        Ok(parsed)
    }

    /// Whether an address may be connected to.
    fn may_reach(&self, ip: IpAddr) -> Result<(), String> {
        let is_listed = || Proxies(self.private.clone()).contain(ip);
        match !NOT_PUBLIC.contain(ip) || is_listed() {
            true => Ok(()),
            false => Err(format!(
                "{ip} is no address of the public internet, and the operator does not list it (--webhook-private)"
            )),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = format!("{} has no address", name.as_str());
            let mut reachable = Vec::new();
            for address in found {
                match guard.may_reach(address.ip()) {
                    Ok(()) => reachable.push(address),
                    Err(reason) => refused = reason,
                }
            }
            match reachable.is_empty() {
                true => Err(refused.into()),
                false => Ok(Box::new(reachable.into_iter()) as reqwest::dns::Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str], private: &[&str]) -> Guard {
        Guard {
            allowed: allowed.iter().map(|target| target.parse().unwrap()).collect(),
            private: private.iter().map(|range| range.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn addresses_that_are_not_public_are_refused_however_they_are_written() {
        assert_eq!(NOT_PUBLIC.0.len(), RESERVED.len(), "every range is one");
        let guard = guard(&["https://hooks.example.org"], &["10.1.0.0/16"]);
        for inside in [
            "127.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(guard.may_reach(inside.parse().unwrap()).is_err(), "{inside}");
        }
        for outside in [
            "8.8.8.8",
            "1.1.1.1",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "10.1.2.3",
        ] {
            assert!(guard.may_reach(outside.parse().unwrap()).is_ok(), "{outside}");
        }
    }

    #[test]
    fn a_url_is_told_only_where_scheme_host_and_port_are_listed() {
        let hosts = guard(
            &["hooks.example.org", "http://ci.example.org:8080", "127.0.0.1:9000", "8.8.8.8"],
            &[],
        );
        for good in [
            "https://hooks.example.org/a?b=c",
            "https://HOOKS.example.org:443/",
            "https://hooks.example.org./",
            "http://ci.example.org:8080/x",
            "https://8.8.8.8/",
        ] {
            assert!(hosts.check(good).is_ok(), "{good}: {:?}", hosts.check(good));
        }
        for (bad, why) in [
            ("http://hooks.example.org/", "not among the hosts"),
            ("https://hooks.example.org:8443/", "not among the hosts"),
            ("https://hooks.example.org.evil.net/", "not among the hosts"),
            ("https://evil.net/?https://hooks.example.org", "not among the hosts"),
            ("https://hooks.example.org@evil.net/", "user name"),
            ("https://evil.net#@hooks.example.org/", "not among the hosts"),
            ("https://ann:secret@hooks.example.org/", "user name"),
            ("ftp://hooks.example.org/", "not among the hosts"),
            ("file:///etc/passwd", "not among the hosts"),
            ("https://127.0.0.1:9000/", "no address of the public internet"),
            // The same address in clothes that readers of URLs take off.
            ("https://2130706433:9000/", "no address of the public internet"),
            ("https://0x7f.1:9000/", "no address of the public internet"),
            ("https://[::1]/", "not among the hosts"),
            ("hooks.example.org", "expected a URL"),
            ("", "expected a URL"),
        ] {
            let refused = hosts.check(bad).expect_err(bad);
            assert!(refused.contains(why), "{bad}: {refused}");
        }
        let closed = Guard::default()
            .check("https://hooks.example.org/")
            .expect_err("off by default");
        assert!(closed.contains("allows no host"), "{closed}");
        for wrong in ["", "https://a/b", "https://u@a", "ftp://a", "a b", "https://a?x"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let inside = |private: &[&str]| guard(&["http://localhost:80"], private).resolve("localhost".parse().unwrap());
        let refused = inside(&[]).await.map(|_| ()).expect_err("it is this machine");
        assert!(refused.to_string().contains("--webhook-private"), "{refused}");
        assert!(inside(&["127.0.0.0/8", "::1"]).await.is_ok());
    }
}
