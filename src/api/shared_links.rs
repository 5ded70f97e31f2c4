//! Shared links: made and revoked by a site's owners as JSON, opened by whoever has one.
//!
//! Opening one sets no cookie, so that it works in a frame and mixes with no log-in: the page gets
//! the link's secret with the data it starts with, and its questions carry it as
//! `Authorization: Bearer sl_…`. Nothing but questions takes that.

use std::net::IpAddr;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::{Caller, LoggedIn, failed};
use crate::api::stats;
use crate::app::routes::{Handler, Params};
use crate::collector::choices::words::Words;
use crate::control::links::{self, Link, NewLink, PASS_S, PREFIX};
use crate::control::login;
use crate::control::password::{self, Lane};
use crate::control::token::{self, Token, random};
use crate::http::client_ip::client_ip;
use crate::http::response::{self, Answer};
use crate::pages::assets;
use crate::pages::layout::{Form, bad_request, message, page, read_json, words};
use sillage_privacy::truncate;
use sillage_query::wire::filter;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    password: Option<String>,
    /// As in a query; asked along with every question.
    #[serde(default)]
    filters: Vec<Json>,
    /// Origins that may embed it.
    #[serde(default)]
    frame_ancestors: Vec<String>,
    /// A moment such as `2026-12-31T23:59:59Z`.
    expires: Option<String>,
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
        Handler::Links => list(app, params.site).await,
        Handler::AddLink => add(app, params.site, who, request).await,
        _ => revoke(app, params, who).await,
    };
    result.map_or_else(
        |answer| answer,
        |body| response::json(StatusCode::OK, &body),
    )
}

