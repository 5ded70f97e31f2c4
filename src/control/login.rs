//! Log-ins of browsers. A log-in is a row; deleting the row ends it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};
use zeroize::Zeroizing;

use crate::control::audit::{self, AuditEntry};
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
    let entry = AuditEntry {
        who: &account.name,
        what: "login",
        site: "",
        subject: "",
    };
    audit::record(&change, now, entry)?;
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
    let entry = AuditEntry {
        who: &person.name,
        what: "password_wrong",
        site: "",
        subject: &person.name,
    };
    audit::record(&change, now, entry)?;
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
mod tests;
