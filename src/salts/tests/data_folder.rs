//! The cookie key and the audit log move from the salts' folder to the data folder.

use super::*;

/// The old layout: key and audit log beside the salts. Returns the key.
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
fn key_and_audit_log_move_from_the_salts_to_the_data_folder() {
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
fn an_interrupted_move_is_finished_by_the_next_start() {
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
fn of_two_keys_the_one_in_the_data_folder_is_kept() {
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
    // Positive control: the salts are new, as expected.
    assert_ne!(today(&keeper, at("2026-11-23T15:50:00Z")), salt);
    assert_eq!(
        fs::read(place.data.join("cookie.key")).expect("it"),
        key.expect("the key")
    );
    assert_eq!(place.audit(), audit);
}
