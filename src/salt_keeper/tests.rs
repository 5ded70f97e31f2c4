use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jiff::{SignedDuration, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::privacy::{ClientIp, UserAgent, visitors_of};

type Bytes = [u8; 32];

/// A folder for salts, and the sites `example.com` (Tokyo) and `example.org` (UTC).
struct Place {
    _root: tempfile::TempDir,
    dir: PathBuf,
    /// The data folder.
    data: PathBuf,
    sites: Vec<config::Site>,
}

impl Place {
    fn new() -> Self {
        Self::with_zones(&[("example.com", "Asia/Tokyo"), ("example.org", "UTC")])
    }

    fn with_zones(sites: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("run/salts");
        let data = root.path().join("state");
        Self {
            _root: root,
            dir,
            data,
            sites: configured(sites),
        }
    }

    fn open(&self, now: &str) -> SaltKeeper {
        self.try_open(now).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_open(&self, now: &str) -> Result<SaltKeeper, SaltError> {
        SaltKeeper::open(&self.dir, &self.data, &self.sites, at(now))
    }

    /// All files of both folders.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = [&self.dir, &self.data]
            .into_iter()
            .flat_map(|dir| fs::read_dir(dir).expect("the folder"))
            .map(|entry| entry.expect("an entry"));
        entries
            .filter(|entry| entry.path().is_file())
            .map(|entry| {
                (
                    entry.file_name().into_string().expect("UTF-8"),
                    fs::read(entry.path()).expect("a file"),
                )
            })
            .collect()
    }

    /// Where a file lies by its name.
    fn path_of(&self, name: &str) -> PathBuf {
        let beside = self.dir.join(name);
        if beside.exists() {
            beside
        } else {
            self.data.join(name)
        }
    }

    fn salt_files(&self, site: &str) -> Vec<String> {
        let slug = site_slug(site);
        self.files()
            .into_keys()
            .filter(|name| name.starts_with(&slug))
            .collect()
    }

    fn audit(&self) -> String {
        fs::read_to_string(self.data.join("audit.log")).unwrap_or_default()
    }

    fn holds(&self, secret: &Bytes) -> bool {
        self.files()
            .values()
            .any(|bytes| bytes.windows(32).any(|window| window == secret))
    }
}

fn configured(sites: &[(&str, &str)]) -> Vec<config::Site> {
    let text: String = sites
        .iter()
        .map(|(id, zone)| format!("[[site]]\nid = \"{id}\"\ntimezone = \"{zone}\"\n"))
        .collect();
    config::Config::parse(&text, Path::new("sillage.toml"))
        .unwrap_or_else(|error| panic!("{error}"))
        .sites
}

fn at(text: &str) -> Timestamp {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn today(keeper: &SaltKeeper, now: Timestamp) -> Bytes {
    keeper.with(0, now, |salts| *salts.today.expose_bytes())
}

fn yesterday(keeper: &SaltKeeper, now: Timestamp) -> Option<Bytes> {
    keeper.with(0, now, |salts| {
        salts.yesterday.map(|salt| *salt.expose_bytes())
    })
}

// Noon and midnight in Tokyo.
const NOON: &str = "2026-11-23T03:00:00Z";
const BEFORE_MIDNIGHT: &str = "2026-11-23T14:59:59Z";
const MIDNIGHT: &str = "2026-11-23T15:00:00Z";

#[test]
fn a_first_start_makes_a_private_folder_with_private_files() {
    let place = Place::new();
    let _keeper = place.open(NOON);
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(mode(&place.dir), 0o700);
    assert_eq!(mode(&place.data), 0o700);
    for name in place.files().keys() {
        assert_eq!(mode(&place.path_of(name)), 0o600, "{name}");
    }
    for site in ["example.com", "example.org"] {
        let kinds: Vec<_> = place
            .salt_files(site)
            .iter()
            .map(|name| name.rsplit('.').next().unwrap_or("").to_owned())
            .collect();
        assert_eq!(kinds, ["salt", "next"], "today's and tomorrow's");
    }
    assert!(
        place.salt_files("example.com")[0]
            .starts_with(&format!("{}.20780.", site_slug("example.com")))
    );
}

#[test]
fn every_site_has_its_own_salt() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let of = |site| keeper.with(site, at(NOON), |salts| *salts.today.expose_bytes());
    assert_ne!(of(0), of(1));
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
        keeper.day(0, at(BEFORE_MIDNIGHT)) + 1,
        keeper.day(0, at(MIDNIGHT))
    );
}

