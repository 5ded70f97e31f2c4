//! The shared links of a site, as JSON, for its owners. The page behind a link is
//! [`shared`](crate::pages::shared).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::call::{Call, SitePart};
use crate::access::error::ApiError;
use crate::api::json::read_json;
use crate::control::ids::LinkId;
use crate::control::links::{self, NewLink};
use crate::control::password::{self, Lane};
use crate::control::people::Person;
use crate::control::token::{Token, random};
use sillage_query::wire::filter;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    password: Option<String>,
    /// As in a query; added to every question.
    #[serde(default)]
    filters: Vec<Json>,
    /// Origins that may embed it.
    #[serde(default)]
    frame_ancestors: Vec<String>,
    /// A moment such as `2026-12-31T23:59:59Z`.
    expires: Option<String>,
}

/// `{"links": [{"id", "name", "filters", "frame_ancestors", "expires", "has_password", "created",
/// "created_by"}]}`.
pub async fn list(call: Call<Person, SitePart>) -> Result<Json, ApiError> {
    let SitePart(site) = call.path;
    let list = move |connection: &mut _| links::list(connection, &site);
    let found = call.app.control.run(list).await?;
    let links: Vec<Json> = found
        .iter()
        .map(|link| {
            json!({
                "id": link.id, "name": link.name, "filters": link.filters,
                "frame_ancestors": link.frames, "has_password": link.password.is_some(),
                "expires": link.expires.map(|expires| expires.to_string()),
                "created": link.created.to_string(), "created_by": link.created_by,
            })
        })
        .collect();
    Ok(json!({ "links": links }))
}

/// Creates a link: `{"id", "path"}`. The path is shown only once.
pub async fn add(call: Call<Person, SitePart>) -> Result<Json, ApiError> {
    let (app, who, SitePart(site)) = (&*call.app, call.identity.name, call.path);
    let wanted: Wanted = read_json(app, call.request).await?;
    let filters = Json::from(wanted.filters.clone());
    if let Err(error) = filter::check_all(&filters, "#/filters") {
        return Err(ApiError::rule(error));
    }
    let password = match wanted.password {
        None => None,
        Some(password) => {
            password::check(&password).map_err(ApiError::rule)?;
            let salt = random()?;
            let hashed = app.hasher.hash(Lane::Known, password.into(), salt);
            Some(hashed.await?)
        }
    };
    let expires = match wanted.expires {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            ApiError::rule("expires: a moment such as 2026-12-31T23:59:59Z is expected")
        })?),
    };
    let new = NewLink {
        site,
        name: wanted.name,
        password,
        filters: wanted.filters,
        frames: wanted.frame_ancestors,
        expires,
    };
    let token = Token::new(random()?);
    let hash = token.hash();
    let added = app
        .control
        .run(move |connection| links::add(connection, Timestamp::now(), &who, &new, &hash));
    let id = added.await?;
    Ok(json!({ "id": id, "path": format!("/share/{}", token.reveal()) }))
}

/// Revokes a link.
pub async fn revoke(call: Call<Person, (SitePart, LinkId)>) -> Result<Json, ApiError> {
    let (who, (SitePart(site), id)) = (call.identity.name, call.path);
    let revoke =
        move |connection: &mut _| links::revoke(connection, Timestamp::now(), &who, &site, id);
    call.app.control.run(revoke).await?;
    Ok(json!({}))
}
