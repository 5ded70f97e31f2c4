//! `POST /api/event`: reads a beacon within its bounds, hands it to the pipeline, answers 202, 4xx
//! or 503.
//!
//! The request's headers end here: the pipeline gets the few signals that it may know, and the
//! address and agent as functions that the door calls. A beacon that is dropped on purpose is
//! answered like one that is kept.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use jiff::Timestamp;

use crate::access::App;
use crate::collector::choices::{CHOICES_PATH, host_of_origin, without_port};
use crate::http::body;
use crate::http::client_ip::Client;
use crate::http::headers::Head;
use crate::http::response::{Answer, accepted, from_ingest, text, too_many};
use crate::ingest::{CookieChange, Sender};
use crate::telemetry::Outcome;
use sillage_privacy::{Language, UserAgent, find};

/// Takes one beacon.
pub fn collect(
    app: Arc<App>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> impl Future<Output = Answer> + Send {
    // Taken apart out here: of what an async function is given, it keeps two copies while it waits.
    let (head, body) = request.into_parts();
    let headers = head.headers;
    async move {
        let (app, headers) = (&*app, &headers);
        let head = Head::read(headers);
        let limits = &app.config.limits;
        let client = Client::of(peer, headers, &app.config.trusted_proxies);
        let mut answer = match allowed(app, &client) {
            Err(wait) => too_many(wait),
            Ok(()) => {
                let (bytes_max, timeout) = (limits.beacon_bytes_max, limits.body_timeout);
                match body::read_behind(headers, body, bytes_max, timeout).await {
                    Ok(body) => take(app, &client, headers, &head, body).await,
                    Err(answer) => answer,
                }
            }
        };
        allow_origin(app, head.origin, &mut answer);
        answer
    }
}

/// Takes one request of its network's bound.
///
/// # Errors
/// How long until the next is allowed; it is counted.
pub fn allowed(app: &App, client: &Client<'_>) -> Result<(), Duration> {
    if client.is_unheeded_proxy() && app.counters.untrusted_forwarded.fetch_add(1, Relaxed) == 0 {
        tracing::warn!(
            "a proxy at this machine or in a private network sends X-Forwarded-For and is not in trusted_proxies: its visitors all count as \
             one network, and without cookies as one visitor; name its address in trusted_proxies and restart"
        );
    }
    let allowed = app.rate.take(client.network());
    if allowed.is_err() {
        app.counters.count(None, Outcome::TooMany);
    }
    allowed
}

/// Hands a beacon's body to the pipeline with the signals that came along.
pub async fn take(
    app: &App,
    client: &Client<'_>,
    headers: &HeaderMap,
    head: &Head<'_>,
    body: Bytes,
) -> Answer {
    let sender = Sender {
        ip: &|| client.ip(),
        agent: &|| UserAgent::from_header(head.agent),
        is_prefetch: head.is_prefetch,
        gpc: head.gpc,
        dnt: head.dnt,
        language: head
            .language
            .and_then(|value| value.to_str().ok().and_then(Language::parse)),
        cookie: &|name| {
            if !head.has_cookies {
                return None;
            }
            let all = headers.get_all(header::COOKIE).iter();
            find(all.map(HeaderValue::as_bytes), name).map(str::to_owned)
        },
        received: Timestamp::now(),
    };
    match app.pipeline.ingest(&body, &sender).await {
        Ok(taken) => {
            let mut answer = accepted();
            for change in &taken.cookies {
                append_cookie(&mut answer, &set_cookie(change, head.is_https));
            }
            answer
        }
        Err(error) => from_ingest(&error),
    }
}

/// Answers a browser that asks before it sends; our tracker never makes it ask.
pub fn preflight(app: &App, headers: &HeaderMap) -> Answer {
    let mut answer = text(StatusCode::NO_CONTENT, "");
    allow_origin(app, Head::read(headers).origin, &mut answer);
    let headers = answer.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("86400"),
    );
    answer
}

/// Lets pages of the configured hosts send with credentials and see that a beacon arrived.
fn allow_origin(app: &App, origin: Option<&HeaderValue>, answer: &mut Answer) {
    let Some(origin) = origin else {
        return;
    };
    let host = origin
        .to_str()
        .ok()
        .and_then(host_of_origin)
        .map(without_port);
    let is_known = host.is_some_and(|host| {
        app.config.sites.iter().any(|site| {
            site.hostnames
                .iter()
                .any(|known| known.eq_ignore_ascii_case(host))
        })
    });
    let headers = answer.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if is_known {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
}

/// Adds a `Set-Cookie` header.
pub fn append_cookie(answer: &mut Answer, cookie: &str) {
    match HeaderValue::try_from(cookie) {
        Ok(cookie) => {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Err(error) => tracing::error!(%error, "a cookie can't be a header and is not set"),
    }
}

/// The measurement cookie is sent to the collector's endpoint only, the erasure cookie to the
/// choices page only; no script can read either.
pub fn set_cookie(change: &CookieChange, is_https: bool) -> String {
    let (name, value, path, max_age_s) = match change {
        CookieChange::Set {
            name,
            value,
            max_age_s,
        } => (name, value.as_str(), "/api/event", *max_age_s),
        CookieChange::Delete { name } => (name, "", "/api/event", 0),
        CookieChange::SetErasure {
            name,
            value,
            max_age_s,
        } => (name, value.as_str(), CHOICES_PATH, *max_age_s),
        CookieChange::DeleteErasure { name } => (name, "", CHOICES_PATH, 0),
    };
    let secure = if is_https { "; Secure" } else { "" };
    let max_age_s = max_age_s.to_string();
    [
        name,
        "=",
        value,
        "; Path=",
        path,
        "; Max-Age=",
        &max_age_s,
        "; HttpOnly; SameSite=Lax",
        secure,
    ]
    .concat()
}
