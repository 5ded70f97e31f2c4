//! The API keys of a site, as JSON, for its owners. A key is shown once, when it is created.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::call::{Call, SitePart};
use crate::access::error::ApiError;
use crate::api::json::read_json;
use crate::control::ids::KeyId;
use crate::control::keys::{self, PREFIX, Scope};
use crate::control::people::Person;
use crate::control::token::{self, Token, random};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    name: String,
    /// `["query"]` when left out.
    scopes: Option<Vec<String>>,
}

/// `{"keys": [{"id", "name", "scopes", "created", "created_by", "used"}]}`.
pub async fn list(call: Call<Person, SitePart>) -> Result<Json, ApiError> {
    let SitePart(site) = call.path;
    let list = move |connection: &mut _| keys::list(connection, Some(&site));
    let found = call.app.control.run(list).await?;
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

/// Creates a key: `{"id", "key"}`.
pub async fn add(call: Call<Person, SitePart>) -> Result<Json, ApiError> {
    let (app, who, SitePart(site)) = (&*call.app, call.identity.name, call.path);
    let new: NewKey = read_json(app, call.request).await?;
    let words = new.scopes.unwrap_or_else(|| vec!["query".into()]);
    let scopes: Option<Vec<Scope>> = words.iter().map(|word| Scope::parse(word)).collect();
    let scopes = scopes.ok_or_else(|| ApiError::rule("scopes: a list of query is expected"))?;
    let token = Token::new(random()?);
    let key = format!("{PREFIX}{}", token.reveal());
    let hash = token::hash(&key);
    let added = app.control.run(move |connection| {
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
    let id = added.await?;
    Ok(json!({ "id": id, "key": key }))
}

/// Revokes a key.
pub async fn revoke(call: Call<Person, (SitePart, KeyId)>) -> Result<Json, ApiError> {
    let (who, (SitePart(site), id)) = (call.identity.name, call.path);
    let revoke =
        move |connection: &mut _| keys::revoke(connection, Timestamp::now(), &who, &site, id);
    call.app.control.run(revoke).await?;
    Ok(json!({}))
}
