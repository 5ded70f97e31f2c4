//! A destroyed salt is in no file, and without it no address can be found from an id.

use super::*;
use sillage_privacy::{ClientIp, Salt, UserAgent, visitors_of};

#[test]
fn the_audit_log_holds_public_names_and_never_salts() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let (salt, name) = keeper.with(SiteId::nth(0), at(NOON), |salts| {
        (*salts.today.expose_bytes(), salts.today.public_name())
    });
    keeper.tick(at("2026-11-25T00:00:00Z")).expect("a tick");
    let audit = place.audit();
    assert!(audit.contains(&name));
    let hex: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!audit.contains(&hex[..8]) && !hex.contains(&name));
}

#[test]
fn a_destroyed_salt_is_nowhere_on_disk() {
    let place = Place::with_zones(&[("example.com", "Asia/Tokyo")]);
    let keeper = place.open("2026-11-01T03:00:00Z");
    let mut past: Vec<Bytes> = Vec::new();
    for day in 1..=20 {
        let now = at(&format!("2026-11-{day:02}T03:00:00Z"));
        keeper.tick(now).expect("a tick");
        for salt in &past {
            assert!(!place.holds(salt), "a salt before {now}");
        }
        past.push(today(&keeper, now));
    }
    assert_eq!(past.iter().collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(place.audit().lines().count(), 19);
    assert_eq!(place.salt_files("example.com").len(), 2);
}

/// An attack with the whole database and every file of the next day. It tries to find which of a
/// thousand known addresses a stored visitor id belongs to: any 32 bytes in any file, and anything
/// derived from names and dates, are tried as the key.
fn addresses_recovered(stored: &BTreeSet<u64>, keys: &BTreeSet<Bytes>) -> usize {
    let agent = UserAgent::from_header(AGENT);
    let recovered = keys.iter().map(|key| {
        let guess = Salt::from_bytes(*key);
        let salts = Salts {
            today: &guess,
            yesterday: None,
        };
        let id = |ip: &ClientIp| visitors_of(&salts, "example.com", ip, &agent, None)[0].get();
        known_addresses()
            .filter(|ip| stored.contains(&id(ip)))
            .count()
    });
    recovered.sum()
}

const AGENT: &[u8] = b"Mozilla/5.0 (Linux; Android 10; K) Chrome/141.0.0.0";

fn known_addresses() -> impl Iterator<Item = ClientIp> {
    (0..1_000u32)
        .map(|index| ClientIp::from_peer([203, (index >> 8) as u8, index as u8, 77].into()))
}

#[test]
fn known_addresses_are_not_recovered_from_ids_and_files_a_day_later() {
    use sha2::{Digest, Sha256};
    let place = Place::new();
    let keeper = place.open(NOON);
    let agent = UserAgent::from_header(AGENT);
    let (stored, salt) = keeper.with(SiteId::nth(0), at(NOON), |salts| {
        let id = |ip: ClientIp| visitors_of(&salts, "example.com", &ip, &agent, None)[0].get();
        (
            known_addresses().map(id).collect::<BTreeSet<_>>(),
            *salts.today.expose_bytes(),
        )
    });
    assert_eq!(stored.len(), 1_000);
    // Positive control: with the day's salt on disk the attack finds all of them.
    let mut keys = keys_in(&place);
    assert!(keys.contains(&salt));
    keys.retain(|key| *key == salt);
    assert_eq!(addresses_recovered(&stored, &keys), 1_000);

    keeper.tick(at("2026-11-23T16:00:00Z")).expect("a tick");
    let mut keys = keys_in(&place);
    let words = [
        "",
        "example.com",
        "20780",
        "2026-11-23",
        "sillage",
        &place.audit(),
    ];
    keys.extend(words.iter().map(|word| Bytes::from(Sha256::digest(word))));
    keys.extend(
        place
            .files()
            .keys()
            .map(|name| Bytes::from(Sha256::digest(name))),
    );
    assert!(keys.len() > 50);
    assert_eq!(addresses_recovered(&stored, &keys), 0);
}

/// Every sequence of 32 bytes in any file.
fn keys_in(place: &Place) -> BTreeSet<Bytes> {
    let windows = |bytes: Vec<u8>| {
        bytes
            .windows(32)
            .map(|window| Bytes::try_from(window).expect("32"))
            .collect::<Vec<_>>()
    };
    place.files().into_values().flat_map(windows).collect()
}
