//! Secrets of this installation, created at their first use.

use rusqlite::{Connection, OptionalExtension, named_params};
use zeroize::Zeroizing;

use crate::control::error::ControlError;

/// The secret called `name`. If it does not exist yet, it becomes `fresh`.
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
    // Read first: every log-in needs a secret, and a write takes the lock of the file.
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
