//! The event key: the stored form of an event's id `k`, as the first 8 bytes of HMAC-SHA-256 under
//! the installation's cookie key.
//!
//! With a plain hash, a reader of the table could test guesses of `k`, and the same `k` would give
//! the same number on every site and day. The cookie key is durable, so a retry and an engagement
//! find their event after a restart. Site and day are fields, so equal numbers never link two sites
//! or two days.
//!
//! The day of a key begins at [`DAY_BEGINS_HOUR`] local time, not at midnight: a page that is open
//! over midnight keeps its key. If a page is open over that hour, its later engagement is counted
//! separately.

use hmac::Mac;

use crate::cookie::CookieKey;

/// Hour of the site-local day at which a key's day begins, because few visits are open then.
pub const DAY_BEGINS_HOUR: i64 = 4;

const DOMAIN: &[u8] = b"sillage event 1";

/// The key of the event with this `id`, on the given site-local day of a key. Never 0, which means
/// that no key is stored.
pub fn event_key(id: &str, site: &str, day: i32, key: &CookieKey) -> u64 {
    let mut mac = key.mac();
    for field in [DOMAIN, site.as_bytes(), &day.to_le_bytes(), id.as_bytes()] {
        mac.update(&(field.len() as u32).to_le_bytes());
        mac.update(field);
    }
    let tag = mac.finalize().into_bytes();
    let mut first = [0; 8];
    first.copy_from_slice(&tag[..8]);
    u64::from_le_bytes(first).max(1)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn an_event_key_differs_by_site_and_day() {
        let (own, other) = (
            CookieKey::from_bytes([1; 32]),
            CookieKey::from_bytes([2; 32]),
        );
        let stored = event_key("taro@example.jp", "a.example", 20_000, &own);
        assert_eq!(
            stored,
            event_key("taro@example.jp", "a.example", 20_000, &own)
        );
        // A reader of the table knows site and day, but not the key.
        let bare = Sha256::digest(b"taro@example.jp");
        assert_ne!(stored.to_le_bytes(), bare[..8]);
        for elsewhere in [
            event_key("taro@example.jp", "b.example", 20_000, &own),
            event_key("taro@example.jp", "a.example", 20_001, &own),
            event_key("taro@example.jp", "a.example", 20_000, &other),
            event_key("hanako@example.jp", "a.example", 20_000, &own),
        ] {
            assert_ne!(stored, elsewhere);
        }
    }
}
