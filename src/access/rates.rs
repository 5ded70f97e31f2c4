//! Every rate limit of the server, with its numbers.

use std::time::Duration;

use crate::config::Limits;
use crate::http::rate_limit::RateLimiter;

/// Wrong passwords for one name from one network: this many at once, …
const NAME_TRIES: u32 = 5;
/// … then one per this interval.
const NAME_PACE: Duration = Duration::from_secs(30);
/// The same for all names from one network together.
const NETWORK_TRIES: u32 = 40;
const NETWORK_PACE: Duration = Duration::from_secs(5);
/// The same from a browser that the person has logged in with before.
const DEVICE_TRIES: u32 = 10;
const DEVICE_PACE: Duration = Duration::from_secs(10);
/// Requests with one link from one network. The page sends one for each change of its filters.
const LINK_TRIES: u32 = 300;
const LINK_PACE: Duration = Duration::from_secs(3);

/// E-mails that ask an address to confirm, by one person. Their recipients have not consented yet.
const CONFIRMATION_TRIES: u32 = 20;
const CONFIRMATION_PACE: Duration = Duration::from_secs(180);
/// E-mails that ask one address to confirm, from all people together.
const ADDRESS_TRIES: u32 = 3;
const ADDRESS_PACE: Duration = Duration::from_secs(8 * 3_600);

/// Choices that one network may make at once, and the interval after that. People press these
/// buttons, and one network of a company or a mobile carrier has many people.
const CHOICES_AT_ONCE: u32 = 60;
const CHOICES_PACE: Duration = Duration::from_secs(2);

/// The rate limiters of one collector.
pub struct Rates {
    /// Beacons, by network.
    pub beacons: RateLimiter,
    /// Changes on the choices page, by network.
    pub choices: RateLimiter,
    /// Passwords, by name and network.
    pub names: RateLimiter,
    /// Passwords, by network.
    pub networks: RateLimiter,
    /// Passwords, by device cookie.
    pub devices: RateLimiter,
    /// Questions, by API key.
    pub keys: RateLimiter,
    /// Requests with questions, by link and network.
    pub links: RateLimiter,
    /// E-mails that ask for a confirmation, by person.
    pub confirmations: RateLimiter,
    /// The same, by address.
    pub addresses: RateLimiter,
}

impl Rates {
    /// Limiters with the constants above and the configured bounds.
    pub fn new(limits: &Limits) -> Self {
        let key_queries_max = limits.key_queries_per_hour_max;
        Self {
            beacons: RateLimiter::new(limits.beacons_per_second_max),
            choices: RateLimiter::of(CHOICES_AT_ONCE, CHOICES_PACE),
            names: RateLimiter::of(NAME_TRIES, NAME_PACE),
            networks: RateLimiter::of(NETWORK_TRIES, NETWORK_PACE),
            devices: RateLimiter::of(DEVICE_TRIES, DEVICE_PACE),
            keys: RateLimiter::of(
                key_queries_max,
                Duration::from_secs(3_600) / key_queries_max.max(1),
            ),
            links: RateLimiter::of(LINK_TRIES, LINK_PACE),
            confirmations: RateLimiter::of(CONFIRMATION_TRIES, CONFIRMATION_PACE),
            addresses: RateLimiter::of(ADDRESS_TRIES, ADDRESS_PACE),
        }
    }
}
