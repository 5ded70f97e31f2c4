//! Site objects: goals, funnels, annotations and saved filters. All are stored in one table; each
//! kind has its own shape and rules.
//!
//! **Optimistic concurrency.** A request that changes or removes an object names the version that
//! it read. If the object has changed since, nothing happens and the request gets the current
//! version, so that no edit is lost.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value as Json;

use crate::control::annotation::Annotation;
use crate::control::audit::{self, AuditEntry};
use crate::control::database;
use crate::control::error::ControlError;
use crate::control::funnel::Funnel;
use crate::control::goal::Goal;
use crate::control::ids::PersonId;
use crate::control::invalid::InvalidObject;
use crate::control::saved_filter::SavedFilter;

/// Most bytes of an object, as JSON.
pub const BODY_BYTES_MAX: usize = 16 << 10;

/// A kind of site object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Goal,
    Funnel,
    Annotation,
    SavedFilter,
}

/// The valid content of an object.
pub struct Body {
    kind: Kind,
    name: Option<String>,
    json: String,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Funnel => "funnel",
            Self::Annotation => "annotation",
            Self::SavedFilter => "saved_filter",
        }
    }

    /// Most objects of one site, and for saved filters also of one person on one site.
    pub fn count_max(self) -> i64 {
        match self {
            Self::Goal | Self::Funnel | Self::SavedFilter => 200,
            Self::Annotation => 2_000,
        }
    }

    fn deeds(self) -> [&'static str; 3] {
        match self {
            Self::Goal => ["goal_added", "goal_changed", "goal_removed"],
            Self::Funnel => ["funnel_added", "funnel_changed", "funnel_removed"],
            Self::Annotation => [
                "annotation_added",
                "annotation_changed",
                "annotation_removed",
            ],
            Self::SavedFilter => ["filter_added", "filter_changed", "filter_removed"],
        }
    }

    /// Checks an object and converts it to the form in which it is stored.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(self, given: Json) -> Result<Body, InvalidObject> {
        let shape = |error: serde_json::Error| {
            // serde's text may quote the input.
            InvalidObject(match error.classify() {
                serde_json::error::Category::Data => format!(
                    "not the shape of {}: a field is missing, unknown or has the wrong type",
                    match self {
                        Self::Goal => "a goal",
                        Self::Funnel => "a funnel",
                        Self::Annotation => "an annotation",
                        Self::SavedFilter => "a saved filter",
                    }
                ),
                _ => "not valid JSON".into(),
            })
        };
        let (name, json) = match self {
            Self::Goal => {
                let goal: Goal = serde_json::from_value(given).map_err(shape)?;
                goal.check()?;
                let json = serde_json::to_string(&goal).map_err(shape)?;
                (Some(goal.name), json)
            }
            Self::Funnel => {
                let funnel: Funnel = serde_json::from_value(given).map_err(shape)?;
                funnel.check()?;
                let json = serde_json::to_string(&funnel).map_err(shape)?;
                (Some(funnel.name), json)
            }
            Self::Annotation => {
                let annotation: Annotation = serde_json::from_value(given).map_err(shape)?;
                annotation.check()?;
                (None, serde_json::to_string(&annotation).map_err(shape)?)
            }
            Self::SavedFilter => {
                let filter: SavedFilter = serde_json::from_value(given).map_err(shape)?;
                filter.check()?;
                let json = serde_json::to_string(&filter).map_err(shape)?;
                (Some(filter.name), json)
            }
        };
        if json.len() > BODY_BYTES_MAX {
            return Err(InvalidObject("at most 16 KiB are allowed".into()));
        }
        Ok(Body {
            kind: self,
            name,
            json,
        })
    }
}

/// A stored object.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteObject {
    pub id: i64,
    /// The only person who sees it. `None` if all members do.
    pub person: Option<PersonId>,
    pub body: Json,
    pub version: i64,
    pub changed: Timestamp,
    pub changed_by: String,
}

/// Result of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// The new version.
    Done(i64),
    /// The object was changed meanwhile. This is its current state.
    Conflict(SiteObject),
}

const COLUMNS: &str = "SELECT id, person, body, version, changed, changed_by FROM kept";

fn read(row: &Row<'_>) -> rusqlite::Result<SiteObject> {
    let body: String = row.get(2)?;
    let body = serde_json::from_str(&body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(SiteObject {
        id: row.get(0)?,
        person: row.get(1)?,
        body,
        version: row.get(3)?,
        changed: Timestamp::from_second(row.get(4)?).unwrap_or(Timestamp::MIN),
        changed_by: row.get(5)?,
    })
}

/// The objects of a kind that a site has, and those that belong to `person` alone.
///
/// # Errors
/// The file can't be read.
pub fn list(
    connection: &Connection,
    kind: Kind,
    site: &str,
    person: Option<PersonId>,
) -> Result<Vec<SiteObject>, ControlError> {
    let mut statement = connection.prepare_cached(
        &[
            COLUMNS,
            " WHERE kind = :kind AND site = :site AND (person IS NULL OR person = :person) ORDER BY id",
        ]
        .concat(),
    )?;
    let values = named_params! { ":kind": kind.as_str(), ":site": site, ":person": person };
    let kept = statement.query_map(values, read)?;
    Ok(kept.collect::<Result<_, _>>()?)
}

/// The goals of a site with their ids, for questions about them.
///
/// # Errors
/// The file can't be read.
pub fn goals(connection: &Connection, site: &str) -> Result<Vec<(i64, Goal)>, ControlError> {
    let kept = list(connection, Kind::Goal, site, None)?;
    let goals = kept.into_iter().map(|kept| {
        let goal = serde_json::from_value(kept.body).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into())
        })?;
        Ok((kept.id, goal))
    });
    goals.collect()
}

