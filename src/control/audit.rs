//! The audit log: who changed what, and when. An entry holds names and fixed words only. It never
//! holds a network address, a secret, or text that was typed into a report.

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use crate::control::error::ControlError;

/// Seconds after which an entry is deleted: 25 months, as long as daily totals are stored.
const AGE_S_MAX: i64 = 760 * 86_400;
/// Most entries that are shown.
pub const SHOWN_MAX: usize = 500;

/// Name for changes by the command line, in place of a person's.
pub const COMMAND_LINE: &str = "(command line)";

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub who: String,
    pub what: String,
    /// Empty if the change is not about one site.
    pub site: String,
    /// Name of the person, key or link that was changed.
    pub subject: String,
}

/// A change to record. `what` is a word of the program, never input.
#[derive(Debug, Clone, Copy)]
pub struct AuditEntry<'a> {
    pub who: &'a str,
    pub what: &'static str,
    pub site: &'a str,
    pub subject: &'a str,
}

/// Inserts an entry and deletes expired ones. Runs within the caller's transaction, so that every
/// committed change has its entry.
///
/// # Errors
/// The file can't be written.
pub fn record(
    connection: &Connection,
    now: Timestamp,
    entry: AuditEntry<'_>,
) -> Result<(), ControlError> {
    connection
        .prepare_cached("DELETE FROM audit WHERE at < :oldest")?
        .execute(named_params! { ":oldest": now.as_second() - AGE_S_MAX })?;
    connection
        .prepare_cached(
            "INSERT INTO audit (at, who, what, site, subject) VALUES (:at, :who, :what, :site, :subject)",
        )?
        .execute(named_params! {
            ":at": now.as_second(), ":who": entry.who, ":what": entry.what,
            ":site": entry.site, ":subject": entry.subject,
        })?;
    Ok(())
}

/// The latest entries for whose site `is_shown` is true, the newest first.
///
/// # Errors
/// The file can't be read.
pub fn latest(
    connection: &Connection,
    is_shown: &dyn Fn(&str) -> bool,
) -> Result<Vec<Entry>, ControlError> {
    let mut statement = connection
        .prepare_cached("SELECT at, who, what, site, subject FROM audit ORDER BY id DESC")?;
    let mut rows = statement.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let site: String = row.get(3)?;
        if is_shown(&site) {
            entries.push(Entry {
                at: Timestamp::from_second(row.get(0)?).unwrap_or(Timestamp::MIN),
                who: row.get(1)?,
                what: row.get(2)?,
                site,
                subject: row.get(4)?,
            });
            if entries.len() == SHOWN_MAX {
                break;
            }
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;

    fn entry<'a>(what: &'static str, site: &'a str) -> AuditEntry<'a> {
        AuditEntry {
            who: "ada",
            what,
            site,
            subject: "",
        }
    }

    #[test]
    fn the_log_is_newest_first_by_site_and_forgets_after_25_months() {
        let connection = in_memory();
        let start = Timestamp::from_second(1_800_000_000).expect("a time");
        record(&connection, start, entry("key_added", "a.example")).expect("written");
        let later = Timestamp::from_second(start.as_second() + AGE_S_MAX).expect("a time");
        record(&connection, later, entry("key_revoked", "b.example")).expect("written");
        let shown = |is_shown: &dyn Fn(&str) -> bool| {
            let entries = latest(&connection, is_shown).expect("read");
            entries
                .into_iter()
                .map(|entry| entry.what)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&|_| true), ["key_revoked", "key_added"]);
        assert_eq!(shown(&|site| site == "a.example"), ["key_added"]);
        let too_late = Timestamp::from_second(later.as_second() + 1).expect("a time");
        record(&connection, too_late, entry("login", "")).expect("written");
        assert_eq!(shown(&|_| true), ["login", "key_revoked"]);
    }

    #[test]
    fn the_audit_log_shows_no_more_lines_than_its_limit() {
        let connection = in_memory();
        for _ in 0..=SHOWN_MAX {
            record(&connection, Timestamp::UNIX_EPOCH, entry("login", "")).expect("written");
        }
        assert_eq!(
            latest(&connection, &|_| true).expect("read").len(),
            SHOWN_MAX
        );
    }
}
