//! Authentication and permission: from a request's credentials to an [`Identity`], by its route's
//! requirements.
//!
//! Only this file reads the log-in cookie and `Authorization`. [`admit`] runs before every handler
//! and decides from the route's line alone. Handlers check only what that line can't express (the
//! site in a body, the person in a path).

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::access::App;
use crate::access::error::ApiError;
use crate::access::faces::Faces;
use crate::access::identity::{Identity, Session};
use crate::access::permission::{Proof, Who};
use crate::control::people::{self, Role};
use crate::control::token::{self, hex, random};
use crate::control::{Control, keys, links, login};
use crate::http::cookies::{SameSite, SetCookie, cookie};
use crate::http::headers::is_https;
use crate::http::local::Connection;
use crate::http::origin::{is_cross_site, is_same_origin};

/// Cookie of a log-in. On https its name has the prefix that binds it to this host and to
/// encryption.
const LOGIN_COOKIE: &str = "sillage_login";
const LOGIN_COOKIE_HTTPS: &str = "__Host-sillage_login";
/// Header that proves a change by a script of ours.
const CSRF_HEADER: &str = "x-sillage-csrf";

/// Admits a request by its route's requirements.
///
/// # Errors
/// 401 without an identity (a page is sent to `/login`), 403 for an identity that may not, 421 for
/// a request from another machine to a route that is for this machine only.
pub async fn admit(
    app: &App,
    connection: &Connection,
    faces: Faces,
    (who, proof): (Who, Proof),
    site: &str,
    request: &Request<Incoming>,
) -> Result<Identity, ApiError> {
    let headers = request.headers();
    if matches!(proof, Proof::Origin | Proof::Form) && !is_same_origin(headers) {
        return Err(ApiError::ForeignForm);
    }
    match who {
        Who::Anyone => return Ok(Identity::Anonymous),
        Who::Local if faces.let_read_metrics(connection, request) => {
            return Ok(Identity::Anonymous);
        }
        Who::Local => return Err(ApiError::Misdirected),
        Who::Reader | Who::AnyReader | Who::Person | Who::Owner | Who::Has(_) => {}
    }
    let identity = identify(app, connection, request).await?;
    if matches!(identity, Identity::Anonymous) {
        return Err(if request.uri().path().starts_with("/api/") {
            ApiError::NotLoggedIn
        } else {
            ApiError::LogInFirst
        });
    }
    let is_allowed = match who {
        Who::Anyone | Who::Local => false,
        Who::Reader => {
            matches!(identity, Identity::Person(_) | Identity::Demo)
                && identity.read_scope().is_some()
        }
        Who::AnyReader => identity.read_scope().is_some(),
        Who::Person => matches!(identity, Identity::Person(_)),
        Who::Owner => matches!(&identity, Identity::Person(session)
            if session.person.roles.values().any(|role| *role == Role::Owner)),
        Who::Has(role) => {
            app.config.site(site).is_some() && identity.role_on(site).is_some_and(|own| own >= role)
        }
    };
    if !is_allowed {
        return Err(ApiError::Forbidden);
    }
    if proof == Proof::Header
        && let Identity::Person(session) = &identity
    {
        let given = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes);
        if given != Some(session.csrf.as_bytes()) || is_cross_site(headers) {
            return Err(ApiError::NoToken);
        }
    }
    Ok(identity)
}

async fn identify(
    app: &App,
    connection: &Connection,
    request: &Request<Incoming>,
) -> Result<Identity, ApiError> {
    let headers = request.headers();
    // A request with `Authorization` is identified by it alone: after a wrong key, the cookie is
    // not tried.
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        return holder(app, value).await;
    }
    if let Some(cookie) = login_cookie(headers) {
        let hash = token::hash(cookie);
        let csrf = csrf_of(cookie);
        let find = move |connection: &mut _| login::find(connection, Timestamp::now(), &hash);
        if let Some(person) = app.control.run(find).await? {
            return Ok(Identity::Person(Session {
                person,
                login: hash,
                csrf,
            }));
        }
    }
    if app.has_demo && is_without_people(app).await? {
        // The address is the only guard. A foreign name that resolves to loopback, and a proxy that
        // forwards requests from elsewhere, are refused.
        return if connection.is_local(request) {
            Ok(Identity::Demo)
        } else {
            Err(ApiError::Misdirected)
        };
    }
    Ok(Identity::Anonymous)
}

