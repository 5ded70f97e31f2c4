//! Bounds on distinct values: how many paths, event names, referrers and the like a site may have
//! in a day. They guard against identifiers that no scrubbing rule matches, and against a sender
//! that fills a site's reports with invented names. A folded value is stored as `(other)`, counted
//! in `sillage_folded_total`, and logged once a day.
//!
//! After the privacy door and before the visit. A value is *known* when it was stored on an earlier
//! day or came from several networks (truncated addresses); known values are never folded. Of the
//! places for new values, one network may take one in [`SHARE`] a day, and a private network half,
//! since an intranet may be one network.
//!
//! Bounded: 8-byte hashes under a key of the process, at most twice [`places`] a field and site.
//! Yesterday's values are read back from ClickHouse after a restart (`recover`).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ahash::RandomState;

use crate::config::SiteId;
use sillage_privacy::{OpenField, TruncatedIp};

/// One network may take this fraction (1 / `SHARE`) of a field's places a day.
const SHARE: usize = 20;
/// Days for which a value stays known after it was last sent.
const KNOWN_DAYS: i32 = 7;
/// Folded values remembered with their network, so that a second network makes them known.
const WAITING: usize = 8_192;
/// Fields of an event that are bounded.
const FIELDS: usize = OpenField::ALL.len();

/// Distinct new values of a field that a site may have in a day, and known values that are
/// remembered.
pub fn places(field: OpenField) -> usize {
    match field {
        OpenField::Path => 10_000,
        OpenField::EventName => 2_000,
        OpenField::Referrer => 5_000,
        OpenField::Source => 2_000,
        OpenField::Campaign => 5_000,
        OpenField::PropertyName => 1_000,
        OpenField::PropertyValue => 20_000,
    }
}

/// The values of all sites.
pub struct Cardinality {
    hasher: RandomState,
    sites: Box<[Mutex<SiteValues>]>,
}

struct SiteValues {
    /// Site-local day. A late event of yesterday does not set it back.
    day: i32,
    fields: [Values; FIELDS],
}

#[derive(Default)]
struct Values {
    seen: HashMap<u64, Seen, RandomState>,
    /// New values by network, today.
    shares: HashMap<u32, usize, RandomState>,
    new_today: usize,
    /// Folded values and the network that sent them, in a slot by hash; a later value overwrites
    /// it.
    waiting: Vec<(u64, u32)>,
    has_folded: bool,
}

#[derive(Clone, Copy)]
struct Seen {
    /// The first network; 0 = not known.
    network: u32,
    has_several: bool,
    last_day: i32,
}

/// Whether a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is stored as it is.
    Stored,
    /// It is stored as `(other)`.
    Folded {
        /// The first one of this field today.
        is_first: bool,
    },
}

impl Cardinality {
    /// For this number of sites, without known values.
    pub fn new(sites: usize) -> Self {
        let site = |_| {
            Mutex::new(SiteValues {
                day: i32::MIN,
                fields: Default::default(),
            })
        };
        Self {
            hasher: RandomState::new(),
            sites: (0..sites).map(site).collect(),
        }
    }

    /// Whether a value that a network sends on a site-local day is stored as it is.
    pub fn place(
        &self,
        site: SiteId,
        day: i32,
        network: TruncatedIp,
        field: OpenField,
        text: &str,
    ) -> Place {
        let hash = self.hasher.hash_one(text);
        // 0 stands for an unknown network.
        let sender = (self.hasher.hash_one(network) as u32).max(1);
        let places = places(field);
        let share = match network.get() {
            Some(_) => places / SHARE,
            None => places / 2,
        };
        let mut values = self.lock(site);
        values.begin(day);
        let today = values.day;
        values.fields[field as usize].place(hash, sender, today, share, places)
    }

    /// Remembers a value that was stored on an earlier day.
    pub fn remember(&self, site: SiteId, field: OpenField, text: &str, last_day: i32) {
        let hash = self.hasher.hash_one(text);
        let mut values = self.lock(site);
        let values = &mut values.fields[field as usize].seen;
        if values.len() < places(field) {
            values.entry(hash).or_insert(Seen {
                network: 0,
                has_several: false,
                last_day,
            });
        }
    }

