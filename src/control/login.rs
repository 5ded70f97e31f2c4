//! Browsers that are logged in. A log-in is a row, so ending one is deleting it, at once.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::control::audit::{self, Deed};
use crate::control::database::ControlError;
use crate::control::database::change;
use crate::control::people::{self, Credentials, Person};
use crate::control::token::{self, TokenHash, hex, unhex};
use crate::control::totp;

/// Seconds after which one logs in again, whatever happened meanwhile.
pub const AGE_S_MAX: i64 = 30 * 86_400;
/// Seconds without a request after which one logs in again.
pub const IDLE_S_MAX: i64 = 7 * 86_400;
/// Browsers in which one person is logged in; a further one ends the oldest.
pub const LOGINS_MAX: i64 = 20;
/// Wrong codes of the second factor before codes are not looked at for a while.
pub const FACTOR_TRIES: i64 = 5;
/// Seconds of the first pause; each further wrong code doubles it.
pub const FACTOR_PAUSE_S: i64 = 900;
/// Seconds of the longest pause.
pub const FACTOR_PAUSE_S_MAX: i64 = 12 * 3_600;
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
    /// Whether the person logged in with this browser before: then wrong codes from elsewhere do
    /// not count.
    pub is_known_device: bool,
}

/// Logs in. Answers how many wrong codes of the second factor were typed with the right password
/// since the log-in before. `None` when the second factor is missing, wrong or paused, or the
/// password was changed meanwhile.
///
/// # Errors
/// The file can't be written.
pub fn open(
    connection: &mut Connection,
    now: Timestamp,
    opening: &Opening<'_>,
) -> Result<Option<i64>, ControlError> {
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
        return Ok(None);
    };
    if password != opening.credentials.password {
        return Ok(None);
    }
    if let Some(secret) = secret.map(Zeroizing::new) {
        let (failed, paused_until) = tries(&change, person, opening.is_known_device)?;
        if paused_until > now.as_second() {
            return Ok(None);
        }
        if !second_factor(&change, now, person, opening.code, &secret, last_step)? {
            // A form without a code is no guess: it is how one finds out that a code is asked for.
            if !opening.code.trim().is_empty() {
                record_failure(
                    &change,
                    now,
                    (person, &name),
                    opening.is_known_device,
                    failed + 1,
                )?;
                change.commit()?;
            }
            return Ok(None);
        }
    }
    let wrong_codes: i64 = change
        .prepare_cached(
            "SELECT coalesce(sum(failed), 0) FROM second_factor_tries WHERE person = :person",
        )?
        .query_row(named_params! { ":person": person }, |row| row.get(0))?;
    change
        .prepare_cached("DELETE FROM second_factor_tries WHERE person = :person")?
        .execute(named_params! { ":person": person })?;
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
    Ok(Some(wrong_codes))
}

