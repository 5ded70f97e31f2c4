//! Clocks that jump, restarts, and reads during a rotation.

use proptest::prelude::*;

use super::*;

#[test]
fn a_clock_jump_forward_rotates_once_and_drops_yesterday() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    let later = at("2026-12-25T15:10:00Z");
    let second = today(&keeper, later);
    assert_ne!(first, second);
    assert_eq!(yesterday(&keeper, later), None);
    keeper.tick(later).expect("a tick");
    assert_eq!(today(&keeper, later), second);
    let own = place
        .audit()
        .lines()
        .filter(|line| line.contains("example.com"))
        .count();
    assert_eq!(own, 1, "one salt was destroyed: {}", place.audit());
    assert!(!place.holds(&first) && place.holds(&second));
}

#[test]
fn a_clock_jump_within_the_half_hour_destroys_both_salts() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    keeper.tick(at("2026-11-23T15:10:00Z")).expect("a tick");
    let second = today(&keeper, at("2026-11-23T15:10:00Z"));
    let later = at("2026-12-25T15:10:00Z");
    assert_eq!(yesterday(&keeper, later), None);
    keeper.tick(later).expect("a tick");
    assert!(!place.holds(&first) && !place.holds(&second));
    let days = ["day=2026-11-23", "day=2026-11-24"];
    for day in days {
        assert_eq!(
            place
                .audit()
                .lines()
                .filter(|line| line.contains(day) && line.contains("example.com"))
                .count(),
            1
        );
    }
}

#[test]
fn a_salt_left_by_a_stopped_collector_is_not_yesterdays() {
    let place = Place::new();
    drop(place.open(NOON));
    let stale = format!("{}.20770.00112233aabbccdd.salt", site_slug("example.com"));
    fs::write(place.dir.join(&stale), [5; 32]).expect("a write");
    fs::set_permissions(place.dir.join(&stale), Permissions::from_mode(0o600)).expect("chmod");
    let now = "2026-11-23T15:10:00Z";
    let keeper = place.open(now);
    assert_ne!(yesterday(&keeper, at(now)), Some([5; 32]));
    assert!(yesterday(&keeper, at(now)).is_some());
    assert!(!place.holds(&[5; 32]));
    assert!(
        place
            .audit()
            .contains("day=2026-11-13 salt=00112233aabbccdd")
    );
}

#[test]
fn a_clock_jump_back_neither_restores_nor_makes_a_salt() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    let later = at("2026-11-27T03:00:00Z");
    keeper.tick(later).expect("a tick");
    let second = today(&keeper, later);
    let files = place.salt_files("example.com");
    for back in [NOON, "2026-11-26T16:00:00Z", "2026-11-23T15:10:00Z"] {
        keeper.tick(at(back)).expect("a tick");
        assert_eq!(yesterday(&keeper, at(back)), None);
        assert_ne!(today(&keeper, at(back)), first);
    }
    let keeper_back = today(&keeper, at("2026-11-23T15:10:00Z"));
    assert_ne!(keeper_back, first);
    assert_eq!(files.len(), place.salt_files("example.com").len());
    // The current day's salt stays in use while the clock is behind, and after it is right again.
    let place = Place::new();
    let keeper = place.open("2026-11-27T03:00:00Z");
    let current = today(&keeper, later);
    assert_eq!(today(&keeper, at(NOON)), current);
    assert_eq!(today(&keeper, later), current);
    drop((keeper, second));
    assert_eq!(
        today(&place.open(NOON), at(NOON)),
        current,
        "a restart creates no salt either"
    );
}

#[test]
fn a_step_back_over_midnight_keeps_the_new_days_salt() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(BEFORE_MIDNIGHT));
    let second = today(&keeper, at(MIDNIGHT));
    assert_eq!(today(&keeper, at(BEFORE_MIDNIGHT)), second);
    assert_eq!(yesterday(&keeper, at(BEFORE_MIDNIGHT)), None);
    assert_eq!(today(&keeper, at(MIDNIGHT)), second);
    keeper.tick(at(MIDNIGHT)).expect("a tick");
    assert!(!place.holds(&first), "the step back ended its grace");
}

#[test]
fn after_a_wrong_clock_every_local_midnight_still_changes_the_salt() {
    let place = Place::new();
    let mut keeper = place.open("2099-01-01T03:00:00Z"); // with a wrong clock
    let mut salts = BTreeSet::from([today(&keeper, at("2099-01-01T03:00:00Z"))]);
    for day in 23..=27 {
        let now = at(&format!("2026-11-{day}T03:00:00Z"));
        keeper.tick(now).expect("a tick");
        salts.insert(today(&keeper, now));
        drop(keeper);
        keeper = place.open(&format!("2026-11-{day}T04:00:00Z"));
        salts.insert(today(&keeper, at(&format!("2026-11-{day}T04:00:00Z"))));
    }
    assert_eq!(
        salts.len(),
        5,
        "the first lasts for the rest of its day, then there is one a day, with or without restarts"
    );
    assert_eq!(
        place
            .audit()
            .lines()
            .filter(|line| line.contains("example.com"))
            .count(),
        4
    );
}

