//! `POST /api/event`: reads a beacon within its bounds, passes it to the pipeline, answers 202, 4xx
//! or 503.
//!
//! The pipeline does not get the request's headers: it gets the few signals that it may know, and
//! address and agent as functions that the privacy door calls. A beacon that is dropped on purpose
//! is answered like a stored one.

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
use crate::access::call::Call;
use crate::collector::visitor_cookies::set_cookie;
use crate::http::body;
use crate::http::client_ip::Client;
use crate::http::cookies::cookie;
use crate::http::headers::BeaconHeaders;
use crate::http::origin::{host_of_origin, without_port};
use crate::http::response::{Answer, accepted, invalid_field, text, too_many};
use crate::ingest::{IngestError, Sender};
use crate::telemetry::Outcome;
use sillage_privacy::{Language, UserAgent};

/// Takes one beacon.
pub fn collect(
    app: Arc<App>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> impl Future<Output = Answer> + Send {
    // Destructured outside of the future: an async function keeps two copies of its arguments while
    // it waits.
    let (head, body) = request.into_parts();
    let headers = head.headers;
    async move {
        let (app, headers) = (&*app, &headers);
        let head = BeaconHeaders::read(headers);
        let limits = &app.config.limits;
        let client = Client::of(peer, headers, &app.config.trusted_proxies);
        let mut answer = match allowed(app, &client) {
            Err(wait) => too_many(wait),
            Ok(()) => {
                let (bytes_max, timeout) = (limits.beacon_bytes_max, limits.body_timeout);
                match body::read_parts(headers, body, bytes_max, timeout).await {
                    Ok(body) => take(app, &client, headers, &head, body).await,
                    Err(answer) => answer,
                }
            }
        };
        allow_origin(app, head.origin, &mut answer);
        answer
    }
}

/// Counts one request against the bound of its network.
///
/// # Errors
/// How long until the next is allowed. The refusal is counted.
pub fn allowed(app: &App, client: &Client<'_>) -> Result<(), Duration> {
    if client.is_unheeded_proxy() && app.counters.untrusted_forwarded.fetch_add(1, Relaxed) == 0 {
        tracing::warn!(
            "a proxy at this machine or in a private network sends X-Forwarded-For and is not in trusted_proxies: its visitors all count as \
             one network, and without cookies as one visitor; name its address in trusted_proxies and restart"
        );
    }
    let allowed = app.rates.beacons.take(client.network());
    if allowed.is_err() {
        app.counters.count(None, Outcome::TooMany);
    }
    allowed
}

/// Passes a beacon's body to the pipeline with the signals of its headers.
pub async fn take(
    app: &App,
    client: &Client<'_>,
    headers: &HeaderMap,
    head: &BeaconHeaders<'_>,
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
            cookie(headers, name).map(str::to_owned)
        },
        received: Timestamp::now(),
    };
    match app.pipeline.ingest(&body, &sender).await {
        Ok(taken) => {
            let mut answer = accepted();
            for change in &taken.cookies {
                set_cookie(change, head.is_https).add_to(&mut answer);
            }
            answer
        }
        Err(error) => refusal(&error),
    }
}

/// The answer to a beacon that is not stored.
fn refusal(error: &IngestError) -> Answer {
    match error {
        IngestError::Beacon(fault) => {
            invalid_field(StatusCode::BAD_REQUEST, fault.field, fault.rule)
        }
        IngestError::Spool(error) if !error.is_transient() => invalid_field(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request",
            "the event is too large to be stored",
        ),
        IngestError::Spool(_) | IngestError::Random(_) | IngestError::InFlight => {
            let mut answer = invalid_field(
                StatusCode::SERVICE_UNAVAILABLE,
                "request",
                "can't be stored right now; send it again",
            );
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            answer
        }
    }
}

/// Answers a CORS preflight. The project's tracker never causes one.
pub async fn preflight(call: Call) -> Answer {
    let mut answer = text(StatusCode::NO_CONTENT, "");
    let origin = BeaconHeaders::read(call.headers()).origin;
    allow_origin(&call.app, origin, &mut answer);
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

/// Lets pages of the configured hosts send credentials and read the answer.
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
