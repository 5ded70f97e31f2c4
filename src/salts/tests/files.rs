//! Files and folders: private, locked, damaged, moved away, on a disk that fails.

use super::*;

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
fn a_file_of_another_user_stops_the_start() {
    let place = Place::new();
    drop(place.open(NOON));
    let name = place.salt_files("example.com").remove(0);
    // Only the superuser can change the owner of a file; for other users there is nothing to test.
    if std::os::unix::fs::chown(place.dir.join(&name), Some(12_345), None).is_ok() {
        let error = place.try_open(NOON).err().expect("it must not start");
        assert!(
            matches!(error, SaltError::Foreign { owner: 12_345, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_malformed_salt_file_stops_the_start() {
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
fn a_path_that_is_not_a_folder_stops_the_start() {
    let place = Place::new();
    fs::create_dir_all(place.dir.parent().expect("a parent")).expect("a folder");
    fs::write(&place.dir, "").expect("a file");
    assert!(matches!(place.try_open(NOON), Err(SaltError::Io { .. })));
}

#[test]
fn a_second_collector_cannot_open_the_salts() {
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
fn a_failing_disk_does_not_stop_rotation_and_is_retried() {
    let place = Place::new();
    let keeper = place.open(NOON);
    let first = today(&keeper, at(NOON));
    fs::create_dir(place.data.join("audit.log")).expect("a folder in place of the log");
    let late = at("2026-11-23T15:40:00Z");
    for _ in 0..2 {
        assert!(matches!(keeper.tick(late), Err(SaltError::Io { .. })));
    }
    let second = today(&keeper, late);
    assert_ne!(first, second);
    assert_eq!(yesterday(&keeper, late), None);
    fs::remove_dir(place.data.join("audit.log")).expect("removed");
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
