//! Shared links: everyone who has one can read the reports of one site, with fixed filters. Links
//! are read-only: no function here accepts one as permission to change something.
//!
//! A link with a password needs a *pass*: the link's secret, an expiry time, and a MAC over the
//! time, the link's id and the password's hash. A pass is not stored. It ends with the link, with
//! its password, or after half a day.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value as Json;
use sha2::Sha256;
use url::Url;

use crate::control::credential_table::CredentialTable;
use crate::control::database::change;
use crate::control::error::ControlError;
use crate::control::ids::LinkId;
use crate::control::person::check_name;
use crate::control::token::{TokenHash, hex, unhex};

/// Prefix of a link's secret where it is used as a credential.
pub const PREFIX: &str = "sl_";
/// Most links of one site.
pub const LINKS_MAX: i64 = 100;
/// Most origins that may embed one link.
pub const FRAMES_MAX: usize = 10;
/// Most bytes of the fixed filters, as JSON.
pub const FILTERS_BYTES_MAX: usize = 8 << 10;
/// Seconds for which a pass is valid.
pub const PASS_S: i64 = 12 * 3_600;

/// A link, without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub id: LinkId,
    pub site: String,
    pub name: String,
    /// PHC format.
    pub password: Option<String>,
    /// An array of filters as in a query.
    pub filters: Vec<Json>,
    /// Origins, e.g. `https://www.example.com`.
    pub frames: Vec<String>,
    pub expires: Option<Timestamp>,
    pub created: Timestamp,
    pub created_by: String,
}

/// A link to add.
pub struct NewLink {
    pub site: String,
    pub name: String,
    pub password: Option<String>,
    pub filters: Vec<Json>,
    pub frames: Vec<String>,
    pub expires: Option<Timestamp>,
}

/// Whether a text is an origin for `frame-ancestors`: scheme, host and port only, without
/// wildcards.
pub fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && !text.contains('*')
            && url.origin().ascii_serialization() == text
    })
}

const COLUMNS: &str =
    "SELECT id, site, name, password, filters, frames, expires, created, created_by FROM links";

fn read(row: &Row<'_>) -> rusqlite::Result<Link> {
    let (filters, frames): (String, String) = (row.get(4)?, row.get(5)?);
    let expires: Option<i64> = row.get(6)?;
    let at = |seconds| Timestamp::from_second(seconds).unwrap_or(Timestamp::MIN);
    // A link must not lose its filters because they can't be read.
    let filters = serde_json::from_str(&filters).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(Link {
        id: row.get(0)?,
        site: row.get(1)?,
        name: row.get(2)?,
        password: row.get(3)?,
        filters,
        frames: frames
            .split(' ')
            .filter(|origin| !origin.is_empty())
            .map(str::to_owned)
            .collect(),
        expires: expires.map(at),
        created: at(row.get(7)?),
        created_by: row.get(8)?,
    })
}

/// Adds a link and returns its id. The caller has checked that a query accepts the filters.
///
/// # Errors
/// A limit or a rule is broken.
pub fn add(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    new: &NewLink,
    hash: &TokenHash,
) -> Result<LinkId, ControlError> {
    check_name(&new.name)?;
    let filters = Json::from(new.filters.clone()).to_string();
    if filters.len() > FILTERS_BYTES_MAX {
        return Err(ControlError::Rule("the filters have more than 8 KiB"));
    }
    if new.frames.len() > FRAMES_MAX {
        return Err(ControlError::Rule("at most 10 origins may embed a link"));
    }
    if !new.frames.iter().all(|origin| is_origin(origin)) {
        return Err(ControlError::Rule(
            "to embed it, name origins such as https://www.example.com",
        ));
    }
    if new.expires.is_some_and(|expires| expires <= now) {
        return Err(ControlError::Rule(
            "expires: the time must be in the future",
        ));
    }
    let change = change(connection)?;
    let count = CredentialTable::Links.count(&change, &new.site)?;
    if count >= LINKS_MAX {
        return Err(ControlError::Rule(
            "a site has at most 100 links; revoke one first",
        ));
    }
    change
        .prepare_cached(
            "INSERT INTO links (hash, site, name, password, filters, frames, expires, created, created_by)
             VALUES (:hash, :site, :name, :password, :filters, :frames, :expires, :now, :who)",
        )?
        .execute(named_params! {
            ":hash": hash, ":site": new.site, ":name": new.name, ":password": new.password,
            ":filters": filters, ":frames": new.frames.join(" "),
            ":expires": new.expires.map(Timestamp::as_second), ":now": now.as_second(), ":who": who,
        })?;
    let id = LinkId(change.last_insert_rowid());
    CredentialTable::Links.record_added(&change, now, who, &new.site, &new.name)?;
    change.commit()?;
    Ok(id)
}

/// The links of a site, expired ones as well.
///
/// # Errors
/// The file can't be read.
pub fn list(connection: &Connection, site: &str) -> Result<Vec<Link>, ControlError> {
    let mut statement =
        connection.prepare_cached(&[COLUMNS, " WHERE site = :site ORDER BY id"].concat())?;
    let links = statement.query_map(named_params! { ":site": site }, read)?;
    Ok(links.collect::<Result<_, _>>()?)
}

/// Revokes a link of a site. The next request with it is refused, also from open pages.
///
/// # Errors
/// The site has no such link.
pub fn revoke(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    site: &str,
    id: LinkId,
) -> Result<(), ControlError> {
    CredentialTable::Links.revoke(connection, now, who, site, &id)
}

