//! People, as JSON, for owners: list, invite, grant and revoke roles, reset a password, remove, and
//! the audit log. An owner of one site sees and changes only what concerns the sites they own.
//! `/api/me` describes one's own account to the dashboard.

use hyper::Request;
use hyper::body::Incoming;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::call::Call;
use crate::access::error::ApiError;
use crate::access::identity::Session;
use crate::api::json::read_json;
use crate::control::ids::PersonId;
use crate::control::people::{self, EVERY_SITE, Person, Role};
use crate::control::token::{Token, random};
use crate::control::{ControlError, audit, invitation};

/// A role on a site, or its removal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    /// A configured site, or `*`.
    site: String,
    /// `null` removes it.
    role: Option<String>,
}

/// `{"id", "name", "roles": {site: role}, "second_factor", "csrf"}` of one's own account.
pub async fn me(call: Call<Session>) -> Json {
    let Session { person, csrf, .. } = &call.identity;
    let roles: serde_json::Map<String, Json> = person
        .roles
        .iter()
        .map(|(site, role)| (site.clone(), json!(role.as_str())))
        .collect();
    json!({
        "id": person.id, "name": person.name, "roles": roles,
        "second_factor": person.has_totp, "csrf": csrf,
    })
}

/// `{"people": [{"id", "name", "roles": {site: role}, "second_factor"}]}`. An owner of every site
/// sees all people. Other owners see themselves and the people with a role on their sites, with
/// those roles only.
pub async fn list(call: Call<Person>) -> Result<Json, ApiError> {
    let caller = &call.identity;
    let all = call.app.control.run(|connection| people::all(connection));
    let people = all.await?;
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

/// `{"entries": [{"at", "who", "what", "site", "subject"}]}`. Entries without a site are shown to
/// owners of every site only.
pub async fn audit_log(call: Call<Person>) -> Result<Json, ApiError> {
    let caller = call.identity;
    let entries = call.app.control.run(move |connection| {
        audit::latest(connection, &|site| {
            caller.owns(if site.is_empty() { EVERY_SITE } else { site })
        })
    });
    let entries = entries.await?;
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

/// A link to join: `{"path"}`, shown only once.
pub async fn invite(call: Call<Person>) -> Result<Json, ApiError> {
    let (app, caller) = (&*call.app, call.identity);
    let (site, role) = grant(app, &caller, call.request).await?;
    let role = role.ok_or_else(|| ApiError::rule("role: viewer, editor or owner is expected"))?;
    let token = Token::new(random()?);
    let hash = token.hash();
    let invited = app.control.run(move |connection| {
        invitation::invite(connection, Timestamp::now(), &caller, (&site, role), &hash)
    });
    invited.await?;
    Ok(json!({ "path": format!("/welcome/{}", token.reveal()) }))
}

/// Grants or revokes a role of a person.
pub async fn set_role(call: Call<Person, PersonId>) -> Result<Json, ApiError> {
    let (app, caller, person) = (&*call.app, call.identity, call.path);
    let (site, role) = grant(app, &caller, call.request).await?;
    let set = app.control.run(move |connection| {
        people::set_role(connection, Timestamp::now(), &caller, person, &site, role)
    });
    set.await?;
    Ok(json!({}))
}

/// A link with which a person chooses a new password: `{"path"}`, shown only once.
pub async fn reset(call: Call<Person, PersonId>) -> Result<Json, ApiError> {
    let token = Token::new(random()?);
    let hash = token.hash();
    manage(call, move |connection, caller, person| {
        invitation::reset(connection, Timestamp::now(), Some(caller), person, &hash)
    })
    .await?;
    Ok(json!({ "path": format!("/welcome/{}", token.reveal()) }))
}

/// Removes a person.
pub async fn remove(call: Call<Person, PersonId>) -> Result<Json, ApiError> {
    manage(call, move |connection, caller, person| {
        people::remove(connection, Timestamp::now(), &caller.name, person)
    })
    .await?;
    Ok(json!({}))
}

/// Does `work` if the caller owns every site of the person. An unknown person and one without a
/// role on the caller's sites get the same answer.
async fn manage(
    call: Call<Person, PersonId>,
    work: impl FnOnce(&mut rusqlite::Connection, &Person, PersonId) -> Result<(), ControlError>
    + Send
    + 'static,
) -> Result<(), ApiError> {
    let (caller, person) = (call.identity, call.path);
    let done = call.app.control.run(move |connection| {
        let other = people::find(connection, person)?.filter(|other| caller.may_see(other));
        if !caller.may_manage(&other.ok_or(ControlError::NotThere)?) {
            return Ok(false);
        }
        work(connection, &caller, person).map(|()| true)
    });
    if done.await? {
        Ok(())
    } else {
        Err(ApiError::Forbidden)
    }
}

/// Reads a role and a site. Only an owner of that site may grant or revoke the role.
async fn grant(
    app: &App,
    caller: &Person,
    request: Request<Incoming>,
) -> Result<(String, Option<Role>), ApiError> {
    let grant: Grant = read_json(app, request).await?;
    let is_there = grant.site == EVERY_SITE || app.config.site(&grant.site).is_some();
    if !is_there || !caller.owns(&grant.site) {
        return Err(ApiError::Forbidden);
    }
    let role = match grant.role.as_deref() {
        None => None,
        Some(word) => Some(
            Role::parse(word)
                .ok_or_else(|| ApiError::rule("role: viewer, editor or owner is expected"))?,
        ),
    };
    Ok((grant.site, role))
}