/// The key or link that `Authorization` shows; anonymous when it is unknown, expired or revoked.
async fn holder(app: &App, authorization: &HeaderValue) -> Result<Identity, ApiError> {
    let Some(bearer) = bearer(authorization) else {
        return Ok(Identity::Anonymous);
    };
    if let Some(link) = bearer.strip_prefix(links::PREFIX) {
        return link_reader(app, link).await;
    }
    let hash = token::hash(bearer);
    let find = move |connection: &mut _| keys::find(connection, Timestamp::now(), &hash);
    let found = app.control.run(find).await?;
    Ok(found.map_or(Identity::Anonymous, Identity::Key))
}

/// The link of a bearer text `secret` or, with the pass that its password gave, `secret.pass`.
async fn link_reader(app: &App, bearer: &str) -> Result<Identity, ApiError> {
    let (secret, pass) = match bearer.split_once('.') {
        Some((secret, pass)) => (secret, Some(pass)),
        None => (bearer, None),
    };
    let (hash, now) = (token::hash(secret), Timestamp::now());
    let found = app
        .control
        .run(move |connection| links::find(connection, now, &hash));
    let Some(link) = found.await? else {
        return Ok(Identity::Anonymous);
    };
    let key = pass_key(&app.control).await?;
    Ok(if links::is_passed(&key, &link, pass, now) {
        Identity::Link(link)
    } else {
        Identity::Anonymous
    })
}

/// The key that seals the passes of links with a password.
///
/// # Errors
/// The control database can't be used.
pub async fn pass_key(control: &Control) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let fresh = random()?;
    let key = control.run(move |connection| login::secret(connection, "pass_key", fresh));
    Ok(key.await?)
}

/// Whether there are no people yet, so that no log-in is possible.
///
/// # Errors
/// The control database can't be used.
pub async fn is_without_people(app: &App) -> Result<bool, ApiError> {
    let count = app.control.run(|connection| people::count(connection));
    Ok(count.await? == 0)
}

/// The text after `Bearer`.
fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, value) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| value.trim())
}

/// The log-in's cookie. On https only the name with the prefix counts: another host of the same
/// domain can set the other.
pub fn login_cookie(headers: &HeaderMap) -> Option<&str> {
    let plain = (!is_https(headers)).then_some(LOGIN_COOKIE);
    [Some(LOGIN_COOKIE_HTTPS), plain]
        .into_iter()
        .flatten()
        .find_map(|name| cookie(headers, name))
        .filter(|value| value.len() == 2 * token::TOKEN_BYTES)
}

/// The cookie of a log-in; `None` ends it.
pub fn set_login<'a>(value: Option<&'a str>, headers: &HeaderMap) -> SetCookie<'a> {
    let is_secure = is_https(headers);
    SetCookie {
        name: if is_secure {
            LOGIN_COOKIE_HTTPS
        } else {
            LOGIN_COOKIE
        },
        value: value.unwrap_or_default(),
        path: "/",
        max_age_s: value.map_or(0, |_| login::AGE_S_MAX),
        is_http_only: true,
        same_site: SameSite::Strict,
        is_secure,
    }
}

/// The CSRF token, which our own pages send with each change. It is derived from the cookie; the
/// cookie can't be derived from it.
pub fn csrf_of(cookie: &str) -> String {
    hex(&token::hash(&format!("csrf {cookie}")))
}