/// Finds a link by its hash, unless it has expired or was revoked.
///
/// # Errors
/// The file can't be read.
pub fn find(
    connection: &Connection,
    now: Timestamp,
    hash: &TokenHash,
) -> Result<Option<Link>, ControlError> {
    Ok(connection
        .prepare_cached(
            &[
                COLUMNS,
                " WHERE hash = :hash AND (expires IS NULL OR expires > :now)",
            ]
            .concat(),
        )?
        .query_row(
            named_params! { ":hash": hash, ":now": now.as_second() },
            read,
        )
        .optional()?)
}

/// Proof that the link's password was entered. It follows the link's secret, after a dot.
pub fn pass(key: &[u8], link: &Link, until_s: i64) -> String {
    format!(
        "{until_s}.{}",
        hex(&pass_mac(key, link, until_s).finalize().into_bytes())
    )
}

/// Whether a pass belongs to this link and has not expired. A link without a password needs none.
pub fn is_passed(key: &[u8], link: &Link, pass: Option<&str>, now: Timestamp) -> bool {
    if link.password.is_none() {
        return true;
    }
    let Some((until, seal)) = pass.and_then(|pass| pass.split_once('.')) else {
        return false;
    };
    let (Ok(until_s), seal) = (until.parse::<i64>(), unhex(seal)) else {
        return false;
    };
    until_s > now.as_second()
        && seal.is_some_and(|seal| pass_mac(key, link, until_s).verify_slice(&seal).is_ok())
}

fn pass_mac(key: &[u8], link: &Link, until_s: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(&link.id.0.to_be_bytes());
    mac.update(&until_s.to_be_bytes());
    mac.update(link.password.as_deref().unwrap_or("").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn new_link() -> NewLink {
        NewLink {
            site: "a.example".into(),
            name: "for the agency".into(),
            password: Some("hash".into()),
            filters: vec![serde_json::json!(["is", "visit:country", ["JP"]])],
            frames: vec!["https://www.example.com".into()],
            expires: Some(at(100)),
        }
    }

    #[test]
    fn a_link_is_found_until_it_expires_or_is_revoked() {
        let mut connection = in_memory();
        let id = add(&mut connection, at(0), "ada", &new_link(), &[1; 32]).expect("added");
        let found = find(&connection, at(99), &[1; 32])
            .expect("read")
            .expect("there");
        assert_eq!((found.filters.len(), found.frames.len()), (1, 1));
        assert_eq!(find(&connection, at(100), &[1; 32]).expect("read"), None);
        assert_eq!(find(&connection, at(1), &[2; 32]).expect("read"), None);
        assert!(matches!(
            revoke(&mut connection, at(1), "ada", "b", id),
            Err(ControlError::NotThere)
        ));
        revoke(&mut connection, at(1), "ada", "a.example", id).expect("revoked");
        assert_eq!(find(&connection, at(1), &[1; 32]).expect("read"), None);
    }

    #[test]
    fn unreadable_filters_are_an_error_and_not_an_empty_filter() {
        let mut connection = in_memory();
        add(&mut connection, at(0), "ada", &new_link(), &[1; 32]).expect("added");
        connection
            .execute("UPDATE links SET filters = 'x'", [])
            .expect("broken");
        assert!(find(&connection, at(1), &[1; 32]).is_err());
    }

    #[test]
    fn a_pass_is_bound_to_its_link_password_and_time() {
        let mut connection = in_memory();
        add(&mut connection, at(0), "ada", &new_link(), &[1; 32]).expect("added");
        let link = find(&connection, at(1), &[1; 32])
            .expect("read")
            .expect("there");
        let good = pass(&[7; 32], &link, 50);
        assert!(is_passed(&[7; 32], &link, Some(&good), at(49)));
        assert!(!is_passed(&[7; 32], &link, Some(&good), at(50)));
        assert!(!is_passed(&[8; 32], &link, Some(&good), at(49)));
        for forged in [
            None,
            Some(""),
            Some("60."),
            Some(&good.replacen("50", "60", 1)),
            Some(&good[..good.len() - 2]),
        ] {
            assert!(!is_passed(&[7; 32], &link, forged, at(49)), "{forged:?}");
        }
        let changed = Link {
            password: Some("another".into()),
            ..link.clone()
        };
        assert!(!is_passed(&[7; 32], &changed, Some(&good), at(49)));
        let open = Link {
            password: None,
            ..link
        };
        assert!(is_passed(&[7; 32], &open, None, at(49)));
    }

    #[test]
    fn links_beyond_a_limit_are_refused() {
        let mut connection = in_memory();
        let mut refuse = |new: NewLink| {
            let result = add(&mut connection, at(10), "ada", &new, &[1; 32]);
            assert!(matches!(result, Err(ControlError::Rule(_))), "{result:?}");
        };
        refuse(NewLink {
            expires: Some(at(10)),
            ..new_link()
        });
        refuse(NewLink {
            name: String::new(),
            ..new_link()
        });
        refuse(NewLink {
            frames: vec!["https://a.example".into(); FRAMES_MAX + 1],
            ..new_link()
        });
        refuse(NewLink {
            filters: vec!["x".repeat(FILTERS_BYTES_MAX).into()],
            ..new_link()
        });
        for origin in [
            "*",
            "https:",
            "https://*.example.com",
            "https://a.example/",
            "https://a.example; script-src *",
            "'self'",
            "javascript://x",
            "https://u@a.example",
        ] {
            refuse(NewLink {
                frames: vec![origin.into()],
                ..new_link()
            });
        }
        for n in 0..LINKS_MAX {
            let hash = crate::control::token::hash(&n.to_string());
            add(&mut connection, at(0), "ada", &new_link(), &hash).expect("added");
        }
        let one_more = add(&mut connection, at(0), "ada", &new_link(), &[1; 32]);
        assert!(matches!(one_more, Err(ControlError::Rule(_))));
    }
}
