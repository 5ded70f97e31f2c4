//! Bounds the open connections of one network, before any request is read, so that one machine
//! can't use up all connections.
//!
//! Only networks of public peers are counted. Private networks and trusted proxies have no bound:
//! they belong to the site's operator, and a proxy's connections carry many visitors. The key is
//! the truncated network (P1), kept while it has an open connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::IpNet;
use crate::http::client_ip::peer_network;
use sillage_privacy::TruncatedIp;

/// Open connections by network.
pub struct NetworkConnections {
    /// Per network; 0 = no bound.
    max: usize,
    open: Mutex<HashMap<TruncatedIp, usize>>,
}

/// The permit of an open connection; dropping it returns the permit to the network.
pub struct Place {
    counted: Option<(Arc<NetworkConnections>, TruncatedIp)>,
}

impl NetworkConnections {
    /// Lets each network have `max` connections; 0 = no bound.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            open: Mutex::default(),
        })
    }

    /// A permit for a peer's connection; `None` when its network has reached the bound.
    pub fn enter(self: &Arc<Self>, peer: IpAddr, trusted: &[IpNet]) -> Option<Place> {
        let network = (self.max > 0)
            .then(|| peer_network(peer, trusted))
            .flatten();
        let Some(network) = network else {
            return Some(Place { counted: None });
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.entry(network).or_default();
        if *own >= self.max {
            return None;
        }
        *own += 1;
        Some(Place {
            counted: Some((self.clone(), network)),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((networks, network)) = &self.counted else {
            return;
        };
        let mut open = networks.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(network) {
            *own -= 1;
            if *own == 0 {
                open.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_per_network() {
        let networks = NetworkConnections::new(2);
        let trusted = [IpNet::parse("192.0.2.1").expect("a network")];
        let enter = |ip: &str| networks.enter(ip.parse().expect("an address"), &trusted);
        let first = enter("203.0.113.7").expect("one");
        let _second = enter("203.0.113.99").expect("of the same network");
        assert!(enter("203.0.113.8").is_none(), "at the bound");
        let _other = enter("198.51.100.7").expect("another network");
        drop(first);
        assert!(enter("203.0.113.8").is_some(), "a permit was returned");
        // Positive control: private and trusted peers have no bound.
        for ip in ["127.0.0.1", "10.0.0.7", "192.0.2.1"] {
            let many: Vec<_> = (0..50).map(|_| enter(ip).expect("no bound")).collect();
            assert_eq!(many.len(), 50, "{ip}");
        }
        drop((_second, _other));
        assert!(networks.open.lock().expect("unpoisoned").is_empty());
    }
}
