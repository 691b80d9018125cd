//! How many connections there may be: each costs a descriptor and memory before anybody has said who
//! they are.
//!
//! An address has a share, so that one client cannot have all of it. The two addresses by which this machine
//! speaks to itself, and proxies that the configuration names, have none: behind a proxy everybody comes from
//! there.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use parking_lot::Mutex;

/// Who is connected.
#[derive(Clone, Debug)]
pub struct Crowd(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_per_address: u32,
    proxies: Vec<IpNet>,
    present: Mutex<Present>,
}

/// No more addresses than connections.
#[derive(Debug, Default)]
struct Present {
    count: usize,
    by_address: HashMap<IpAddr, u32>,
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Crowd,
    counted_as: Option<IpAddr>,
}

impl Crowd {
    /// At most `most` connections, and of one address `most_per_address`.
    #[must_use]
    pub fn new(most: u32, most_per_address: u32, proxies: Vec<IpNet>) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let present = Mutex::default();
        Self(Arc::new(Inner { most, most_per_address, proxies, present }))
    }

    /// A place for a connection from `address`; `None` when there is none.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let is_exempt = is_myself(address) || self.0.proxies.iter().any(|it| it.contains(&address));
        let counted_as = (!is_exempt).then(|| network_of(address));
        let mut present = self.0.present.lock();
        if present.count >= self.0.most {
            return None;
        }
        if let Some(network) = counted_as {
            let of_it = present.by_address.entry(network).or_default();
            if *of_it >= self.0.most_per_address {
                return None;
            }
            *of_it += 1;
        }
        present.count += 1;
        drop(present);
        Some(Place { crowd: self.clone(), counted_as })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut present = self.crowd.0.present.lock();
        present.count -= 1;
        let Some(network) = self.counted_as else { return };
        if let Some(of_it) = present.by_address.get_mut(&network) {
            *of_it -= 1;
            if *of_it == 0 {
                present.by_address.remove(&network);
            }
        }
    }
}

/// 127.0.0.1 or ::1. Whoever comes from another address of 127.0.0.0/8 has chosen it.
fn is_myself(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

/// Of IPv6 the network (/64), in which one has as many addresses as one likes.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_share_and_all_have_an_end() {
        let crowd = Crowd::new(6, 2, vec!["192.0.2.0/24".parse().unwrap()]);
        let enter = |address| crowd.enter(at(address));
        let first = [enter("198.51.100.1").unwrap(), enter("::ffff:198.51.100.1").unwrap()];
        assert!(enter("198.51.100.1").is_none(), "its share is used");
        let sixth = [enter("2001:db8::1").unwrap(), enter("2001:db8::ffff:2").unwrap()];
        assert!(enter("2001:db8::3").is_none(), "a network is one address");
        let _here = enter("127.0.0.1").unwrap();
        drop(sixth);
        assert!(enter("198.51.100.1").is_none());
        drop(first);
        // This machine and a proxy have what is left of all.
        let many: Vec<_> = (0..5).map(|_| enter("192.0.2.7").unwrap()).collect();
        for address in ["192.0.2.7", "127.0.0.1", "::1", "198.51.100.1"] {
            assert!(enter(address).is_none(), "{address}");
        }
        drop(many);
        let _again = [enter("198.51.100.1").unwrap(), enter("::1").unwrap()];
        assert_eq!(crowd.0.present.lock().by_address.len(), 1, "who has left is forgotten");
    }
}