/// An object of a site, if it belongs to the site or to this person.
///
/// # Errors
/// The file can't be read.
pub fn find(
    connection: &Connection,
    kind: Kind,
    site: &str,
    person: Option<PersonId>,
    id: i64,
) -> Result<Option<SiteObject>, ControlError> {
    let mut statement = connection.prepare_cached(
        &[
            COLUMNS,
            " WHERE id = :id AND kind = :kind AND site = :site AND (person IS NULL OR person = :person)",
        ]
        .concat(),
    )?;
    let values = named_params! {
        ":id": id, ":kind": kind.as_str(), ":site": site, ":person": person,
    };
    Ok(statement.query_row(values, read).optional()?)
}

/// Who changes an object, and on which site.
#[derive(Debug, Clone)]
pub struct Actor {
    pub site: String,
    /// The person, who sees their own objects beside those of the site.
    pub person: Option<PersonId>,
    pub name: String,
}

impl Actor {
    fn record(
        &self,
        connection: &Connection,
        now: Timestamp,
        what: &'static str,
        subject: &str,
    ) -> Result<(), ControlError> {
        let entry = AuditEntry {
            who: &self.name,
            what,
            site: &self.site,
            subject,
        };
        audit::record(connection, now, entry)
    }
}

/// Adds an object, for the site or (`is_own`) for the person alone, and returns its id. Its version
/// is 1.
///
/// # Errors
/// The name is taken, or there are too many.
pub fn add(
    connection: &mut Connection,
    now: Timestamp,
    actor: &Actor,
    body: &Body,
    is_own: bool,
) -> Result<i64, ControlError> {
    let person = actor.person.filter(|_| is_own);
    let change = database::change(connection)?;
    let count: i64 = change
        .prepare_cached(
            "SELECT count(*) FROM kept WHERE kind = :kind AND site = :site AND person IS :person",
        )?
        .query_row(
            named_params! { ":kind": body.kind.as_str(), ":site": actor.site, ":person": person },
            |row| row.get(0),
        )?;
    if count >= body.kind.count_max() {
        return Err(ControlError::Rule(
            "the maximum number is reached; remove one first",
        ));
    }
    change
        .prepare_cached(
            "INSERT INTO kept (kind, site, person, name, body, version, changed, changed_by)
             VALUES (:kind, :site, :person, :name, :body, 1, :now, :who)",
        )?
        .execute(named_params! {
            ":kind": body.kind.as_str(), ":site": actor.site, ":person": person, ":name": body.name,
            ":body": body.json, ":now": now.as_second(), ":who": actor.name,
        })
        .map_err(ControlError::of_insert)?;
    let id = change.last_insert_rowid();
    let [added, ..] = body.kind.deeds();
    actor.record(&change, now, added, body.name.as_deref().unwrap_or(""))?;
    change.commit()?;
    Ok(id)
}

/// Replaces the content of an object whose version is `seen`.
///
/// # Errors
/// The object does not exist, or the name is taken.
pub fn change(
    connection: &mut Connection,
    now: Timestamp,
    actor: &Actor,
    (id, seen): (i64, i64),
    body: &Body,
) -> Result<Changed, ControlError> {
    let change = database::change(connection)?;
    let present = find(&change, body.kind, &actor.site, actor.person, id)?;
    let present = present.ok_or(ControlError::NotThere)?;
    if present.version != seen {
        return Ok(Changed::Conflict(present));
    }
    change
        .prepare_cached(
            "UPDATE kept SET name = :name, body = :body, version = version + 1, changed = :now,
             changed_by = :who WHERE id = :id",
        )?
        .execute(named_params! {
            ":name": body.name, ":body": body.json, ":now": now.as_second(), ":who": actor.name,
            ":id": id,
        })
        .map_err(ControlError::of_insert)?;
    let [_, changed, _] = body.kind.deeds();
    actor.record(&change, now, changed, body.name.as_deref().unwrap_or(""))?;
    change.commit()?;
    Ok(Changed::Done(seen + 1))
}

/// Removes an object whose version is `seen`.
///
/// # Errors
/// The object does not exist.
pub fn remove(
    connection: &mut Connection,
    now: Timestamp,
    actor: &Actor,
    kind: Kind,
    (id, seen): (i64, i64),
) -> Result<Changed, ControlError> {
    let change = database::change(connection)?;
    let present = find(&change, kind, &actor.site, actor.person, id)?;
    let present = present.ok_or(ControlError::NotThere)?;
    if present.version != seen {
        return Ok(Changed::Conflict(present));
    }
    change
        .prepare_cached("DELETE FROM kept WHERE id = :id")?
        .execute(named_params! { ":id": id })?;
    let [.., removed] = kind.deeds();
    let name = present
        .body
        .get("name")
        .and_then(Json::as_str)
        .unwrap_or("");
    actor.record(&change, now, removed, name)?;
    change.commit()?;
    Ok(Changed::Done(seen))
}

#[cfg(test)]
mod tests;
