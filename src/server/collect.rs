//! `POST /api/event`: reads a beacon within its bounds, hands it to the pipeline, answers 202, 4xx or 503.
//!
//! The request's headers end here: the pipeline gets the few signals that it may know, and the address and agent as
//! functions that the door calls. A beacon that is dropped on purpose is answered like one that is kept.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use jiff::Timestamp;

use super::client_ip::client_ip;
use super::error::{Answer, accepted, from_ingest, text, too_many};
use super::{App, body};
use crate::ingest::{CookieChange, Outcome, Sender};
use crate::privacy::{Language, UserAgent, find, truncate};

/// By which a browser says that it fetches a page ahead.
static PREFETCH: [HeaderName; 4] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-moz"),
    HeaderName::from_static("x-purpose"),
];
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static GPC: HeaderName = HeaderName::from_static("sec-gpc");

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
        let limits = &app.config.limits;
        let mut answer = match allowed(app, peer, headers) {
            Err(wait) => too_many(wait),
            Ok(()) => {
                let (bytes_max, timeout) = (limits.beacon_bytes_max, limits.body_timeout);
                match body::read_behind(headers, body, bytes_max, timeout).await {
                    Ok(body) => take(app, peer, headers, body).await,
                    Err(answer) => answer,
                }
            }
        };
        allow_origin(app, headers, &mut answer);
        answer
    }
}

/// Takes one request of its network's bound.
///
/// # Errors
/// How long until the next is allowed; it is counted.
pub(super) fn allowed(app: &App, peer: IpAddr, headers: &HeaderMap) -> Result<(), Duration> {
    let sender = client_ip(peer, headers, &app.config.trusted_proxies);
    let allowed = app.rate.take(truncate(&sender));
    if allowed.is_err() {
        app.counters.count(None, Outcome::TooMany);
    }
    allowed
}

/// Hands a beacon's body to the pipeline with the signals that came along.
pub(super) async fn take(app: &App, peer: IpAddr, headers: &HeaderMap, body: Bytes) -> Answer {
    let is_one = |name: &HeaderName| {
        headers
            .get(name)
            .is_some_and(|sent| sent.as_bytes() == b"1")
    };
    let sender = Sender {
        ip: &|| client_ip(peer, headers, &app.config.trusted_proxies),
        agent: &|| {
            UserAgent::from_header(
                headers
                    .get(header::USER_AGENT)
                    .map_or(b"", HeaderValue::as_bytes),
            )
        },
        is_prefetch: is_prefetch(headers),
        gpc: is_one(&GPC),
        dnt: is_one(&header::DNT),
        language: headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok().and_then(Language::parse)),
        cookie: &|name| {
            find(
                headers
                    .get_all(header::COOKIE)
                    .iter()
                    .map(HeaderValue::as_bytes),
                name,
            )
            .map(str::to_owned)
        },
        received: Timestamp::now(),
    };
    match app.pipeline.ingest(&body, &sender).await {
        Ok(taken) => {
            let mut answer = accepted();
            if let Some(change) = taken.cookie
                && let Ok(value) = HeaderValue::try_from(set_cookie(&change, is_https(headers)))
            {
                answer.headers_mut().append(header::SET_COOKIE, value);
            }
            answer
        }
        Err(error) => from_ingest(&error),
    }
}

/// Whether the request says that nobody looks at the page yet.
pub(super) fn is_prefetch(headers: &HeaderMap) -> bool {
    let says = |value: &HeaderValue| {
        value.to_str().is_ok_and(|value| {
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|word| value.contains(word))
        })
    };
    PREFETCH
        .iter()
        .any(|name| headers.get(name).is_some_and(says))
}

/// Answers a browser that asks before it sends; our tracker never makes it ask.
pub fn preflight(app: &App, headers: &HeaderMap) -> Answer {
    let mut answer = text(StatusCode::NO_CONTENT, "");
    allow_origin(app, headers, &mut answer);
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
fn allow_origin(app: &App, request: &HeaderMap, answer: &mut Answer) {
    let Some(origin) = request.get(header::ORIGIN) else {
        return;
    };
    let host = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, rest)| rest.rsplit_once(':').map_or(rest, |(host, _)| host));
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

/// Whether the visitor's connection is encrypted, as the proxy in front says. A forgery only changes the forger's cookie.
pub(super) fn is_https(headers: &HeaderMap) -> bool {
    headers
        .get(&FORWARDED_PROTO)
        .is_some_and(|proto| proto.as_bytes() == b"https")
        || headers
            .get(header::ORIGIN)
            .is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

/// The measurement cookie is sent to the collector's endpoint only and can't be read by any script.
pub(super) fn set_cookie(change: &CookieChange, is_https: bool) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    let attributes = "; HttpOnly; SameSite=Lax";
    match change {
        CookieChange::Set {
            name,
            value,
            max_age_s,
        } => {
            let max_age_s = max_age_s.to_string();
            let path = "; Path=/api/event; Max-Age=";
            [name, "=", value, path, &max_age_s, attributes, secure].concat()
        }
        CookieChange::Delete { name } => {
            format!("{name}=; Path=/api/event; Max-Age=0{attributes}{secure}")
        }
    }
}