#[test]
fn tomorrows_salt_is_the_one_made_ahead() {
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
fn yesterdays_salt_is_given_for_half_an_hour_and_then_destroyed() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    assert_eq!(yesterday(&keeper, at(BEFORE_MIDNIGHT)), None);
    assert_eq!(yesterday(&keeper, at(MIDNIGHT)), Some(first));
    keeper.tick(at("2026-11-23T15:29:59Z")).expect("a tick");
    assert_eq!(yesterday(&keeper, at("2026-11-23T15:29:59Z")), Some(first));
    assert!(place.holds(&first));
    // Late or not, the salt is not given any more, and the next tick destroys its file.
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
    // It was destroyed once.
    keeper.tick(at("2026-11-23T15:30:15Z")).expect("a tick");
    assert_eq!(place.audit().lines().count(), 1);
}

#[test]
fn the_audit_names_the_salt_by_its_public_name_and_never_by_itself() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let (salt, name) = keeper.with(0, at(NOON), |salts| {
        (*salts.today.expose_bytes(), salts.today.public_name())
    });
    keeper.tick(at("2026-11-25T00:00:00Z")).expect("a tick");
    let audit = place.audit();
    assert!(audit.contains(&name));
    let hex: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!audit.contains(&hex[..8]) && !hex.contains(&name));
}

#[test]
fn a_restart_in_the_half_hour_keeps_yesterdays_salt_and_one_after_it_destroys_it() {
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
    drop(keeper); // no tick: the file is still called tomorrow's
    assert_eq!(
        today(
            &place.open("2026-11-23T15:00:09Z"),
            at("2026-11-23T15:00:09Z")
        ),
        second
    );
}

