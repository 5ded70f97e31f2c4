//! What owners do about other people, as JSON: look, invite, give and take roles, offer a new
//! password, remove, and the log of who did what. An owner of one site sees and touches only what
//! lies within the sites they own.

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::{LoggedIn, failed, forbidden};
use crate::app::routes::{Handler, Params};
use crate::control::people::{self, EVERY_SITE, Person, Role};
use crate::control::token::{Token, random};
use crate::control::{ControlError, audit, invitation};
use crate::http::response::{self, Answer};
use crate::pages::layout::{bad_request, read_json};

/// A role on a site, or none any more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    /// A configured site, or `*`.
    site: String,
    /// `null` takes it.
    role: Option<String>,
}

/// Answers a request of somebody who owns a site.
pub async fn answer(
    app: &App,
    handler: Handler,
    params: Params,
    caller: LoggedIn,
    request: Request<Incoming>,
) -> Answer {
    let caller = caller.person;
    let person = params
        .id
        .parse()
        .map_err(|_| failed(&ControlError::NotThere));
    let result = match (handler, person) {
        (Handler::People, _) => list(app, caller).await,
        (Handler::Audit, _) => log(app, caller).await,
        (Handler::Invite, _) => invite(app, caller, request).await,
        (_, Err(answer)) => Err(answer),
        (Handler::SetRole, Ok(person)) => set_role(app, caller, person, request).await,
        (Handler::ResetPerson, Ok(person)) => reset(app, caller, person).await,
        (Handler::RemovePerson, Ok(person)) => remove(app, caller, person).await,
        (_, Ok(_)) => Err(forbidden()),
    };
    result.map_or_else(
        |answer| answer,
        |body| response::json(StatusCode::OK, &body),
    )
}

/// `{"people": [{"id", "name", "roles": {site: role}, "second_factor"}]}`, of others only what
/// concerns the caller's sites.
async fn list(app: &App, caller: Person) -> Result<Json, Answer> {
    let people = app.gate.control.run(|connection| people::all(connection));
    let people = people.await.map_err(|error| failed(&error))?;
    let shown: Vec<Json> = people
        .iter()
        .filter_map(|person| {
            let is_self = person.id == caller.id;
            let roles: serde_json::Map<String, Json> = person
                .roles
                .iter()
                .filter(|(site, _)| is_self || caller.owns(site))
                .map(|(site, role)| (site.clone(), json!(role.as_str())))
                .collect();
            (is_self || !roles.is_empty() || caller.owns(EVERY_SITE)).then(|| {
                json!({
                    "id": person.id, "name": person.name, "roles": roles,
                    "second_factor": person.has_totp,
                })
            })
        })
        .collect();
    Ok(json!({ "people": shown }))
}

/// `{"entries": [{"at", "who", "what", "site", "subject"}]}`; what is about no site, for owners of
/// every site.
async fn log(app: &App, caller: Person) -> Result<Json, Answer> {
    let entries = app.gate.control.run(move |connection| {
        audit::latest(connection, &|site| {
            caller.owns(if site.is_empty() { EVERY_SITE } else { site })
        })
    });
    let entries = entries.await.map_err(|error| failed(&error))?;
    let entries: Vec<Json> = entries
        .iter()
        .map(|entry| {
            json!({
                "at": entry.at.to_string(), "who": entry.who, "what": entry.what,
                "site": entry.site, "subject": entry.subject,
            })
        })
        .collect();
    Ok(json!({ "entries": entries }))
}

/// A link to join: `{"path"}`, shown this once.
async fn invite(app: &App, caller: Person, request: Request<Incoming>) -> Result<Json, Answer> {
    let (site, role) = grant(app, &caller, request).await?;
    let role = role.ok_or_else(|| bad_request("role: viewer, editor or owner is expected"))?;
    let token = Token::new(random().map_err(|error| failed(&error))?);
    let hash = token.hash();
    let invited = app.gate.control.run(move |connection| {
        invitation::invite(connection, Timestamp::now(), &caller, (&site, role), &hash)
    });
    invited.await.map_err(|error| failed(&error))?;
    Ok(json!({ "path": format!("/welcome/{}", token.reveal()) }))
}

async fn set_role(
    app: &App,
    caller: Person,
    person: i64,
    request: Request<Incoming>,
) -> Result<Json, Answer> {
    let (site, role) = grant(app, &caller, request).await?;
    let set = app.gate.control.run(move |connection| {
        people::set_role(connection, Timestamp::now(), &caller, person, &site, role)
    });
    set.await.map_err(|error| failed(&error))?;
    Ok(json!({}))
}

/// A link with which a person chooses a new password: `{"path"}`, shown this once.
async fn reset(app: &App, caller: Person, person: i64) -> Result<Json, Answer> {
    let token = Token::new(random().map_err(|error| failed(&error))?);
    let hash = token.hash();
    managing(app, caller, person, move |connection, caller| {
        invitation::reset(connection, Timestamp::now(), Some(caller), person, &hash)
    })
    .await?;
    Ok(json!({ "path": format!("/welcome/{}", token.reveal()) }))
}

async fn remove(app: &App, caller: Person, person: i64) -> Result<Json, Answer> {
    managing(app, caller, person, move |connection, caller| {
        people::remove(connection, Timestamp::now(), &caller.name, person)
    })
    .await?;
    Ok(json!({}))
}

/// Does `work` when the caller owns every site of the person. An unknown person and one without a
/// role on the caller's sites are answered alike.
async fn managing(
    app: &App,
    caller: Person,
    person: i64,
    work: impl FnOnce(&mut rusqlite::Connection, &Person) -> Result<(), ControlError> + Send + 'static,
) -> Result<(), Answer> {
    let done = app.gate.control.run(move |connection| {
        let other = people::find(connection, person)?.filter(|other| caller.may_see(other));
        if !caller.may_manage(&other.ok_or(ControlError::NotThere)?) {
            return Ok(false);
        }
        work(connection, &caller).map(|()| true)
    });
    match done.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(forbidden()),
        Err(error) => Err(failed(&error)),
    }
}

/// Reads which role on which site; only an owner of that site may decide about it.
async fn grant(
    app: &App,
    caller: &Person,
    request: Request<Incoming>,
) -> Result<(String, Option<Role>), Answer> {
    let grant: Grant = read_json(app, request).await?;
    let is_there = grant.site == EVERY_SITE || app.config.site(&grant.site).is_some();
    if !is_there || !caller.owns(&grant.site) {
        return Err(forbidden());
    }
    let role = match grant.role.as_deref() {
        None => None,
        Some(word) => Some(
            Role::parse(word)
                .ok_or_else(|| bad_request("role: viewer, editor or owner is expected"))?,
        ),
    };
    Ok((grant.site, role))
}
