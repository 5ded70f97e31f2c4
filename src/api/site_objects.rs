//! Goals, funnels, annotations and saved filters of a site, as JSON.
//!
//! `GET` lists, `POST` adds, `PUT …/ID` takes `{"version": read, "value": …}` and
//! `DELETE …/ID?version=read` removes. If the object has changed since that version, the answer is
//! 409 with the present one as `current`. A viewer saves filters of their own (`?own`); the objects
//! of the site are for editors.

use hyper::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::call::{Call, Created, SitePart};
use crate::access::error::ApiError;
use crate::access::identity::Identity;
use crate::api::goals;
use crate::api::json::read_json;
use crate::control::ControlError;
use crate::control::ids::SiteObjectId;
use crate::control::people::Role;
use crate::control::site_objects::{self, Actor, Changed, Kind, SiteObject};
use crate::http::response::{self, Answer};

/// A kind of object, as a line of the table of routes names it.
pub trait OfKind {
    const KIND: Kind;
}

pub struct Goals;
pub struct Funnels;
pub struct Annotations;
pub struct SavedFilters;

impl OfKind for Goals {
    const KIND: Kind = Kind::Goal;
}
impl OfKind for Funnels {
    const KIND: Kind = Kind::Funnel;
}
impl OfKind for Annotations {
    const KIND: Kind = Kind::Annotation;
}
impl OfKind for SavedFilters {
    const KIND: Kind = Kind::SavedFilter;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    /// The version that the change is based on.
    version: i64,
    value: Json,
}

/// The site in the path, and the person whose own objects are included.
fn actor(identity: &Identity, site: String) -> Actor {
    let person = match identity {
        Identity::Person(session) => Some(&session.person),
        Identity::Anonymous | Identity::Demo | Identity::Key(_) | Identity::Link(_) => None,
    };
    Actor {
        site,
        person: person.map(|person| person.id),
        name: person.map_or_else(String::new, |person| person.name.clone()),
    }
}

/// A [`Actor`] that may change something, and whether it may change the site's objects.
///
/// # Errors
/// A demo without people changes nothing.
fn changing_actor(identity: &Identity, site: String) -> Result<(Actor, bool), ApiError> {
    let actor = actor(identity, site);
    if actor.person.is_none() {
        return Err(ApiError::Forbidden);
    }
    let role = identity.role_on(&actor.site);
    Ok((actor, role.is_some_and(|role| role >= Role::Editor)))
}

/// Passes changed goals to the reports.
async fn apply(app: &App, kind: Kind, site: &str) {
    if kind == Kind::Goal
        && let Err(error) = goals::refresh(app, site).await
    {
        tracing::error!(%error, "changed goals can't be read; questions still use the previous ones");
    }
}

fn shown(kept: &SiteObject) -> Json {
    json!({
        "id": kept.id, "version": kept.version, "value": kept.body, "own": kept.person.is_some(),
        "changed": kept.changed.to_string(), "changed_by": kept.changed_by,
    })
}

/// `{"items": [{"id", "version", "value", "own", "changed", "changed_by"}]}`.
pub async fn list<K: OfKind>(call: Call<Identity, SitePart>) -> Result<Json, ApiError> {
    let actor = actor(&call.identity, call.path.0);
    let listed = call
        .app
        .control
        .run(move |connection| site_objects::list(connection, K::KIND, &actor.site, actor.person));
    let items: Vec<Json> = listed.await?.iter().map(shown).collect();
    Ok(json!({ "items": items }))
}

/// Adds an object: `{"id", "version"}`.
pub async fn add<K: OfKind>(call: Call<Identity, SitePart>) -> Result<Created, ApiError> {
    let app = call.app;
    let (actor, is_editor) = changing_actor(&call.identity, call.path.0)?;
    let is_own = call.request.uri().query() == Some("own");
    if is_own && K::KIND != Kind::SavedFilter {
        return Err(ApiError::rule(
            "own: only saved filters can belong to one person",
        ));
    }
    if !is_own && !is_editor {
        return Err(ApiError::Forbidden);
    }
    let given: Json = read_json(&app, call.request).await?;
    let body = K::KIND.parse(given).map_err(ApiError::rule)?;
    let site = actor.site.clone();
    let added = app.control.run(move |connection| {
        site_objects::add(connection, Timestamp::now(), &actor, &body, is_own)
    });
    let id = added.await?;
    apply(&app, K::KIND, &site).await;
    Ok(Created(json!({ "id": id, "version": 1 })))
}

/// Replaces an object: `{"id", "version"}`.
pub async fn change<K: OfKind>(
    call: Call<Identity, (SitePart, SiteObjectId)>,
) -> Result<Answer, ApiError> {
    let (app, (SitePart(site), SiteObjectId(id))) = (call.app, call.path);
    let (actor, is_editor) = changing_actor(&call.identity, site)?;
    let given: Replacement = read_json(&app, call.request).await?;
    let body = K::KIND.parse(given.value).map_err(ApiError::rule)?;
    let site = actor.site.clone();
    let changed = app.control.run(move |connection| {
        may_change(connection, K::KIND, &actor, is_editor, id)?;
        let version = (id, given.version);
        site_objects::change(connection, Timestamp::now(), &actor, version, &body)
    });
    let changed = changed.await?;
    apply(&app, K::KIND, &site).await;
    Ok(result(id, changed))
}

/// Removes an object.
pub async fn remove<K: OfKind>(
    call: Call<Identity, (SitePart, SiteObjectId)>,
) -> Result<Answer, ApiError> {
    let version = call.query().strip_prefix("version=");
    let version: Option<i64> = version.and_then(|version| version.parse().ok());
    let (app, (SitePart(site), SiteObjectId(id))) = (call.app, call.path);
    let (actor, is_editor) = changing_actor(&call.identity, site)?;
    let version = version.ok_or_else(|| {
        ApiError::rule("version: the version that you read is expected, e.g. ?version=1")
    })?;
    let site = actor.site.clone();
    let removed = app.control.run(move |connection| {
        may_change(connection, K::KIND, &actor, is_editor, id)?;
        site_objects::remove(connection, Timestamp::now(), &actor, K::KIND, (id, version))
    });
    let removed = removed.await?;
    apply(&app, K::KIND, &site).await;
    Ok(result(id, removed))
}

/// Only editors change the objects of the site. Another person's own objects are not found.
fn may_change(
    connection: &rusqlite::Connection,
    kind: Kind,
    actor: &Actor,
    is_editor: bool,
    id: i64,
) -> Result<(), ControlError> {
    let found = site_objects::find(connection, kind, &actor.site, actor.person, id)?;
    match found.ok_or(ControlError::NotThere)?.person {
        None if !is_editor => Err(ControlError::Denied(
            "only editors and owners can change objects of the site",
        )),
        None | Some(_) => Ok(()),
    }
}

fn result(id: i64, changed: Changed) -> Answer {
    match changed {
        Changed::Done(version) => {
            response::json(StatusCode::OK, &json!({ "id": id, "version": version }))
        }
        Changed::Conflict(present) => response::json(
            StatusCode::CONFLICT,
            &json!({
                "error": "it has been changed in the meantime; compare with `current` and try again",
                "current": shown(&present),
            }),
        ),
    }
}
