//! Log-ins: their end, second factors, known devices and the audit log.

use super::*;
use crate::control::database::in_memory;
use crate::control::people::{Role, add, remove, set_password, set_totp};
use crate::control::second_factor::{FACTOR_PAUSE_S, FACTOR_PAUSE_S_MAX, record_failure, tries};
use crate::control::totp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

/// A database with one person: the connection and what a log-in is checked against.
fn with_ada() -> (Connection, Credentials) {
    let mut connection = in_memory();
    let owner = ("*", Role::Owner);
    add(&mut connection, at(0), "x", "root", "p", owner).expect("added");
    add(&mut connection, at(0), "x", "ada", "p", owner).expect("added");
    let ada = people::credentials(&connection, "ada")
        .expect("read")
        .expect("there");
    (connection, ada)
}

fn log_in(
    connection: &mut Connection,
    now: i64,
    ada: &Credentials,
    cookie: u8,
    code: &str,
) -> bool {
    let opening = Opening {
        credentials: ada,
        code,
        hash: [cookie; 32],
        replaces: None,
        is_known_device: false,
    };
    open(connection, at(now), &opening)
        .expect("written")
        .is_some()
}

fn name(connection: &Connection, now: i64, cookie: u8) -> Option<String> {
    find(connection, at(now), &[cookie; 32])
        .expect("read")
        .map(|person| person.name)
}

#[test]
fn a_log_in_ends_after_30_days_or_7_without_a_request() {
    let (mut connection, ada) = with_ada();
    assert!(log_in(&mut connection, 0, &ada, 1, ""));
    assert_eq!(name(&connection, IDLE_S_MAX, 1).as_deref(), Some("ada"));
    assert_eq!(name(&connection, IDLE_S_MAX, 2), None);
    assert_eq!(name(&connection, 2 * IDLE_S_MAX + 1, 1), None);
    for day in (0..=30).step_by(5) {
        let _ = name(&connection, day * 86_400, 1);
    }
    assert_eq!(name(&connection, AGE_S_MAX, 1).as_deref(), Some("ada"));
    assert_eq!(name(&connection, AGE_S_MAX + 1, 1), None);
}

#[test]
fn logging_in_again_replaces_the_cookie_and_evicts_the_oldest() {
    let (mut connection, ada) = with_ada();
    assert!(log_in(&mut connection, 0, &ada, 1, ""));
    let opening = Opening {
        credentials: &ada,
        code: "",
        hash: [2; 32],
        replaces: Some([1; 32]),
        is_known_device: false,
    };
    assert!(
        open(&mut connection, at(1), &opening)
            .expect("written")
            .is_some()
    );
    assert_eq!(name(&connection, 1, 1), None);
    for cookie in 3..3 + LOGINS_MAX as u8 {
        assert!(log_in(&mut connection, i64::from(cookie), &ada, cookie, ""));
    }
    assert_eq!(name(&connection, 30, 2), None, "the oldest makes room");
    assert_eq!(name(&connection, 30, 3).as_deref(), Some("ada"));
    assert_eq!(count(&connection, ada.person).expect("read"), LOGINS_MAX);
}

#[test]
fn log_ins_end_on_removal_password_change_and_log_out() {
    let (mut connection, ada) = with_ada();
    for cookie in 1..=4 {
        assert!(log_in(&mut connection, 0, &ada, cookie, ""));
    }
    close(&connection, &[1; 32]).expect("written");
    assert_eq!(name(&connection, 1, 1), None);
    set_password(&mut connection, at(1), ada.person, "q", &[2; 32]).expect("changed");
    assert_eq!(name(&connection, 1, 3), None);
    assert_eq!(name(&connection, 1, 2).as_deref(), Some("ada"));
    assert!(
        !log_in(&mut connection, 1, &ada, 5, ""),
        "checked against the old password"
    );
    let ada = people::credentials(&connection, "ada")
        .expect("read")
        .expect("there");
    assert!(log_in(&mut connection, 1, &ada, 6, ""));
    assert_eq!(
        close_others(&connection, ada.person, &[6; 32]).expect("written"),
        1
    );
    remove(&mut connection, at(2), "root", ada.person).expect("removed");
    assert_eq!(
        name(&connection, 2, 6),
        None,
        "an open log-in of a removed person"
    );
    assert!(!log_in(&mut connection, 2, &ada, 7, ""));
}