#[test]
fn a_jump_forward_rotates_once_and_keeps_no_yesterday() {
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
fn a_jump_forward_in_the_half_hour_destroys_both_salts() {
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
fn a_salt_that_a_stopped_collector_left_behind_is_nobodys_yesterday() {
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
fn a_jump_back_brings_no_salt_back_and_makes_none() {
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
    // Straight back, the current day's salt goes on, and it does when the clock is right again.
    let place = Place::new();
    let keeper = place.open("2026-11-27T03:00:00Z");
    let current = today(&keeper, later);
    assert_eq!(today(&keeper, at(NOON)), current);
    assert_eq!(today(&keeper, later), current);
    drop((keeper, second));
    assert_eq!(
        today(&place.open(NOON), at(NOON)),
        current,
        "nor does a restart make one"
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
    let mut keeper = place.open("2099-01-01T03:00:00Z"); // the clock was wrong
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
        "the first goes on for the rest of its day, then one a day, restarts or not"
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
fn in_every_zone_each_local_day_has_one_salt_and_each_salt_one_local_day() {
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
    let epoch = || Salt::from_bytes(*random::<32>()).named(*random::<8>());
    for zone_name in zones {
        // Samoa had no 30 December 2011.
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

#[test]
fn a_folder_that_others_can_read_stops_the_start() {
    let place = Place::new();
    fs::create_dir_all(&place.dir).expect("a folder");
    for mode in [0o755, 0o710, 0o701, 0o770] {
        fs::set_permissions(&place.dir, Permissions::from_mode(mode)).expect("chmod");
        let error = place.try_open(NOON).err().expect("it must not start");
        assert!(
            matches!(error, SaltError::TooOpen { mode: found, .. } if found == mode),
            "{error}"
        );
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }
}

#[test]
fn a_file_that_others_can_read_stops_the_start() {
    for kind in [".salt", ".next", "cookie.key", "audit.log"] {
        let place = Place::new();
        place
            .open(NOON)
            .tick(at("2026-11-25T00:00:00Z"))
            .expect("a tick");
        let name = place
            .files()
            .into_keys()
            .find(|name| name.ends_with(kind))
            .expect("it is there");
        fs::set_permissions(place.path_of(&name), Permissions::from_mode(0o640)).expect("chmod");
        let error = place
            .try_open("2026-11-25T00:00:00Z")
            .err()
            .expect("it must not start");
        assert!(
            error.to_string().contains(&name) && error.to_string().contains("chmod 600"),
            "{error}"
        );
    }
}

#[test]
fn a_file_of_somebody_else_stops_the_start() {
    let place = Place::new();
    drop(place.open(NOON));
    let name = place.salt_files("example.com").remove(0);
    // Only the superuser can give files away, and this is about nothing else.
    if std::os::unix::fs::chown(place.dir.join(&name), Some(12_345), None).is_ok() {
        let error = place.try_open(NOON).err().expect("it must not start");
        assert!(
            matches!(error, SaltError::Foreign { owner: 12_345, .. }),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_salt_file_stops_the_start() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 4] = [
        ("cut short", |path| {
            fs::write(path, [1; 31]).expect("a write")
        }),
        ("a folder", |path| {
            fs::remove_file(path)
                .and_then(|()| fs::create_dir(path))
                .expect("a folder")
        }),
        ("a link", |path| {
            let elsewhere = path.with_extension("elsewhere");
            fs::rename(path, &elsewhere)
                .and_then(|()| std::os::unix::fs::symlink(&elsewhere, path))
                .expect("a link");
        }),
        ("of another name", |path| {
            fs::rename(path, path.with_file_name("copy of.salt")).expect("a rename")
        }),
    ];
    for (what, damage) in damage {
        let place = Place::new();
        drop(place.open(NOON));
        damage(&place.dir.join(place.salt_files("example.com").remove(0)));
        let error = place
            .try_open(NOON)
            .err()
            .unwrap_or_else(|| panic!("{what}: it must not start"));
        assert!(error.to_string().contains("salts"), "{what}: {error}");
    }
}

#[test]
fn a_path_that_is_no_folder_stops_the_start() {
    let place = Place::new();
    fs::create_dir_all(place.dir.parent().expect("a parent")).expect("a folder");
    fs::write(&place.dir, "").expect("a file");
    assert!(matches!(place.try_open(NOON), Err(SaltError::Io { .. })));
}

#[test]
fn a_second_collector_is_kept_out() {
    let place = Place::new();
    let keeper = place.open(NOON);
    assert!(matches!(place.try_open(NOON), Err(SaltError::InUse { .. })));
    drop(keeper);
    drop(place.open(NOON));
}

#[test]
fn a_file_that_was_being_written_when_the_process_died_is_destroyed() {
    let place = Place::new();
    let first = today(&place.open(NOON), at(NOON));
    let half = place.dir.join("x.salt.tmp");
    fs::write(&half, first).expect("a write");
    drop(place.open(NOON));
    assert!(!half.exists());
}

#[test]
fn a_site_that_is_no_longer_configured_loses_its_salts() {
    let place = Place::new();
    let gone = today(&place.open(NOON), at(NOON));
    let fewer = Place {
        sites: configured(&[("example.org", "UTC")]),
        dir: place.dir.clone(),
        data: place.data.clone(),
        _root: tempfile::tempdir().expect("a folder"),
    };
    drop(fewer.open(NOON));
    assert!(!place.holds(&gone));
    assert_eq!(
        place.audit().lines().count(),
        2,
        "today's and tomorrow's: {}",
        place.audit()
    );
}

#[test]
fn a_disk_that_fails_stops_no_rotation_and_is_caught_up_with() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    fs::create_dir(place.data.join("audit.log")).expect("something in the way");
    let late = at("2026-11-23T15:40:00Z");
    for _ in 0..2 {
        assert!(matches!(keeper.tick(late), Err(SaltError::Io { .. })));
    }
    let second = today(&keeper, late);
    assert_ne!(first, second);
    assert_eq!(yesterday(&keeper, late), None);
    fs::remove_dir(place.data.join("audit.log")).expect("out of the way");
    keeper.tick(late).expect("it catches up");
    assert_eq!(place.audit().lines().count(), 1);
    assert!(!place.holds(&first) && place.holds(&second));
    drop(keeper);
    assert_eq!(today(&place.open("2026-11-23T15:41:00Z"), late), second);
}

#[test]
fn a_folder_that_is_moved_away_is_still_the_folder_in_use() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    let aside = place.dir.with_extension("aside");
    fs::rename(&place.dir, &aside).expect("a rename");
    keeper.tick(at("2026-11-23T15:40:00Z")).expect("a tick");
    fs::rename(&aside, &place.dir).expect("a rename");
    assert!(!place.holds(&first) && place.audit().contains("day=2026-11-23"));
}

/// What happens to a collector, for [`no_order_of_clock_jumps_and_restarts_brings_a_salt_back`].
#[derive(Debug, Clone)]
enum Happening {
    /// The clock moves by so many minutes.
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
    fn no_order_of_clock_jumps_and_restarts_brings_a_salt_back(happenings in happenings()) {
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
                // A crash before the tick that would have written the change of day down may undo
                // it.
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

#[test]
fn nothing_on_disk_tells_a_destroyed_salt() {
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

/// What somebody has who holds the whole database and every file of the next day, and tries to find
/// out which of a thousand known addresses a stored visitor id is: every 32 bytes that stand
/// anywhere in the files, and what can be made of names and dates, each tried as the key.
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
fn a_thousand_known_addresses_are_not_recovered_from_the_ids_and_all_files_of_the_next_day() {
    use sha2::{Digest, Sha256};
    let place = Place::new();
    let keeper = place.open(NOON);
    let agent = UserAgent::from_header(AGENT);
    let (stored, salt) = keeper.with(0, at(NOON), |salts| {
        let id = |ip: ClientIp| visitors_of(&salts, "example.com", &ip, &agent, None)[0].get();
        (
            known_addresses().map(id).collect::<BTreeSet<_>>(),
            *salts.today.expose_bytes(),
        )
    });
    assert_eq!(stored.len(), 1_000);
    // The tool works: with the day's salt on disk it finds them all.
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

/// Every 32 bytes in a row in any file.
fn keys_in(place: &Place) -> BTreeSet<Bytes> {
    let windows = |bytes: Vec<u8>| {
        bytes
            .windows(32)
            .map(|window| Bytes::try_from(window).expect("32"))
            .collect::<Vec<_>>()
    };
    place.files().into_values().flat_map(windows).collect()
}

/// The layout of before: key and audit log beside the salts. Gives the key.
fn as_before(place: &Place) -> Vec<u8> {
    drop(place.open(NOON));
    let key = fs::read(place.data.join("cookie.key")).expect("the key");
    fs::rename(place.data.join("cookie.key"), place.dir.join("cookie.key")).expect("a rename");
    fs::write(place.dir.join("audit.log"), "an earlier line\n").expect("a write");
    let private = Permissions::from_mode(0o600);
    fs::set_permissions(place.dir.join("audit.log"), private).expect("chmod");
    key
}

fn private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a write");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("chmod");
}

#[test]
fn key_and_audit_log_move_from_beside_the_salts_to_the_data_folder() {
    let place = Place::new();
    let key = as_before(&place);
    for _ in 0..2 {
        drop(place.open(NOON));
        assert_eq!(fs::read(place.data.join("cookie.key")).expect("it"), key);
        assert_eq!(place.audit(), "an earlier line\n");
        assert!(!place.dir.join("cookie.key").exists() && !place.dir.join("audit.log").exists());
    }
}

#[test]
fn a_move_that_broke_off_at_any_point_is_finished_by_the_next_start() {
    type Crash = fn(&Place, &[u8]);
    let crashes: [(&str, Crash); 5] = [
        ("while the copy was written", |place, key| {
            private(&place.data.join("cookie.key.tmp"), &key[..7]);
        }),
        ("before the removal", |place, key| {
            private(&place.data.join("cookie.key"), key);
        }),
        ("after the old key was overwritten", |place, key| {
            private(&place.data.join("cookie.key"), key);
            private(&place.dir.join("cookie.key"), &[0; 32]);
        }),
        ("after the audit log was copied", |place, key| {
            private(&place.data.join("cookie.key"), key);
            fs::remove_file(place.dir.join("cookie.key")).expect("removed");
            private(&place.data.join("audit.log"), b"an earlier line\nlater\n");
        }),
        ("with a broken key in the data folder", |place, _| {
            private(&place.data.join("cookie.key"), &[1; 31]);
        }),
    ];
    for (when, crash) in crashes {
        let place = Place::new();
        let key = as_before(&place);
        crash(&place, &key);
        drop(place.open(NOON));
        assert_eq!(
            fs::read(place.data.join("cookie.key")).expect("it"),
            key,
            "{when}"
        );
        assert_eq!(
            place.audit().matches("an earlier line").count(),
            1,
            "{when}"
        );
        let left = ["cookie.key", "audit.log"].map(|name| place.dir.join(name).exists());
        assert_eq!(left, [false; 2], "{when}");
        assert!(!place.data.join("cookie.key.tmp").exists(), "{when}");
    }
}

#[test]
fn of_two_keys_the_data_folders_is_kept() {
    let place = Place::new();
    drop(place.open(NOON));
    let key = fs::read(place.data.join("cookie.key")).expect("the key");
    private(&place.dir.join("cookie.key"), &[9; 32]);
    drop(place.open(NOON));
    assert_eq!(fs::read(place.data.join("cookie.key")).expect("it"), key);
    assert!(!place.dir.join("cookie.key").exists());
}

#[test]
fn a_key_that_is_damaged_and_has_no_copy_stops_the_start() {
    for folder in [
        |place: &Place| place.data.clone(),
        |place: &Place| place.dir.clone(),
    ] {
        for bytes in [&[1; 31][..], &[0; 32]] {
            let place = Place::new();
            drop(place.open(NOON));
            fs::remove_file(place.data.join("cookie.key")).expect("removed");
            let path = folder(&place).join("cookie.key");
            private(&path, bytes);
            let error = place.try_open(NOON).err().expect("it must not start");
            assert!(
                error.to_string().contains(&path.display().to_string()),
                "{error}"
            );
        }
    }
}

#[test]
fn salts_in_the_data_folder_itself_leave_the_key_where_it_is() {
    let mut place = Place::new();
    place.dir = place.data.clone();
    drop(place.open(NOON));
    let key = fs::read(place.data.join("cookie.key")).expect("the key");
    drop(place.open(NOON));
    assert_eq!(fs::read(place.data.join("cookie.key")).expect("it"), key);
}

#[test]
fn salts_that_are_gone_after_a_reboot_leave_key_and_audit_log() {
    let place = Place::new();
    let keeper = place.open(NOON);
    keeper.tick(at("2026-11-23T15:40:00Z")).expect("a tick");
    let salt = today(&keeper, at("2026-11-23T15:40:00Z"));
    drop(keeper);
    let (key, audit) = (fs::read(place.data.join("cookie.key")), place.audit());
    assert_eq!(audit.lines().count(), 1);
    fs::remove_dir_all(&place.dir).expect("what a reboot does to /run");
    let keeper = place.open("2026-11-23T15:50:00Z");
    // Positive control: the salts are new, as they should be.
    assert_ne!(today(&keeper, at("2026-11-23T15:50:00Z")), salt);
    assert_eq!(
        fs::read(place.data.join("cookie.key")).expect("it"),
        key.expect("the key")
    );
    assert_eq!(place.audit(), audit);
}
