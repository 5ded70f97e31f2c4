//! Goals, annotations and saved filters of a site, as JSON.
//!
//! `GET` lists, `POST` takes a new one, `PUT …/ID` takes `{"version": seen, "value": …}` and
//! `DELETE …/ID?version=seen` removes. Where somebody else was first, the answer is 409 with the
//! present one as `current`. A viewer keeps filters of their own (`?own`); what is the site's is
//! for editors.

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::{Caller, failed, forbidden};
use crate::api::goals;
use crate::app::routes::{Act, Params};
use crate::control::ControlError;
use crate::control::people::Role;
use crate::control::site_objects::{self, Changed, Hand, Kept, Kind};
use crate::http::response::{self, Answer};
use crate::pages::layout::{bad_request, read_json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    /// The version that was seen.
    version: i64,
    value: Json,
}

/// Answers a request of somebody who may see the site in the path.
pub async fn answer(
    app: &App,
    kind: Kind,
    act: Act,
    params: Params,
    caller: Caller,
    request: Request<Incoming>,
) -> Answer {
    let person = match &caller {
        Caller::Person(logged_in) => Some(&logged_in.person),
        _ => None,
    };
    let hand = Hand {
        site: params.site,
        person: person.map(|person| person.id),
        name: person.map_or_else(String::new, |person| person.name.clone()),
    };
    let is_editor = caller
        .role_on(&hand.site)
        .is_some_and(|role| role >= Role::Editor);
    let id = params.id.parse().unwrap_or(0);
    let site = hand.site.clone();
    let result = match act {
        Act::List => list(app, kind, hand).await,
        // A demo without people looks, and changes nothing.
        _ if hand.person.is_none() => Err(forbidden()),
        Act::Add => add(app, kind, hand, is_editor, request).await,
        Act::Change => change(app, kind, hand, is_editor, id, request).await,
        Act::Remove => remove(app, kind, hand, is_editor, id, request).await,
    };
    if kind == Kind::Goal
        && act != Act::List
        && let Err(error) = goals::refresh(app, &site).await
    {
        tracing::error!(%error, "changed goals can't be read; questions still use the previous ones");
    }
    result.unwrap_or_else(|answer| answer)
}

fn shown(kept: &Kept) -> Json {
    json!({
        "id": kept.id, "version": kept.version, "value": kept.body, "own": kept.person.is_some(),
        "changed": kept.changed.to_string(), "changed_by": kept.changed_by,
    })
}

async fn list(app: &App, kind: Kind, hand: Hand) -> Result<Answer, Answer> {
    let listed = app
        .gate
        .control
        .run(move |connection| site_objects::list(connection, kind, &hand.site, hand.person));
    let listed = listed.await.map_err(|error| failed(&error))?;
    let items: Vec<Json> = listed.iter().map(shown).collect();
    Ok(response::json(StatusCode::OK, &json!({ "items": items })))
}

async fn add(
    app: &App,
    kind: Kind,
    hand: Hand,
    is_editor: bool,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let is_own = request.uri().query() == Some("own");
    if is_own && kind != Kind::SavedFilter {
        return Err(bad_request(
            "own: only saved filters can belong to one person",
        ));
    }
    if !is_own && !is_editor {
        return Err(forbidden());
    }
    let given: Json = read_json(app, request).await?;
    let body = kind
        .parse(given)
        .map_err(|fault| bad_request(&fault.to_string()))?;
    let added = app.gate.control.run(move |connection| {
        site_objects::add(connection, Timestamp::now(), &hand, &body, is_own)
    });
    let id = added.await.map_err(|error| failed(&error))?;
    let made = json!({ "id": id, "version": 1 });
    Ok(response::json(StatusCode::CREATED, &made))
}

async fn change(
    app: &App,
    kind: Kind,
    hand: Hand,
    is_editor: bool,
    id: i64,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let given: Replacement = read_json(app, request).await?;
    let body = kind
        .parse(given.value)
        .map_err(|fault| bad_request(&fault.to_string()))?;
    let changed = app.gate.control.run(move |connection| {
        may_touch(connection, kind, &hand, is_editor, id)?;
        site_objects::change(
            connection,
            Timestamp::now(),
            &hand,
            (id, given.version),
            &body,
        )
    });
    Ok(told(id, changed.await.map_err(|error| failed(&error))?))
}

async fn remove(
    app: &App,
    kind: Kind,
    hand: Hand,
    is_editor: bool,
    id: i64,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let query = request.uri().query().unwrap_or("");
    let seen = query
        .strip_prefix("version=")
        .and_then(|seen| seen.parse().ok());
    let seen: i64 = seen.ok_or_else(|| {
        bad_request("version: the version that you read is expected, e.g. ?version=1")
    })?;
    let removed = app.gate.control.run(move |connection| {
        may_touch(connection, kind, &hand, is_editor, id)?;
        site_objects::remove(connection, Timestamp::now(), &hand, kind, (id, seen))
    });
    Ok(told(id, removed.await.map_err(|error| failed(&error))?))
}

/// Only editors touch what is the site's; what is somebody else's own is not there.
fn may_touch(
    connection: &rusqlite::Connection,
    kind: Kind,
    hand: &Hand,
    is_editor: bool,
    id: i64,
) -> Result<(), ControlError> {
    let found = site_objects::find(connection, kind, &hand.site, hand.person, id)?;
    match found.ok_or(ControlError::NotThere)?.person {
        None if !is_editor => Err(ControlError::Denied(
            "only editors and owners can change objects of the site",
        )),
        _ => Ok(()),
    }
}

fn told(id: i64, changed: Changed) -> Answer {
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
