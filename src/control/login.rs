//! Browsers that are logged in. A log-in is a row, so ending one is deleting it, at once.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::ControlError;
use super::audit::{self, Deed};
use super::database::change;
use super::people::{self, Credentials, Person};
use super::token::{self, TokenHash, hex, unhex};
use super::totp;

/// Seconds after which one logs in again, whatever happened meanwhile.
pub const AGE_S_MAX: i64 = 30 * 86_400;
/// Seconds without a request after which one logs in again.
pub const IDLE_S_MAX: i64 = 7 * 86_400;
/// Browsers in which one person is logged in; a further one ends the oldest.
pub const LOGINS_MAX: i64 = 20;
/// How exactly the last request is kept, seconds.
const SEEN_S: i64 = 3_600;
/// Random bytes of a device cookie.
pub const DEVICE_BYTES: usize = 16;

/// A log-in whose password was right.
pub struct Opening<'a> {
    /// What the password was checked against.
    pub credentials: &'a Credentials,
    /// What was typed as the second factor, a code or a recovery code; empty where there is none.
    pub code: &'a str,
    /// Hash of the new cookie.
    pub hash: TokenHash,
    /// Hash of the cookie that the browser had.
    pub replaces: Option<TokenHash>,
}

/// Logs in. `false` when the second factor is missing or wrong, or the password was changed meanwhile.
///
/// # Errors
/// The file can't be written.
pub fn open(
    connection: &mut Connection,
    now: Timestamp,
    opening: &Opening<'_>,
) -> Result<bool, ControlError> {
    let change = change(connection)?;
    let person = opening.credentials.person;
    let found = change
        .prepare_cached("SELECT name, password, totp, totp_step FROM people WHERE id = :id")?
        .query_row(named_params! { ":id": person }, |row| {
            let (name, password): (String, String) = (row.get(0)?, row.get(1)?);
            let (secret, step): (Option<Vec<u8>>, i64) = (row.get(2)?, row.get(3)?);
            Ok((name, password, secret, step))
        })
        .optional()?;
    let Some((name, password, secret, last_step)) = found else {
        return Ok(false);
    };
    if password != opening.credentials.password {
        return Ok(false);
    }
    if let Some(secret) = secret.map(Zeroizing::new)
        && !second_factor(&change, now, person, opening.code, &secret, last_step)?
    {
        return Ok(false);
    }
    let now_s = now.as_second();
    change
        .prepare_cached(
            "DELETE FROM logins WHERE hash = :replaced OR created < :oldest OR seen < :idle",
        )?
        .execute(named_params! {
            ":replaced": opening.replaces, ":oldest": now_s - AGE_S_MAX, ":idle": now_s - IDLE_S_MAX,
        })?;
    change
        .prepare_cached(
            "DELETE FROM logins WHERE hash IN (SELECT hash FROM logins WHERE person = :person
             ORDER BY created DESC, hash LIMIT -1 OFFSET :kept)",
        )?
        .execute(named_params! { ":person": person, ":kept": LOGINS_MAX - 1 })?;
    change
        .prepare_cached(
            "INSERT INTO logins (hash, person, created, seen) VALUES (:hash, :person, :now, :now)",
        )?
        .execute(named_params! { ":hash": opening.hash, ":person": person, ":now": now_s })?;
    let deed = Deed {
        who: &name,
        what: "login",
        site: "",
        subject: "",
    };
    audit::record(&change, now, deed)?;
    change.commit()?;
    Ok(true)
}

/// Whether what was typed is a code that is due or an unused recovery code; either is used up by it.
fn second_factor(
    connection: &Connection,
    now: Timestamp,
    person: i64,
    typed: &str,
    secret: &[u8],
    last_step: i64,
) -> Result<bool, ControlError> {
    if let Some(step) = totp::accept(secret, typed, now.as_second(), last_step) {
        connection
            .prepare_cached("UPDATE people SET totp_step = :step WHERE id = :person")?
            .execute(named_params! { ":step": step, ":person": person })?;
        return Ok(true);
    }
    let Some(code) = totp::unspell(typed) else {
        return Ok(false);
    };
    let used = connection
        .prepare_cached("DELETE FROM recovery_codes WHERE person = :person AND hash = :hash")?
        .execute(named_params! { ":person": person, ":hash": recovery_hash(&code) })?;
    Ok(used == 1)
}

/// What is kept of a recovery code.
pub fn recovery_hash(code: &[u8]) -> TokenHash {
    token::hash(&hex(code))
}

