//! Rate limit: a token bucket for each truncated address, in bounded memory.
//!
//! It is checked before consent and parsing, since it protects them. It gets only the truncated
//! address (P1) and stores a keyed hash of it, until the bucket is full again. A bucket is one
//! number, the moment at which it is full (the "generic cell rate algorithm"), so taking from it is
//! one atomic exchange. A network may use one of four slots. When all four are taken, the one that
//! is full soonest is reused, so a large number of networks makes the bound laxer, never stricter
//! for another network.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ahash::RandomState;

use sillage_privacy::TruncatedIp;

/// Slots for networks, 8 bytes each.
const NETWORKS_MAX: usize = 1 << 16;
/// Slots for keys of other limiters: they have fewer keys than beacons have networks.
const OTHERS_MAX: usize = 1 << 13;
/// Slots that a key may use.
const WAYS: usize = 4;
/// Seconds' worth of beacons that may arrive at once.
const BURST_S: u64 = 10;

/// Upper 16 bits of a slot: the network among those that share it. Lower 48 bits: when its bucket
/// is full, in microseconds since the start (enough for nine years).
const FULL_BITS: u32 = 48;
const FULL_MASK: u64 = (1 << FULL_BITS) - 1;

/// The buckets of all networks.
#[derive(Debug)]
pub struct RateLimiter {
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
    start: Instant,
    /// Microseconds that one beacon costs; 0 = no bound.
    cost_us: u64,
    /// Microseconds' worth that may arrive at once.
    burst_us: u64,
}

impl RateLimiter {
    /// Allows each network `per_second_max` beacons a second, and ten seconds' worth at once; 0 =
    /// no bound.
    pub fn new(per_second_max: u32) -> Self {
        let cost_us = 1_000_000_u64.checked_div(u64::from(per_second_max));
        Self::with(NETWORKS_MAX, cost_us.unwrap_or(0), BURST_S * 1_000_000)
    }

    /// A limiter for fewer keys: `at_once` requests, then one per `every`.
    pub fn of(at_once: u32, every: Duration) -> Self {
        let cost_us = every.as_micros() as u64;
        Self::with(OTHERS_MAX, cost_us, cost_us * u64::from(at_once))
    }

    fn with(slots: usize, cost_us: u64, burst_us: u64) -> Self {
        Self {
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            start: Instant::now(),
            cost_us,
            burst_us,
        }
    }

    /// Takes `count` from the bucket of `key`.
    ///
    /// # Errors
    /// How long until that many are allowed.
    pub fn take_of(&self, key: &impl std::hash::Hash, count: u32) -> Result<(), Duration> {
        let now_us = self.start.elapsed().as_micros() as u64;
        self.take_at(self.hasher.hash_one(key), now_us, u64::from(count))
    }

    /// Takes one beacon of a network. Private and local networks have no bound: they belong to the
    /// site's operator or its proxy.
    ///
    /// # Errors
    /// How long until one is allowed again.
    pub fn take(&self, network: TruncatedIp) -> Result<(), Duration> {
        match network.get() {
            Some(_) if self.cost_us > 0 => {
                let now_us = self.start.elapsed().as_micros() as u64;
                self.take_at(self.hasher.hash_one(network), now_us, 1)
            }
            _ => Ok(()),
        }
    }

    fn take_at(&self, hash: u64, now_us: u64, count: u64) -> Result<(), Duration> {
        let first = hash as usize % (self.slots.len() / WAYS) * WAYS;
        let tag = hash >> FULL_BITS;
        let slots = &self.slots[first..first + WAYS];
        let is_own = |slot: &&AtomicU64| {
            let held = slot.load(Relaxed);
            held >> FULL_BITS == tag && held & FULL_MASK > now_us
        };
        let soonest = || {
            slots
                .iter()
                .min_by_key(|slot| slot.load(Relaxed) & FULL_MASK)
        };
        let Some(slot) = slots.iter().find(is_own).or_else(soonest) else {
            return Ok(());
        };
        let mut held = slot.load(Relaxed);
        loop {
            let full_us = match held & FULL_MASK {
                full_us if held >> FULL_BITS == tag => full_us.max(now_us),
                _ => now_us,
            } + self.cost_us * count;
            let over_us = full_us.saturating_sub(now_us + self.burst_us);
            if over_us > 0 {
                return Err(Duration::from_micros(over_us));
            }
            let taken = tag << FULL_BITS | full_us & FULL_MASK;
            match slot.compare_exchange_weak(held, taken, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now_held) => held = now_held,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sillage_privacy::{ClientIp, truncate};

    fn network(ip: &str) -> TruncatedIp {
        truncate(&ClientIp::from_peer(ip.parse().expect("an address")))
    }

    #[test]
    fn a_burst_is_allowed_then_the_rate_until_it_refills() {
        let rate = RateLimiter::new(5);
        let taken = |now_us| {
            (0..1_000)
                .take_while(|_| rate.take_at(7, now_us, 1).is_ok())
                .count()
        };
        assert_eq!(taken(1_000_000), 50, "ten seconds' worth");
        let wait = rate.take_at(7, 1_000_000, 1).expect_err("over it");
        assert_eq!(wait, Duration::from_millis(200));
        assert_eq!(taken(1_199_999), 0);
        assert_eq!(taken(1_200_000), 1);
        assert_eq!(taken(3_200_000), 10);
        assert_eq!(taken(60_000_000), 50);
    }

    #[test]
    fn rate_limits_are_per_network_and_spare_private_addresses() {
        let rate = RateLimiter::new(1);
        for host in 1..=10 {
            assert!(rate.take(network(&format!("203.0.113.{host}"))).is_ok());
        }
        assert!(rate.take(network("203.0.113.99")).is_err());
        assert!(rate.take(network("203.0.114.1")).is_ok());
        assert!(rate.take(network("2001:db8:1::1")).is_ok());
        for _ in 0..1_000 {
            assert!(rate.take(network("127.0.0.1")).is_ok());
            assert!(rate.take(network("10.1.2.3")).is_ok());
        }
    }

    #[test]
    fn without_a_limit_nothing_is_refused() {
        let rate = RateLimiter::new(0);
        assert!((0..10_000).all(|_| rate.take(network("203.0.113.1")).is_ok()));
    }

    #[test]
    fn other_rates_have_their_own_burst_and_interval() {
        let rate = RateLimiter::of(3, Duration::from_secs(30));
        let take = |now_s: u64, count| rate.take_at(7, now_s * 1_000_000, count);
        assert_eq!(take(100, 2), Ok(()));
        assert_eq!(take(100, 2), Err(Duration::from_secs(30)));
        assert_eq!(take(100, 1), Ok(()));
        assert_eq!(take(129, 1), Err(Duration::from_secs(1)));
        assert_eq!(take(130, 1), Ok(()));
        assert!(rate.take_of(&"another key", 3).is_ok());
        assert!(rate.take_of(&"another key", 1).is_err());
    }

    #[test]
    fn many_networks_take_no_more_memory_and_are_not_refused() {
        let rate = RateLimiter::new(1);
        let hashes = (0..300_000_u64).map(|n| rate.hasher.hash_one(n));
        assert_eq!(
            hashes
                .filter(|hash| rate.take_at(*hash, 5, 1).is_err())
                .count(),
            0
        );
        assert_eq!(rate.slots.len(), NETWORKS_MAX);
    }
}
