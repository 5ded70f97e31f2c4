//! API keys, with which programs query one site. They are stored as hashes, and only the day of the
//! last use is recorded.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::control::credential_table::CredentialTable;
use crate::control::database::change;
use crate::control::error::ControlError;
use crate::control::ids::KeyId;
use crate::control::person::check_name;
use crate::control::token::TokenHash;

/// Prefix of a key, so that people and scanners for leaked secrets recognise it.
pub const PREFIX: &str = "sk_";
/// Most keys of one site.
pub const KEYS_MAX: i64 = 100;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `POST /api/v2/query` and `/api/v2/batch`.
    Query,
}

impl Scope {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
        }
    }

    /// Parses a name.
    pub fn parse(word: &str) -> Option<Self> {
        (word == Self::Query.as_str()).then_some(Self::Query)
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: KeyId,
    pub site: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created: Timestamp,
    pub created_by: String,
    /// Day of the last use, UTC.
    pub used: Option<Date>,
}

const COLUMNS: &str = "SELECT id, site, name, scopes, created, created_by, used_day FROM keys";

fn read(row: &Row<'_>) -> rusqlite::Result<Key> {
    let scopes: String = row.get(3)?;
    let used: Option<i64> = row.get(6)?;
    Ok(Key {
        id: row.get(0)?,
        site: row.get(1)?,
        name: row.get(2)?,
        scopes: scopes.split(' ').filter_map(Scope::parse).collect(),
        created: Timestamp::from_second(row.get(4)?).unwrap_or(Timestamp::MIN),
        created_by: row.get(5)?,
        used: used
            .and_then(|day| Timestamp::from_second(day * 86_400).ok())
            .map(|day| day.to_zoned_datetime(TimeZone::UTC).date()),
    })
}

/// Adds a key and returns its id.
///
/// # Errors
/// The name is not allowed, or the site has too many keys.
pub fn add(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    site: &str,
    name: &str,
    scopes: &[Scope],
    hash: &TokenHash,
) -> Result<KeyId, ControlError> {
    check_name(name)?;
    if scopes.is_empty() {
        return Err(ControlError::Rule("a key needs a scope"));
    }
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let change = change(connection)?;
    let count = CredentialTable::Keys.count(&change, site)?;
    if count >= KEYS_MAX {
        return Err(ControlError::Rule(
            "a site has at most 100 keys; revoke one first",
        ));
    }
    change
        .prepare_cached(
            "INSERT INTO keys (hash, site, name, scopes, created, created_by)
             VALUES (:hash, :site, :name, :scopes, :now, :who)",
        )?
        .execute(named_params! {
            ":hash": hash, ":site": site, ":name": name, ":scopes": scopes.join(" "),
            ":now": now.as_second(), ":who": who,
        })?;
    let id = KeyId(change.last_insert_rowid());
    CredentialTable::Keys.record_added(&change, now, who, site, name)?;
    change.commit()?;
    Ok(id)
}

/// The keys of a site, or of all.
///
/// # Errors
/// The file can't be read.
pub fn list(connection: &Connection, site: Option<&str>) -> Result<Vec<Key>, ControlError> {
    let mut statement = connection.prepare_cached(
        &[
            COLUMNS,
            " WHERE :site IS NULL OR site = :site ORDER BY site, id",
        ]
        .concat(),
    )?;
    let keys = statement.query_map(named_params! { ":site": site }, read)?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// Revokes a key of a site. The next request with it is refused.
///
/// # Errors
/// The site has no such key.
pub fn revoke(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    site: &str,
    id: KeyId,
) -> Result<(), ControlError> {
    CredentialTable::Keys.revoke(connection, now, who, site, &id)
}

/// Finds a key by its hash and records that it is used today.
///
/// # Errors
/// The file can't be read.
pub fn find(
    connection: &Connection,
    now: Timestamp,
    hash: &TokenHash,
) -> Result<Option<Key>, ControlError> {
    let found = connection
        .prepare_cached(&[COLUMNS, " WHERE hash = :hash"].concat())?
        .query_row(named_params! { ":hash": hash }, read)
        .optional()?;
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    if let Some(key) = &found
        && key.used != Some(today)
    {
        connection
            .prepare_cached("UPDATE keys SET used_day = :day WHERE id = :id")?
            .execute(named_params! {
                ":day": now.as_second().div_euclid(86_400), ":id": key.id,
            })?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn a_key_is_found_by_hash_until_revoked_and_records_the_day_of_use() {
        let mut connection = in_memory();
        let id = add(
            &mut connection,
            at(0),
            "ada",
            "a.example",
            "report",
            &[Scope::Query],
            &[1; 32],
        )
        .expect("added");
        add(
            &mut connection,
            at(0),
            "ada",
            "b.example",
            "other",
            &[Scope::Query],
            &[2; 32],
        )
        .expect("added");
        let used =
            |connection: &Connection| list(connection, Some("a.example")).expect("read")[0].used;
        assert_eq!(used(&connection), None);
        let found = find(&connection, at(86_400 + 4_711), &[1; 32])
            .expect("read")
            .expect("there");
        assert_eq!(
            (found.site.as_str(), found.scopes.as_slice()),
            ("a.example", &[Scope::Query][..])
        );
        assert_eq!(used(&connection), Some(jiff::civil::date(1970, 1, 2)));
        assert_eq!(find(&connection, at(0), &[3; 32]).expect("read"), None);
        assert!(matches!(
            revoke(&mut connection, at(1), "ada", "b.example", id),
            Err(ControlError::NotThere)
        ));
        revoke(&mut connection, at(1), "ada", "a.example", id).expect("revoked");
        assert_eq!(find(&connection, at(1), &[1; 32]).expect("read"), None);
        assert_eq!(list(&connection, None).expect("read").len(), 1);
    }

    #[test]
    fn a_site_has_at_most_100_keys_each_with_a_name_and_a_scope() {
        let mut connection = in_memory();
        for n in 0..KEYS_MAX {
            let hash = crate::control::token::hash(&n.to_string());
            add(
                &mut connection,
                at(0),
                "ada",
                "a",
                "k",
                &[Scope::Query],
                &hash,
            )
            .expect("added");
        }
        let mut one_more = |site, name, scopes: &[Scope]| {
            add(&mut connection, at(0), "ada", site, name, scopes, &[1; 32])
        };
        assert!(matches!(
            one_more("a", "k", &[Scope::Query]),
            Err(ControlError::Rule(_))
        ));
        assert!(matches!(
            one_more("b", "", &[Scope::Query]),
            Err(ControlError::Rule(_))
        ));
        assert!(matches!(
            one_more("b", "k", &[]),
            Err(ControlError::Rule(_))
        ));
        assert!(one_more("b", "k", &[Scope::Query]).is_ok());
    }
}
