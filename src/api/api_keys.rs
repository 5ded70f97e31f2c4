//! The keys of a site, as JSON, for its owners. A key is shown once, when it is made.

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::{LoggedIn, failed};
use crate::app::routes::{Handler, Params};
use crate::control::keys::{self, PREFIX, Scope};
use crate::control::token::{self, Token, random};
use crate::http::response::{self, Answer};
use crate::pages::layout::{bad_request, read_json};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    name: String,
    /// `["query"]` when left out.
    scopes: Option<Vec<String>>,
}

/// Answers a request of somebody who owns the site in the path.
pub async fn answer(
    app: &App,
    handler: Handler,
    params: Params,
    caller: LoggedIn,
    request: Request<Incoming>,
) -> Answer {
    let who = caller.person.name;
    let result = match handler {
        Handler::Keys => list(app, params.site).await,
        Handler::AddKey => add(app, params.site, who, request).await,
        _ => revoke(app, params, who).await,
    };
    result.map_or_else(
        |answer| answer,
        |body| response::json(StatusCode::OK, &body),
    )
}

/// `{"keys": [{"id", "name", "scopes", "created", "created_by", "used"}]}`.
async fn list(app: &App, site: String) -> Result<Json, Answer> {
    let found = app
        .gate
        .control
        .run(move |connection| keys::list(connection, Some(&site)));
    let found = found.await.map_err(|error| failed(&error))?;
    let keys: Vec<Json> = found
        .iter()
        .map(|key| {
            json!({
                "id": key.id, "name": key.name, "created": key.created.to_string(),
                "created_by": key.created_by, "used": key.used.map(|day| day.to_string()),
                "scopes": key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(json!({ "keys": keys }))
}

/// `{"id", "key"}`.
async fn add(
    app: &App,
    site: String,
    who: String,
    request: Request<Incoming>,
) -> Result<Json, Answer> {
    let new: NewKey = read_json(app, request).await?;
    let words = new.scopes.unwrap_or_else(|| vec!["query".into()]);
    let scopes: Option<Vec<Scope>> = words.iter().map(|word| Scope::parse(word)).collect();
    let scopes = scopes.ok_or_else(|| bad_request("scopes: a list of query is expected"))?;
    let token = Token::new(random().map_err(|error| failed(&error))?);
    let key = format!("{PREFIX}{}", token.reveal());
    let hash = token::hash(&key);
    let added = app.gate.control.run(move |connection| {
        keys::add(
            connection,
            Timestamp::now(),
            &who,
            &site,
            &new.name,
            &scopes,
            &hash,
        )
    });
    let id = added.await.map_err(|error| failed(&error))?;
    Ok(json!({ "id": id, "key": key }))
}

async fn revoke(app: &App, params: Params, who: String) -> Result<Json, Answer> {
    let id = params.id.parse().unwrap_or(0);
    let revoked = app
        .gate
        .control
        .run(move |connection| keys::revoke(connection, Timestamp::now(), &who, &params.site, id));
    revoked.await.map_err(|error| failed(&error))?;
    Ok(json!({}))
}
