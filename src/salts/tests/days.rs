//! Each site has a salt per local day; yesterday's is kept for half an hour.

use super::*;

#[test]
fn every_site_has_its_own_salt() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let of = |site| keeper.with(site, at(NOON), |salts| *salts.today.expose_bytes());
    assert_ne!(of(SiteId::nth(0)), of(SiteId::nth(1)));
}

#[test]
fn a_restart_keeps_the_days_salt_and_the_cookie_key() {
    let place = Place::new();
    let first = today(&place.open(NOON), at(NOON));
    let key = fs::read(place.data.join("cookie.key")).expect("the key");
    assert_eq!(
        today(&place.open(BEFORE_MIDNIGHT), at(BEFORE_MIDNIGHT)),
        first
    );
    assert_eq!(
        fs::read(place.data.join("cookie.key")).expect("the key"),
        key
    );
    assert_eq!(place.audit(), "");
}

#[test]
fn local_midnight_changes_the_salt_without_a_tick() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(BEFORE_MIDNIGHT));
    assert_eq!(first, today(&keeper, at(NOON)));
    let second = today(&keeper, at(MIDNIGHT));
    assert_ne!(first, second);
    assert_eq!(second, today(&keeper, at("2026-11-24T14:59:59.999Z")));
    assert_eq!(
        keeper.day(SiteId::nth(0), at(BEFORE_MIDNIGHT)) + 1,
        keeper.day(SiteId::nth(0), at(MIDNIGHT))
    );
}

#[test]
fn tomorrows_salt_is_the_one_made_in_advance() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let ahead: Vec<_> = place
        .files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".next"))
        .map(|(_, bytes)| bytes)
        .collect();
    assert!(ahead.contains(&today(&keeper, at(MIDNIGHT)).to_vec()));
}

#[test]
fn yesterdays_salt_is_available_for_half_an_hour() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    assert_eq!(yesterday(&keeper, at(BEFORE_MIDNIGHT)), None);
    assert_eq!(yesterday(&keeper, at(MIDNIGHT)), Some(first));
    keeper.tick(at("2026-11-23T15:29:59Z")).expect("a tick");
    assert_eq!(yesterday(&keeper, at("2026-11-23T15:29:59Z")), Some(first));
    assert!(place.holds(&first));
    // The salt is no longer available, even before a tick, and the next tick destroys its file.
    assert_eq!(yesterday(&keeper, at("2026-11-23T15:30:00Z")), None);
    assert_eq!(place.audit(), "");
    keeper.tick(at("2026-11-23T15:30:05Z")).expect("a tick");
    assert!(!place.holds(&first));
    let (line, name) = (
        place.audit(),
        place
            .audit()
            .trim_end()
            .rsplit('=')
            .next()
            .unwrap_or("")
            .to_owned(),
    );
    assert_eq!(
        line,
        format!(
            "2026-11-23T15:30:05Z salts destroyed site=example.com day=2026-11-23 salt={name}\n"
        )
    );
    assert_eq!(name.len(), 16);
    // It was destroyed exactly once.
    keeper.tick(at("2026-11-23T15:30:15Z")).expect("a tick");
    assert_eq!(place.audit().lines().count(), 1);
}

#[test]
fn yesterdays_salt_survives_a_restart_within_its_half_hour_only() {
    let place = Place::new();
    let first = today(&place.open(NOON), at(NOON));
    let keeper = place.open("2026-11-23T15:10:00Z");
    assert_eq!(yesterday(&keeper, at("2026-11-23T15:10:00Z")), Some(first));
    drop(keeper);
    let keeper = place.open("2026-11-23T15:20:00Z");
    assert_eq!(yesterday(&keeper, at("2026-11-23T15:20:00Z")), Some(first));
    drop(keeper);
    let keeper = place.open("2026-11-23T15:40:00Z");
    assert_eq!(yesterday(&keeper, at("2026-11-23T15:40:00Z")), None);
    assert!(!place.holds(&first));
    assert!(place.audit().contains("site=example.com day=2026-11-23"));
}

#[test]
fn a_crash_between_midnight_and_the_tick_loses_no_salt() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let second = today(&keeper, at(MIDNIGHT));
    drop(keeper); // no tick: the file still has tomorrow's name
    assert_eq!(
        today(
            &place.open("2026-11-23T15:00:09Z"),
            at("2026-11-23T15:00:09Z")
        ),
        second
    );
}