/// Who is logged in with a cookie of this hash.
///
/// # Errors
/// The file can't be read.
pub fn find(
    connection: &Connection,
    now: Timestamp,
    hash: &TokenHash,
) -> Result<Option<Person>, ControlError> {
    let now_s = now.as_second();
    let found = connection
        .prepare_cached(
            "SELECT person, seen FROM logins WHERE hash = :hash AND created >= :oldest AND seen >= :idle",
        )?
        .query_row(
            named_params! { ":hash": hash, ":oldest": now_s - AGE_S_MAX, ":idle": now_s - IDLE_S_MAX },
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()?;
    let Some((person, seen)) = found else {
        return Ok(None);
    };
    if seen + SEEN_S <= now_s {
        connection
            .prepare_cached("UPDATE logins SET seen = :now WHERE hash = :hash")?
            .execute(named_params! { ":now": now_s, ":hash": hash })?;
    }
    people::find(connection, person)
}

/// Logs one browser out.
///
/// # Errors
/// The file can't be written.
pub fn close(connection: &Connection, hash: &TokenHash) -> Result<(), ControlError> {
    connection
        .prepare_cached("DELETE FROM logins WHERE hash = :hash")?
        .execute(named_params! { ":hash": hash })?;
    Ok(())
}

/// Logs a person out everywhere but in the browser of `kept`. Answers how many log-ins ended.
///
/// # Errors
/// The file can't be written.
pub fn close_others(
    connection: &Connection,
    person: i64,
    kept: &TokenHash,
) -> Result<usize, ControlError> {
    let ended = connection
        .prepare_cached("DELETE FROM logins WHERE person = :person AND hash <> :kept")?
        .execute(named_params! { ":person": person, ":kept": kept })?;
    Ok(ended)
}

/// How many browsers a person is logged in with.
///
/// # Errors
/// The file can't be read.
pub fn count(connection: &Connection, person: i64) -> Result<i64, ControlError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM logins WHERE person = :person")?;
    Ok(statement.query_row(named_params! { ":person": person }, |row| row.get(0))?)
}

/// A secret of this installation, made of `fresh` where there is none yet.
///
/// # Errors
/// The file can't be written.
pub fn secret(
    connection: &Connection,
    name: &'static str,
    fresh: [u8; 32],
) -> Result<Zeroizing<Vec<u8>>, ControlError> {
    let read = || {
        connection
            .prepare_cached("SELECT value FROM settings WHERE name = :name")?
            .query_row(named_params! { ":name": name }, |row| row.get(0))
            .optional()
    };
    // Looked for first: this is asked for at every log-in, and writing takes the file's lock.
    let value: Option<Vec<u8>> = match read()? {
        Some(value) => Some(value),
        None => {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO settings (name, value) VALUES (:name, :value)",
                )?
                .execute(named_params! { ":name": name, ":value": fresh })?;
            read()?
        }
    };
    value.map(Zeroizing::new).ok_or(ControlError::NotThere)
}

/// The device cookie: says that this person logged in with this browser before, so a flood of wrong passwords from
/// elsewhere does not keep them out. It grants nothing else and ends with the password.
pub fn device_cookie(key: &[u8], credentials: &Credentials, random: [u8; DEVICE_BYTES]) -> String {
    let random = hex(&random);
    let seal = hex(&device_mac(key, credentials, &random)
        .finalize()
        .into_bytes());
    format!("{random}.{seal}")
}

/// Whether a device cookie is this person's.
pub fn is_known_device(key: &[u8], credentials: &Credentials, cookie: &str) -> bool {
    let Some((random, seal)) = cookie.split_once('.') else {
        return false;
    };
    unhex(seal).is_some_and(|bytes| {
        device_mac(key, credentials, random)
            .verify_slice(&bytes)
            .is_ok()
    })
}

fn device_mac(key: &[u8], credentials: &Credentials, random: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(&credentials.person.to_be_bytes());
    for text in [random, &credentials.password] {
        mac.update(&(text.len() as u64).to_be_bytes());
        mac.update(text.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;
    use crate::control::people::{Role, add, remove, set_password, set_totp};

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
        };
        open(connection, at(now), &opening).expect("written")
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
    fn logging_in_again_replaces_the_cookie_and_old_ones_make_room() {
        let (mut connection, ada) = with_ada();
        assert!(log_in(&mut connection, 0, &ada, 1, ""));
        let opening = Opening {
            credentials: &ada,
            code: "",
            hash: [2; 32],
            replaces: Some([1; 32]),
        };
        assert!(open(&mut connection, at(1), &opening).expect("written"));
        assert_eq!(name(&connection, 1, 1), None);
        for cookie in 3..3 + LOGINS_MAX as u8 {
            assert!(log_in(&mut connection, i64::from(cookie), &ada, cookie, ""));
        }
        assert_eq!(name(&connection, 30, 2), None, "the oldest makes room");
        assert_eq!(name(&connection, 30, 3).as_deref(), Some("ada"));
        assert_eq!(count(&connection, ada.person).expect("read"), LOGINS_MAX);
    }

    #[test]
    fn log_ins_end_with_the_person_the_password_and_the_button() {
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
}
