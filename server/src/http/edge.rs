//! Who is at the other end: the address of the connection, or what a declared proxy says of it.
//!
//! Anybody can send `X-Forwarded-For`, so it counts only when the connection comes from a proxy that
//! the configuration names, and of its addresses the last one that is no such proxy: what stands
//! before it was written by somebody whom nobody vouches for.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap, HeaderName, header};
use ipnet::IpNet;

use crate::service::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The other end of a connection; [`super::listen`] puts it into every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remote {
    /// Its address.
    pub(super) address: IpAddr,
    /// Whether the connection is encrypted.
    pub(super) is_tls: bool,
}

/// What is known of the way to here.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    proxies: Vec<IpNet>,
}

impl Edge {
    /// `proxies` are believed when they say whom they speak for.
    #[must_use]
    pub fn new(proxies: Vec<IpNet>) -> Self {
        Self { proxies }
    }

    /// The address that a request comes from.
    pub(super) fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let remote = extensions.get::<Remote>()?.address.to_canonical();
        if !self.is_proxy(remote) {
            return Some(remote);
        }
        let forwarded = headers.get_all(FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok());
        let named: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
        let mut nearest = remote;
        for text in named.iter().rev() {
            // What is no address was not written by a proxy that can be believed.
            let Ok(address) = text.trim().parse::<IpAddr>() else { break };
            nearest = address.to_canonical();
            if !self.is_proxy(nearest) {
                break;
            }
        }
        Some(nearest)
    }

    /// Who asks, as the audit has it.
    pub(super) fn peer(&self, extensions: &Extensions, headers: &HeaderMap) -> Peer {
        let address = self.address(extensions, headers);
        let client = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Peer {
            address: address.map_or_else(String::new, |address| address.to_string()),
            client: client.unwrap_or_default().to_owned(),
        }
    }

    /// Whether the browser came by TLS: to here, or to a proxy that says so.
    pub(super) fn is_secure(&self, extensions: &Extensions, headers: &HeaderMap) -> bool {
        let Some(remote) = extensions.get::<Remote>() else { return false };
        let says_so = || headers.get(FORWARDED_PROTO).is_some_and(|proto| proto == "https");
        remote.is_tls || (self.is_proxy(remote.address.to_canonical()) && says_so())
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(remote: &str, forwarded: &[&str]) -> String {
        let edge = Edge::new(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut extensions = Extensions::new();
        extensions.insert(Remote { address: remote.parse().unwrap(), is_tls: false });
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        edge.address(&extensions, &headers).unwrap().to_string()
    }

    #[test]
    fn only_a_declared_proxy_is_believed() {
        for (remote, forwarded, expected) in [
            ("192.0.2.7", &[][..], "192.0.2.7"),
            ("192.0.2.7", &["198.51.100.1"], "192.0.2.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::1", &["2001:db8::1"], "2001:db8::1"),
            // The client wrote the first one itself.
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3"], "10.0.0.3"),
        ] {
            assert_eq!(address(remote, forwarded), expected, "{remote} {forwarded:?}");
        }
    }

    #[test]
    fn tls_is_what_the_connection_or_a_proxy_says() {
        let edge = Edge::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let is_secure = |remote: &str, is_tls, proto: &'static str| {
            let mut extensions = Extensions::new();
            extensions.insert(Remote { address: remote.parse().unwrap(), is_tls });
            let headers = HeaderMap::from_iter([(FORWARDED_PROTO, proto.parse().unwrap())]);
            edge.is_secure(&extensions, &headers)
        };
        assert!(is_secure("192.0.2.7", true, "http"));
        assert!(is_secure("10.0.0.1", false, "https"));
        assert!(!is_secure("10.0.0.1", false, "http"));
        assert!(!is_secure("192.0.2.7", false, "https"));
    }
}
