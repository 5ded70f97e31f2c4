//! Checks codes of the second factor, and slows down guessing.
//!
//! Wrong codes are counted separately for browsers that the person logged in with before, so that
//! an attacker elsewhere can't lock the person out.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::control::audit::{self, AuditEntry};
use crate::control::error::ControlError;
use crate::control::ids::PersonId;
use crate::control::token::{self, TokenHash, hex};
use crate::control::totp;

/// Wrong codes before the first pause, in which codes are refused.
pub const FACTOR_TRIES: i64 = 5;
/// Seconds of the first pause. Each further wrong code doubles it.
pub const FACTOR_PAUSE_S: i64 = 900;
/// Seconds of the longest pause.
pub const FACTOR_PAUSE_S_MAX: i64 = 12 * 3_600;

/// The number of wrong codes so far, and the time until which codes are refused.
///
/// # Errors
/// The file can't be read.
pub(super) fn tries(
    connection: &Connection,
    person: PersonId,
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

/// Resets the count of a person's wrong codes and returns it.
///
/// # Errors
/// The file can't be written.
pub(super) fn reset_tries(connection: &Connection, person: PersonId) -> Result<i64, ControlError> {
    let wrong_codes: i64 = connection
        .prepare_cached(
            "SELECT coalesce(sum(failed), 0) FROM second_factor_tries WHERE person = :person",
        )?
        .query_row(named_params! { ":person": person }, |row| row.get(0))?;
    connection
        .prepare_cached("DELETE FROM second_factor_tries WHERE person = :person")?
        .execute(named_params! { ":person": person })?;
    Ok(wrong_codes)
}

/// Counts a wrong code, and pauses the second factor from the fifth on.
///
/// # Errors
/// The file can't be written.
pub(super) fn record_failure(
    connection: &Connection,
    now: Timestamp,
    (person, name): (PersonId, &str),
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
    let entry = AuditEntry {
        who: name,
        what: "second_factor_wrong",
        site: "",
        subject: name,
    };
    audit::record(connection, now, entry)
}

/// Whether the input is the current code or an unused recovery code. Each works once.
///
/// # Errors
/// The file can't be written.
pub(super) fn accept(
    connection: &Connection,
    now: Timestamp,
    person: PersonId,
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

/// The stored hash of a recovery code.
pub fn recovery_hash(code: &[u8]) -> TokenHash {
    token::hash(&hex(code))
}