#[test]
fn every_local_day_in_every_zone_has_exactly_one_salt() {
    let zones = [
        "UTC",
        "Asia/Tokyo",
        "Asia/Kolkata",
        "America/New_York",
        "America/Havana",
        "America/Asuncion",
        "America/Santiago",
        "Africa/Cairo",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Pacific/Kiritimati",
        "Pacific/Apia",
        "Pacific/Chatham",
        "Etc/GMT+12",
        "Etc/GMT-14",
    ];
    let memory = LockedMemory::new();
    let epoch = || fresh(&memory);
    for zone_name in zones {
        // Samoa skipped 30 December 2011.
        let start = if zone_name == "Pacific/Apia" {
            "2011-12-20T00:00:00Z"
        } else {
            "2024-01-01T00:00:00Z"
        };
        let zone = TimeZone::get(zone_name).expect("a zone");
        let mut now = at(start);
        let first = Held {
            label: LocalDay::at(&zone, now).day,
            salt: epoch(),
            file: None,
        };
        let since = first.label;
        let mut epochs = Epochs::new(zone.clone(), first, since, None, None);
        let (mut day_of_salt, mut salt_of_day) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..(366 * 24 * 2) {
            if !epochs.is_settled(now) {
                epochs.advance(now, epoch);
            }
            let date = zone.to_datetime(now).date();
            let salt = epochs.salts().today.public_name();
            assert_eq!(
                *day_of_salt.entry(salt.clone()).or_insert(date),
                date,
                "{zone_name} {now}"
            );
            assert_eq!(
                *salt_of_day.entry(date).or_insert(salt.clone()),
                salt,
                "{zone_name} {now}"
            );
            assert_eq!(date_of(epochs.day(now)), date);
            let in_first_half_hour = epochs.salts().yesterday.is_some();
            let midnight = zone
                .to_zoned_datetime(date.at(0, 0, 0, 0))
                .and_then(|zoned| zoned.start_of_day())
                .expect("it has one");
            let is_in_grace =
                now.duration_since(midnight.timestamp()) < GRACE && day_of_salt.len() > 1;
            assert_eq!(in_first_half_hour, is_in_grace, "{zone_name} {now}");
            now += SignedDuration::from_mins(30);
        }
    }
}

/// What happens to a collector, for [`clock_jumps_and_restarts_never_restore_a_destroyed_salt`].
#[derive(Debug, Clone)]
enum Happening {
    /// The clock moves by this many minutes.
    Clock(i64),
    Tick,
    /// The process ends without a tick, and another begins.
    Restart,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        3 => (1..90i64).prop_map(Happening::Clock),
        2 => (90..2_000i64).prop_map(Happening::Clock),
        1 => (-2_000..-1i64).prop_map(Happening::Clock),
        1 => (-9_000..20_000i64).prop_map(Happening::Clock),
        3 => Just(Happening::Tick),
        1 => Just(Happening::Restart),
    ];
    proptest::collection::vec(happening, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn clock_jumps_and_restarts_never_restore_a_destroyed_salt(happenings in happenings()) {
        let place = Place::with_zones(&[("example.com", "Europe/Berlin")]);
        let mut now = at("2026-10-23T21:00:00Z");
        let mut keeper = place.open(&now.to_string());
        let mut current = today(&keeper, now);
        let (mut past, mut pending) = (BTreeSet::new(), BTreeSet::new());
        for happening in happenings {
            match happening {
                Happening::Clock(minutes) => now += SignedDuration::from_mins(minutes),
                Happening::Tick => keeper.tick(now).expect("a tick"),
                Happening::Restart => {
                    drop(keeper);
                    keeper = place.open(&now.to_string());
                }
            }
            let (seen, before) = (today(&keeper, now), yesterday(&keeper, now));
            if seen != current {
                pending.insert(std::mem::replace(&mut current, seen));
            }
            match happening {
                Happening::Clock(_) => {}
                Happening::Tick => past.append(&mut pending),
                // A crash before the tick that stores the change of day may undo the change.
                Happening::Restart => pending.clear(),
            }
            prop_assert!(!past.contains(&current), "a past salt is in use again");
            let zone = TimeZone::get("Europe/Berlin").expect("a zone");
            let minute_of_day = zone.to_datetime(now).hour() as i32 * 60 + zone.to_datetime(now).minute() as i32;
            prop_assert!(before.is_none_or(|salt| salt != current && minute_of_day < 30));
            if matches!(happening, Happening::Tick | Happening::Restart) {
                for salt in past.iter().filter(|salt| Some(**salt) != before) {
                    prop_assert!(!place.holds(salt), "a past salt is on disk");
                }
                prop_assert!(place.salt_files("example.com").len() <= 3);
                prop_assert!(place.holds(&current), "the salt in use is on disk");
            }
        }
    }
}

#[test]
fn readers_and_a_rotation_at_the_same_time_never_see_a_wrong_salt() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let (before, after) = (at(BEFORE_MIDNIGHT), at("2026-11-23T15:00:01Z"));
    let first = today(&keeper, before);
    let second = today(&keeper, after);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let (today, yesterday) = (today(&keeper, after), yesterday(&keeper, after));
                    assert_eq!(today, second);
                    assert!(yesterday.is_none_or(|salt| salt == first));
                }
            });
        }
        for _ in 0..50 {
            keeper.tick(after).expect("a tick");
        }
    });
}