/// Wrong codes so far, and until when no further one is looked at.
fn tries(
    connection: &Connection,
    person: i64,
    is_known_device: bool,
) -> Result<(i64, i64), ControlError> {
    let found = connection
        .prepare_cached(
            "SELECT failed, paused_until FROM second_factor_tries
             WHERE person = :person AND known_device = :known",
        )?
        .query_row(
            named_params! { ":person": person, ":known": is_known_device },
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(found.unwrap_or((0, 0)))
}

fn record_failure(
    connection: &Connection,
    now: Timestamp,
    (person, name): (i64, &str),
    is_known_device: bool,
    failed: i64,
) -> Result<(), ControlError> {
    let pause_s = match failed - FACTOR_TRIES {
        ..0 => 0,
        further => (FACTOR_PAUSE_S << further.min(10)).min(FACTOR_PAUSE_S_MAX),
    };
    connection
        .prepare_cached(
            "INSERT INTO second_factor_tries (person, known_device, failed, paused_until)
             VALUES (:person, :known, :failed, :until)
             ON CONFLICT DO UPDATE SET failed = excluded.failed, paused_until = excluded.paused_until",
        )?
        .execute(named_params! {
            ":person": person, ":known": is_known_device, ":failed": failed,
            ":until": now.as_second() + pause_s,
        })?;
    let deed = Deed {
        who: name,
        what: "second_factor_wrong",
        site: "",
        subject: name,
    };
    audit::record(connection, now, deed)
}

/// Seconds in which wrong passwords for one person are one line of the log, so that a flood does
/// not fill it.
const WRONG_PASSWORD_S: i64 = 900;

/// Writes down that a wrong password was typed for a person who is there. Names that nobody has are
/// not written down: they may be a password in the wrong field.
///
/// # Errors
/// The file can't be written.
pub fn record_wrong_password(
    connection: &mut Connection,
    now: Timestamp,
    person: i64,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let Some(person) = people::find(&change, person)? else {
        return Ok(());
    };
    let is_written: bool = change
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM audit WHERE what = 'password_wrong' AND subject = :name AND at > :since)",
        )?
        .query_row(
            named_params! { ":name": person.name, ":since": now.as_second() - WRONG_PASSWORD_S },
            |row| row.get(0),
        )?;
    if is_written {
        return Ok(());
    }
    let deed = Deed {
        who: &person.name,
        what: "password_wrong",
        site: "",
        subject: &person.name,
    };
    audit::record(&change, now, deed)?;
    Ok(change.commit()?)
}

/// Whether what was typed is a code that is due or an unused recovery code; either is used up by
/// it.
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

/// The device cookie: says that this person logged in with this browser before, so a flood of wrong
/// passwords from elsewhere does not keep them out. It grants nothing else and ends with the
/// password.
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
        let code = super::recovery_hash(&[7; totp::RECOVERY_BYTES]);
        let factor = Some((&b"12345678901234567890"[..], 0, &[code][..]));
        set_totp(&mut connection, at(0), ada.person, factor).expect("set");
        let right = totp::spell(&[7; totp::RECOVERY_BYTES]);
        // Without a code nothing is guessed.
        for _ in 0..9 {
            assert!(!log_in(&mut connection, 10, &ada, 1, ""));
        }
        for _ in 0..FACTOR_TRIES {
            assert!(!log_in(&mut connection, 10, &ada, 1, "000000"));
        }
        let end = 10 + FACTOR_PAUSE_S;
        assert!(
            !log_in(&mut connection, end - 1, &ada, 1, &right),
            "not looked at"
        );
        assert!(!log_in(&mut connection, end, &ada, 1, "000000"));
        assert!(!log_in(
            &mut connection,
            end + 2 * FACTOR_PAUSE_S - 1,
            &ada,
            1,
            &right
        ));
        // In a browser that was logged in with before, those from elsewhere do not count.
        let opening = Opening {
            credentials: &ada,
            code: &right,
            hash: [2; 32],
            replaces: None,
            is_known_device: true,
        };
        let opened = open(&mut connection, at(end + 1), &opening).expect("written");
        assert_eq!(opened, Some(FACTOR_TRIES + 1), "the person is told");
        let wrong = audit::latest(&connection, &|_| true).expect("read");
        let wrong = wrong
            .iter()
            .filter(|entry| entry.what == "second_factor_wrong");
        assert_eq!(wrong.count() as i64, FACTOR_TRIES + 1);
        // A log-in begins anew.
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
    fn wrong_passwords_are_one_line_of_the_log_in_a_quarter_of_an_hour() {
        let (mut connection, ada) = with_ada();
        for now in [1_000, 1_001, 1_800, 1_000 + WRONG_PASSWORD_S] {
            record_wrong_password(&mut connection, at(now), ada.person).expect("written");
        }
        record_wrong_password(&mut connection, at(0), 4_711).expect("nobody");
        let entries = audit::latest(&connection, &|_| true).expect("read");
        let wrong = entries
            .iter()
            .filter(|entry| entry.what == "password_wrong");
        assert_eq!(wrong.count(), 2);
    }
}
