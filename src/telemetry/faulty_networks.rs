//! Faulty requests by truncated network, so that an operator can see which networks flood the
//! collector.
//!
//! The counts cannot be joined with events: they have no site, visitor or path. A network is named
//! only when it sent many faulty requests in a short time, so that one broken page does not expose
//! a visitor's network. These requests never reached the privacy door and are stored nowhere else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::outcome::Outcome;
use sillage_privacy::TruncatedIp;

/// Faulty requests within ten seconds from which a network is named.
pub const NAMED_FROM: u64 = 20;
/// Networks counted separately; further networks count together.
const NETWORKS_MAX: usize = 4_096;

/// Counts since they were last stored.
#[derive(Default)]
pub struct FaultyNetworks {
    counts: Mutex<HashMap<(Option<TruncatedIp>, Outcome), u64>>,
}

impl FaultyNetworks {
    /// Counts one faulty request.
    pub fn count(&self, network: TruncatedIp, reason: Outcome) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !counts.contains_key(&(Some(network), reason));
        let key = if is_new && counts.len() >= NETWORKS_MAX {
            None
        } else {
            Some(network)
        };
        *counts.entry((key, reason)).or_default() += 1;
    }

    /// Takes the counts: (network or empty, reason, requests).
    pub fn take(&self) -> Vec<(String, Outcome, u64)> {
        let counts =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let mut named: HashMap<(String, Outcome), u64> = HashMap::new();
        for ((network, reason), requests) in counts {
            let network = network
                .filter(|_| requests >= NAMED_FROM)
                .map(name)
                .unwrap_or_default();
            *named.entry((network, reason)).or_default() += requests;
        }
        named
            .into_iter()
            .map(|((network, reason), requests)| (network, reason, requests))
            .collect()
    }
}

/// The network in CIDR notation.
fn name(network: TruncatedIp) -> String {
    match network.get() {
        None => "private".to_owned(),
        Some(ip) if ip.is_ipv4() => format!("{ip}/24"),
        Some(ip) => format!("{ip}/48"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sillage_privacy::{ClientIp, truncate};

    fn network(ip: [u8; 4]) -> TruncatedIp {
        truncate(&ClientIp::from_peer(ip.into()))
    }

    #[test]
    fn only_conspicuous_networks_are_named_and_never_an_address() {
        let faults = FaultyNetworks::default();
        for n in 0..NAMED_FROM {
            faults.count(network([203, 0, 113, n as u8]), Outcome::Malformed);
            if n > 0 {
                faults.count(network([198, 51, 100, 7]), Outcome::Malformed);
            }
        }
        let mut taken = faults.take();
        taken.sort();
        let counted = |name: &str, requests| (name.to_owned(), Outcome::Malformed, requests);
        assert_eq!(
            taken,
            [
                counted("", NAMED_FROM - 1),
                counted("203.0.113.0/24", NAMED_FROM)
            ]
        );
        assert!(faults.take().is_empty());
    }

    #[test]
    fn networks_beyond_the_bound_count_together() {
        let faults = FaultyNetworks::default();
        for n in 0..NETWORKS_MAX as u32 + 10 {
            let [_, a, b, c] = n.to_be_bytes();
            faults.count(network([20 + a, b, c, 0]), Outcome::Malformed);
        }
        assert!(faults.counts.lock().expect("unpoisoned").len() == NETWORKS_MAX + 1);
    }
}
