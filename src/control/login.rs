//! Log-ins of browsers. A log-in is a row; deleting the row ends it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};
use zeroize::Zeroizing;

use crate::control::audit::{self, Deed};
use crate::control::database::change;
use crate::control::error::ControlError;
use crate::control::ids::PersonId;
use crate::control::people::{self, Credentials, Person};
use crate::control::second_factor;
use crate::control::token::TokenHash;

pub use crate::control::device_cookie::{DEVICE_BYTES, device_cookie, is_known_device};
pub use crate::control::second_factor::{FACTOR_TRIES, recovery_hash};
pub use crate::control::settings::secret;

/// Seconds after which a log-in ends.
pub const AGE_S_MAX: i64 = 30 * 86_400;
/// Seconds without a request after which a log-in ends.
pub const IDLE_S_MAX: i64 = 7 * 86_400;
/// Most log-ins of one person. A further one ends the oldest.
pub const LOGINS_MAX: i64 = 20;
/// Seconds by which the stored time of the last request may be late.
const SEEN_S: i64 = 3_600;

/// A log-in with the right password.
pub struct Opening<'a> {
    /// The stored password that was checked.
    pub credentials: &'a Credentials,
    /// The entered code or recovery code; empty if none was entered.
    pub code: &'a str,
    /// Hash of the new cookie.
    pub hash: TokenHash,
    /// Hash of the browser's previous cookie.
    pub replaces: Option<TokenHash>,
    /// Whether the person logged in with this browser before. Wrong codes from other browsers do
    /// not count then.
    pub is_known_device: bool,
}

/// Logs in. Returns the number of wrong second-factor codes that were entered with the right
/// password since the previous log-in. `None` if the second factor is missing, wrong or paused, or
/// if the password was changed meanwhile.
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
    let Some(account) = Account::find(&change, opening.credentials)? else {
        return Ok(None);
    };
    match account.check_second_factor(&change, now, opening)? {
        SecondFactor::Right => {}
        SecondFactor::Refused => return Ok(None),
        SecondFactor::Wrong => {
            change.commit()?;
            return Ok(None);
        }
    }
    let wrong_codes = second_factor::reset_tries(&change, person)?;
    replace_logins(&change, now, person, opening)?;
    let deed = Deed {
        who: &account.name,
        what: "login",
        site: "",
        subject: "",
    };
    audit::record(&change, now, deed)?;
    change.commit()?;
    Ok(Some(wrong_codes))
}

/// Result of the check of a second factor.
enum SecondFactor {
    /// It is right, or the person has none.
    Right,
    /// Not checked, because it is missing or paused. Nothing was written.
    Refused,
    /// A wrong code, which was counted.
    Wrong,
}

/// A person whose password is right.
struct Account {
    id: PersonId,
    name: String,
    totp: Option<Zeroizing<Vec<u8>>>,
    /// Time step of the last code that was accepted.
    last_step: i64,
}

impl Account {
    /// `None` if the person was removed or changed the password meanwhile.
    fn find(
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<Option<Self>, ControlError> {
        let id = credentials.person;
        Ok(connection
            .prepare_cached(
                "SELECT name, totp, totp_step FROM people WHERE id = :id AND password = :password",
            )?
            .query_row(
                named_params! { ":id": id, ":password": credentials.password },
                |row| {
                    Ok(Self {
                        id,
                        name: row.get(0)?,
                        totp: row.get::<_, Option<Vec<u8>>>(1)?.map(Zeroizing::new),
                        last_step: row.get(2)?,
                    })
                },
            )
            .optional()?)
    }

    fn check_second_factor(
        &self,
        change: &Connection,
        now: Timestamp,
        opening: &Opening<'_>,
    ) -> Result<SecondFactor, ControlError> {
        let Some(secret) = &self.totp else {
            return Ok(SecondFactor::Right);
        };
        let is_known_device = opening.is_known_device;
        let (failed, paused_until) = second_factor::tries(change, self.id, is_known_device)?;
        if paused_until > now.as_second() {
            return Ok(SecondFactor::Refused);
        }
        if second_factor::accept(change, now, self.id, opening.code, secret, self.last_step)? {
            return Ok(SecondFactor::Right);
        }
        // A form without a code is not a guess: the answer to it asks for the code.
        if opening.code.trim().is_empty() {
            return Ok(SecondFactor::Refused);
        }
        let person = (self.id, self.name.as_str());
        second_factor::record_failure(change, now, person, is_known_device, failed + 1)?;
        Ok(SecondFactor::Wrong)
    }
}

/// Inserts the new log-in. Deletes the one that it replaces, those that have ended, and the oldest
/// beyond [`LOGINS_MAX`].
fn replace_logins(
    change: &Connection,
    now: Timestamp,
    person: PersonId,
    opening: &Opening<'_>,
) -> Result<(), ControlError> {
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
    Ok(())
}

/// Seconds in which all wrong passwords for one person are a single entry of the audit log, so that
/// a flood does not fill it.
const WRONG_PASSWORD_S: i64 = 900;

/// Records a wrong password for an existing person. Unknown names are not recorded: they may be a
/// password that was typed into the wrong field.
///
/// # Errors
/// The file can't be written.
pub fn record_wrong_password(
    connection: &mut Connection,
    now: Timestamp,
    person: PersonId,
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

/// The person who is logged in with a cookie of this hash.
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
            |row| Ok((row.get::<_, PersonId>(0)?, row.get::<_, i64>(1)?)),
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

/// Ends one log-in.
///
/// # Errors
/// The file can't be written.
pub fn close(connection: &Connection, hash: &TokenHash) -> Result<(), ControlError> {
    connection
        .prepare_cached("DELETE FROM logins WHERE hash = :hash")?
        .execute(named_params! { ":hash": hash })?;
    Ok(())
}

/// Ends all log-ins of a person except `kept`. Returns the number of log-ins that ended.
///
/// # Errors
/// The file can't be written.
pub fn close_others(
    connection: &Connection,
    person: PersonId,
    kept: &TokenHash,
) -> Result<usize, ControlError> {
    let ended = connection
        .prepare_cached("DELETE FROM logins WHERE person = :person AND hash <> :kept")?
        .execute(named_params! { ":person": person, ":kept": kept })?;
    Ok(ended)
}

/// The number of log-ins of a person.
///
/// # Errors
/// The file can't be read.
pub fn count(connection: &Connection, person: PersonId) -> Result<i64, ControlError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM logins WHERE person = :person")?;
    Ok(statement.query_row(named_params! { ":person": person }, |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;
    use crate::control::people::{Role, add, remove, set_password, set_totp};
    use crate::control::second_factor::{
        FACTOR_PAUSE_S, FACTOR_PAUSE_S_MAX, record_failure, tries,
    };
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
}
