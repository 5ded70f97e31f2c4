//! What API keys and shared links have in common: both belong to a site, are stored as a hash, and
//! are revoked by deleting the row, which the audit log records.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, named_params};

use crate::control::audit::{self, AuditEntry};
use crate::control::database::change;
use crate::control::error::ControlError;

/// The table of a kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CredentialTable {
    Keys,
    Links,
}

impl CredentialTable {
    fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Links => "links",
        }
    }

    fn added(self) -> &'static str {
        match self {
            Self::Keys => "key_added",
            Self::Links => "link_added",
        }
    }

    fn revoked(self) -> &'static str {
        match self {
            Self::Keys => "key_revoked",
            Self::Links => "link_revoked",
        }
    }

    /// The number of credentials of a site.
    pub fn count(self, connection: &Connection, site: &str) -> Result<i64, ControlError> {
        let text = format!("SELECT count(*) FROM {} WHERE site = :site", self.name());
        let mut statement = connection.prepare_cached(&text)?;
        Ok(statement.query_row(named_params! { ":site": site }, |row| row.get(0))?)
    }

    /// Records in the audit log that a credential was added.
    pub fn record_added(
        self,
        connection: &Connection,
        now: Timestamp,
        who: &str,
        site: &str,
        name: &str,
    ) -> Result<(), ControlError> {
        let what = self.added();
        let entry = AuditEntry {
            who,
            what,
            site,
            subject: name,
        };
        audit::record(connection, now, entry)
    }

    /// Revokes a credential of a site. The next request with it is refused.
    pub fn revoke(
        self,
        connection: &mut Connection,
        now: Timestamp,
        who: &str,
        site: &str,
        id: &dyn ToSql,
    ) -> Result<(), ControlError> {
        let change = change(connection)?;
        let text = format!(
            "DELETE FROM {} WHERE id = :id AND site = :site RETURNING name",
            self.name()
        );
        let name: Option<String> = change
            .prepare_cached(&text)?
            .query_row(named_params! { ":id": id, ":site": site }, |row| row.get(0))
            .optional()?;
        let entry = AuditEntry {
            who,
            what: self.revoked(),
            site,
            subject: &name.ok_or(ControlError::NotThere)?,
        };
        audit::record(&change, now, entry)?;
        Ok(change.commit()?)
    }

    /// Revokes what a person created for some sites, within a transaction of the caller.
    pub fn revoke_created_by(
        self,
        change: &Connection,
        now: Timestamp,
        who: &str,
        name: &str,
        is_revoked: &dyn Fn(&str) -> bool,
    ) -> Result<(), ControlError> {
        let table = self.name();
        let text = format!(
            "SELECT id, site, name FROM {table} WHERE created_by = :name COLLATE NOCASE ORDER BY id"
        );
        let created: Vec<(i64, String, String)> = change
            .prepare_cached(&text)?
            .query_map(named_params! { ":name": name }, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        for (id, site, subject) in created.iter().filter(|(_, site, _)| is_revoked(site)) {
            change
                .prepare_cached(&format!("DELETE FROM {table} WHERE id = :id"))?
                .execute(named_params! { ":id": id })?;
            let entry = AuditEntry {
                who,
                what: self.revoked(),
                site,
                subject,
            };
            audit::record(change, now, entry)?;
        }
        Ok(())
    }
}