#[test]
fn the_second_factor_is_asked_for_and_each_code_works_once() {
    let (mut connection, ada) = with_ada();
    let secret = b"12345678901234567890";
    let codes: Vec<TokenHash> = (0..2).map(|n| recovery_hash(&[n; 10])).collect();
    set_totp(
        &mut connection,
        at(0),
        ada.person,
        Some((secret, 0, &codes)),
    )
    .expect("set");
    let now = 1_111_111_109;
    for (code, expected) in [
        ("", false),
        ("000000", false),
        ("081804", true),
        ("081804", false),
        ("AAAA AAAA AAAA AAAA", true),
        ("aaaa-aaaa-aaaa-aaaa", false),
        (totp::spell(&[1; 10]).as_str(), true),
        (totp::spell(&[2; 10]).as_str(), false),
    ] {
        assert_eq!(
            log_in(&mut connection, now, &ada, 1, code),
            expected,
            "{code}"
        );
        close(&connection, &[1; 32]).expect("written");
    }
    set_totp(&mut connection, at(now), ada.person, None).expect("taken");
    assert!(log_in(&mut connection, now, &ada, 1, ""));
}

#[test]
fn a_device_is_known_to_its_person_until_the_password_changes() {
    let (connection, ada) = with_ada();
    let key = secret(&connection, "device", [1; 32]).expect("made");
    assert_eq!(secret(&connection, "device", [2; 32]).expect("kept"), key);
    let cookie = device_cookie(&key, &ada, [7; DEVICE_BYTES]);
    assert!(is_known_device(&key, &ada, &cookie));
    let root = people::credentials(&connection, "root")
        .expect("read")
        .expect("there");
    assert!(!is_known_device(&key, &root, &cookie));
    let changed = Credentials {
        person: ada.person,
        password: "q".into(),
    };
    assert!(!is_known_device(&key, &changed, &cookie));
    assert!(!is_known_device(&[3; 32], &ada, &cookie));
    for forged in [
        "",
        ".",
        "00.00",
        &cookie[1..],
        &cookie[..cookie.len() - 2],
        "ä.ää",
    ] {
        assert!(!is_known_device(&key, &ada, forged), "{forged}");
    }
}

#[test]
fn wrong_codes_pause_the_second_factor_longer_and_longer() {
    let (mut connection, ada) = with_ada();
    let code = recovery_hash(&[7; totp::RECOVERY_BYTES]);
    let factor = Some((&b"12345678901234567890"[..], 0, &[code][..]));
    set_totp(&mut connection, at(0), ada.person, factor).expect("set");
    let right = totp::spell(&[7; totp::RECOVERY_BYTES]);
    // A form without a code is not a guess.
    for _ in 0..9 {
        assert!(!log_in(&mut connection, 10, &ada, 1, ""));
    }
    for _ in 0..FACTOR_TRIES {
        assert!(!log_in(&mut connection, 10, &ada, 1, "000000"));
    }
    let end = 10 + FACTOR_PAUSE_S;
    assert!(
        !log_in(&mut connection, end - 1, &ada, 1, &right),
        "codes are not checked during a pause"
    );
    assert!(!log_in(&mut connection, end, &ada, 1, "000000"));
    assert!(!log_in(
        &mut connection,
        end + 2 * FACTOR_PAUSE_S - 1,
        &ada,
        1,
        &right
    ));
    // Wrong codes from elsewhere do not count for a known browser.
    let opening = Opening {
        credentials: &ada,
        code: &right,
        hash: [2; 32],
        replaces: None,
        is_known_device: true,
    };
    let opened = open(&mut connection, at(end + 1), &opening).expect("written");
    assert_eq!(
        opened,
        Some(FACTOR_TRIES + 1),
        "the number of wrong codes is returned"
    );
    let wrong = audit::latest(&connection, &|_| true).expect("read");
    let wrong = wrong
        .iter()
        .filter(|entry| entry.what == "second_factor_wrong");
    assert_eq!(wrong.count() as i64, FACTOR_TRIES + 1);
    // A log-in resets the count.
    let (failed, until) = tries(&connection, ada.person, false).expect("read");
    assert_eq!((failed, until), (0, 0));
    for _ in 0..40 {
        record_failure(&connection, at(0), (ada.person, "ada"), false, 40).expect("written");
    }
    assert_eq!(
        tries(&connection, ada.person, false).expect("read").1,
        FACTOR_PAUSE_S_MAX
    );
}

#[test]
fn wrong_passwords_are_one_audit_entry_per_15_minutes() {
    let (mut connection, ada) = with_ada();
    for now in [1_000, 1_001, 1_800, 1_000 + WRONG_PASSWORD_S] {
        record_wrong_password(&mut connection, at(now), ada.person).expect("written");
    }
    record_wrong_password(&mut connection, at(0), PersonId(4_711)).expect("ignored");
    let entries = audit::latest(&connection, &|_| true).expect("read");
    let wrong = entries
        .iter()
        .filter(|entry| entry.what == "password_wrong");
    assert_eq!(wrong.count(), 2);
}