/// `{"links": [{"id", "name", "filters", "frame_ancestors", "expires", "has_password", "created", "created_by"}]}`.
async fn list(app: &App, site: String) -> Result<Json, Answer> {
    let found = app
        .gate
        .control
        .run(move |connection| links::list(connection, &site));
    let found = found.await.map_err(|error| failed(&error))?;
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

/// `{"id", "path"}`; the path is shown this once.
async fn add(
    app: &App,
    site: String,
    who: String,
    request: Request<Incoming>,
) -> Result<Json, Answer> {
    let wanted: Wanted = read_json(app, request).await?;
    let filters = Json::from(wanted.filters.clone());
    if let Err(fault) = filter::check_all(&filters, "#/filters") {
        return Err(bad_request(&fault.to_string()));
    }
    let password = match wanted.password {
        None => None,
        Some(password) => {
            password::check(&password).map_err(|fault| bad_request(&fault.to_string()))?;
            let salt = random().map_err(|error| failed(&error))?;
            let hashed = app.gate.hasher.hash(Lane::Known, password.into(), salt);
            Some(hashed.await.map_err(|error| failed(&error))?)
        }
    };
    let expires = match wanted.expires {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            bad_request("expires: a moment such as 2026-12-31T23:59:59Z is expected")
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
    let token = Token::new(random().map_err(|error| failed(&error))?);
    let hash = token.hash();
    let added = app
        .gate
        .control
        .run(move |connection| links::add(connection, Timestamp::now(), &who, &new, &hash));
    let id = added.await.map_err(|error| failed(&error))?;
    Ok(json!({ "id": id, "path": format!("/share/{}", token.reveal()) }))
}

async fn revoke(app: &App, params: Params, who: String) -> Result<Json, Answer> {
    let id = params.id.parse().unwrap_or(0);
    let revoked = app
        .gate
        .control
        .run(move |connection| links::revoke(connection, Timestamp::now(), &who, &params.site, id));
    revoked.await.map_err(|error| failed(&error))?;
    Ok(json!({}))
}

/// Opens a link: the dashboard for it, or the question for its password.
pub async fn open(
    app: &App,
    peer: IpAddr,
    handler: Handler,
    params: Params,
    request: Request<Incoming>,
) -> Answer {
    let headers = request.headers().clone();
    let words = words(&headers);
    let opened = match handler {
        Handler::Share => show(app, words, &params.token).await,
        _ => unlock(app, peer, words, &headers, &params.token, request).await,
    };
    opened.unwrap_or_else(|answer| answer)
}

async fn find(app: &App, token: &str) -> Result<Option<Link>, Answer> {
    let hash = token::hash(token);
    let found = app
        .gate
        .control
        .run(move |connection| links::find(connection, Timestamp::now(), &hash));
    let found = found.await.map_err(|error| failed(&error))?;
    Ok(found.filter(|link| app.config.site(&link.site).is_some()))
}

async fn show(app: &App, words: &Words, token: &str) -> Result<Answer, Answer> {
    Ok(match find(app, token).await? {
        None => gone(words),
        Some(link) if link.password.is_some() => ask(words, &link, token, StatusCode::OK, None),
        Some(link) => dashboard(app, link, format!("{PREFIX}{token}")),
    })
}

async fn unlock(
    app: &App,
    peer: IpAddr,
    words: &Words,
    headers: &HeaderMap,
    token: &str,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let form = Form::read(app, request).await?;
    let Some(link) = find(app, token).await? else {
        return Ok(gone(words));
    };
    let network = truncate(&client_ip(peer, headers, &app.config.trusted_proxies));
    let gate = &app.gate;
    let taken = gate
        .networks
        .take_of(&network, 1)
        .and_then(|()| gate.names.take_of(&(network, link.id), 1));
    if taken.is_err() {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return Ok(ask(words, &link, token, status, Some("slow")));
    }
    let typed = form.secret("password");
    let is_right = gate
        .hasher
        .verify(Lane::Stranger, typed, link.password.clone());
    match is_right.await {
        Ok(true) => {}
        Ok(false) => {
            let status = StatusCode::FORBIDDEN;
            return Ok(ask(words, &link, token, status, Some("link_wrong")));
        }
        Err(_) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(ask(words, &link, token, status, Some("busy")));
        }
    }
    let key = pass_key(app).await?;
    let pass = links::pass(&key, &link, Timestamp::now().as_second() + PASS_S);
    Ok(dashboard(app, link, format!("{PREFIX}{token}.{pass}")))
}

/// The key that passes are sealed with.
pub async fn pass_key(app: &App) -> Result<zeroize::Zeroizing<Vec<u8>>, Answer> {
    let fresh = random().map_err(|error| failed(&error))?;
    let key = app
        .gate
        .control
        .run(move |connection| login::secret(connection, "pass_key", fresh));
    key.await.map_err(|error| failed(&error))
}

/// The dashboard with what it needs to ask by this link.
fn dashboard(app: &App, link: Link, bearer: String) -> Answer {
    let (frames, filters) = (link.frames.clone(), Json::from(link.filters.clone()));
    let Some(asker) = Caller::Link(link).asker() else {
        return crate::access::auth::forbidden();
    };
    let mut boot = stats::boot(app, &asker);
    boot["demo"] = json!(false);
    boot["link"] = json!({ "bearer": bearer, "filters": filters });
    framed(assets::dashboard_page(&boot), &frames)
}

fn ask(words: &Words, link: &Link, token: &str, status: StatusCode, told: Option<&str>) -> Answer {
    let message = message(words, told);
    // The token is one that was found, so it is 64 digits.
    let action = format!("/share/{token}");
    let values = [("message", message.as_str()), ("action", &action)];
    let template = include_str!("../pages/templates/link.html");
    framed(
        page(status, words, "link_title", template, &values),
        &link.frames,
    )
}

fn gone(words: &Words) -> Answer {
    let values = [("text", words.get("link_gone"))];
    let template = include_str!("../pages/templates/link_gone.html");
    page(StatusCode::GONE, words, "gone_title", template, &values)
}

/// Says in the content policy who may embed a page; the rest of the policy stays.
fn framed(mut answer: Answer, frames: &[String]) -> Answer {
    let policy = answer.headers().get(header::CONTENT_SECURITY_POLICY);
    let policy = policy.and_then(|policy| policy.to_str().ok());
    let embedded = policy.map(|policy| {
        policy.replace(
            "frame-ancestors 'none'",
            &format!("frame-ancestors {}", frames.join(" ")),
        )
    });
    if !frames.is_empty()
        && let Some(Ok(policy)) = embedded.map(HeaderValue::try_from)
    {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_origins_may_embed_a_page() {
        let policy = |frames: &[String]| {
            let mut answer = response::text(StatusCode::OK, "");
            let none = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
            answer
                .headers_mut()
                .insert(header::CONTENT_SECURITY_POLICY, none);
            let framed = framed(answer, frames);
            framed.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .expect("text")
                .to_owned()
        };
        assert_eq!(policy(&[]), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(
            policy(&["https://a.example".into(), "https://b.example:8443".into()]),
            "default-src 'none'; frame-ancestors https://a.example https://b.example:8443"
        );
    }
}