    fn lock(&self, site: SiteId) -> MutexGuard<'_, SiteValues> {
        // A panic under the lock leaves at worst a value counted twice.
        self.sites[site.index()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl SiteValues {
    /// Begins a day: resets the shares and forgets values that were not sent for a week.
    fn begin(&mut self, day: i32) {
        if day <= self.day {
            return;
        }
        self.day = day;
        for (values, field) in self.fields.iter_mut().zip(OpenField::ALL) {
            values.begin(day, places(field));
        }
    }
}

impl Values {
    fn begin(&mut self, day: i32, places: usize) {
        self.seen
            .retain(|_, seen| seen.last_day >= day - KNOWN_DAYS);
        if self.seen.len() > places {
            // Values of one network are removed first, then the oldest.
            let mut ranks: Vec<_> = self
                .seen
                .iter()
                .map(|(hash, seen)| (seen.has_several, seen.last_day, *hash))
                .collect();
            ranks.sort_unstable_by(|a, b| b.cmp(a));
            for (_, _, hash) in &ranks[places..] {
                self.seen.remove(hash);
            }
        }
        self.shares.clear();
        self.new_today = 0;
        self.waiting = Vec::new();
        self.has_folded = false;
    }

    fn place(&mut self, hash: u64, network: u32, today: i32, share: usize, places: usize) -> Place {
        if let Some(seen) = self.seen.get_mut(&hash) {
            seen.has_several |= seen.network != 0 && seen.network != network;
            seen.last_day = today;
            return Place::Stored;
        }
        let slot = hash as usize % WAITING;
        let waits = self.waiting.get(slot).copied();
        let has_several = waits.is_some_and(|(waiting, from)| waiting == hash && from != network);
        // Confirmed values have their own places, so that new values cannot displace them.
        let has_room = if has_several {
            self.seen.len() < 2 * places
        } else {
            self.new_today < places && self.seen.len() < 2 * places
        };
        let used = self.shares.get(&network).copied().unwrap_or(0);
        if has_room && used < share {
            self.shares.insert(network, used + 1);
            self.new_today += usize::from(!has_several);
            let seen = Seen {
                network,
                has_several,
                last_day: today,
            };
            self.seen.insert(hash, seen);
            return Place::Stored;
        }
        if self.waiting.is_empty() {
            self.waiting = vec![(0, 0); WAITING];
        }
        self.waiting[slot] = (hash, network);
        let is_first = !std::mem::replace(&mut self.has_folded, true);
        Place::Folded { is_first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sillage_privacy::{ClientIp, truncate};

    fn network(number: u8) -> TruncatedIp {
        truncate(&ClientIp::from_peer([198, 18, number, 1].into()))
    }
    fn public(number: u16) -> TruncatedIp {
        let [high, low] = number.to_be_bytes();
        truncate(&ClientIp::from_peer([8, high, low, 1].into()))
    }

    fn is_kept(values: &Cardinality, day: i32, network: TruncatedIp, text: &str) -> bool {
        values.place(SiteId::nth(0), day, network, OpenField::Path, text) == Place::Stored
    }

    /// Sends `count` invented paths and returns how many of them were stored.
    fn flood(
        values: &Cardinality,
        day: i32,
        network: TruncatedIp,
        from: usize,
        count: usize,
    ) -> usize {
        (from..from + count)
            .filter(|index| is_kept(values, day, network, &format!("/x{index}")))
            .count()
    }

    #[test]
    fn one_network_takes_its_share_of_new_values_and_no_more() {
        let values = Cardinality::new(1);
        assert_eq!(flood(&values, 1, public(1), 0, 10_080), 500);
        assert!(is_kept(&values, 1, public(2), "/pricing"));
        // Its own values stay known, and it has its share again on the next day.
        assert!(is_kept(&values, 1, public(1), "/x499"));
        assert!(!is_kept(&values, 1, public(1), "/x500"));
        assert_eq!(flood(&values, 2, public(1), 20_000, 10_080), 500);
        // An intranet may be one network; it takes half.
        assert_eq!(flood(&values, 2, network(1), 40_000, 10_080), 5_000);
    }

    #[test]
    fn a_full_day_keeps_known_values_and_those_of_several_networks() {
        let values = Cardinality::new(1);
        assert!(is_kept(&values, 1, public(1), "/pricing"));
        for attacker in 0..40 {
            flood(
                &values,
                2,
                public(100 + attacker),
                usize::from(attacker) * 1_000,
                1_000,
            );
        }
        assert!(
            !is_kept(&values, 2, public(2), "/blog/new"),
            "no place is left for what is new"
        );
        assert!(
            is_kept(&values, 2, public(3), "/blog/new"),
            "a second network brings it in"
        );
        assert!(is_kept(&values, 2, public(2), "/blog/new"));
        assert!(
            is_kept(&values, 2, public(2), "/pricing"),
            "it is known from yesterday"
        );
        let seen = values.lock(SiteId::nth(0)).fields[OpenField::Path as usize]
            .seen
            .len();
        assert!(seen <= 20_000, "{seen}");
    }

    #[test]
    fn values_of_yesterday_are_known_after_a_restart() {
        let values = Cardinality::new(1);
        values.remember(SiteId::nth(0), OpenField::Path, "/pricing", 1);
        for attacker in 0..30 {
            flood(
                &values,
                2,
                public(100 + attacker),
                usize::from(attacker) * 1_000,
                1_000,
            );
        }
        assert!(is_kept(&values, 2, public(2), "/pricing"));
        assert!(!is_kept(&values, 2, public(2), "/blog/new"));
    }

    #[test]
    fn values_unseen_for_a_week_are_forgotten_and_memory_is_bounded() {
        let values = Cardinality::new(1);
        assert!(is_kept(&values, 1, public(1), "/old"));
        for day in 2..12 {
            for sender in 0..30 {
                flood(
                    &values,
                    day,
                    public(sender),
                    day as usize * 100_000 + usize::from(sender) * 1_000,
                    1_000,
                );
            }
        }
        let values = values.lock(SiteId::nth(0));
        let values = &values.fields[OpenField::Path as usize];
        assert!(values.seen.len() <= 20_000, "{}", values.seen.len());
        assert!(values.seen.values().all(|seen| seen.last_day >= 4));
        assert!(values.shares.len() <= 10_000 && values.waiting.len() <= WAITING);
    }

    #[test]
    fn a_late_event_of_yesterday_does_not_restart_the_day() {
        let values = Cardinality::new(1);
        assert_eq!(flood(&values, 2, public(1), 0, 600), 500);
        assert!(!is_kept(&values, 1, public(1), "/late"));
        assert!(!is_kept(&values, 2, public(1), "/y"));
    }
}
