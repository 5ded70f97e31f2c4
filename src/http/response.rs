//! Answers: plain text, JSON, redirects, and the refusals of the HTTP layer. No text repeats the
//! request's input.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

/// Every answer is held in memory: reports are bounded, and files are embedded.
pub type Answer = Response<Full<Bytes>>;

/// Headers of an answer to a beacon, including those that hyper adds; reserved in one allocation.
const HEADERS_MAX: usize = 7;

/// An answer of one content type that no cache may keep.
pub fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// 202 for an accepted beacon. Caches store no answer to a POST, so it has no `Cache-Control`.
pub fn accepted() -> Answer {
    let mut response = Response::new(Full::from("ok"));
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.reserve(HEADERS_MAX);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    response
}

/// Plain text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    answer(status, "text/plain; charset=utf-8", body)
}

/// JSON.
pub fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

/// A refused beacon, in the shape of Plausible's Events API: field -> list of messages.
pub fn invalid_field(status: StatusCode, field: &str, rule: &str) -> Answer {
    json(status, &serde_json::json!({ "errors": { field: [rule] } }))
}

/// 429 for a network that sends too much; `wait` until it may send again.
pub fn too_many(wait: Duration) -> Answer {
    let mut response = refused(
        StatusCode::TOO_MANY_REQUESTS,
        "too many requests from this network; send it again later",
    );
    retry_after(&mut response, wait);
    response
}

/// Sets `Retry-After`, rounded up to the next second.
pub fn retry_after(response: &mut Answer, wait: Duration) {
    let seconds = HeaderValue::from(wait.as_secs() + 1);
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
}

/// 303: the browser continues at `place` with a GET.
pub fn see_other(place: &'static str) -> Answer {
    let mut response = text(StatusCode::SEE_OTHER, "");
    response
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_static(place));
    response
}

/// A request that is refused before its body is read.
pub fn refused(status: StatusCode, rule: &'static str) -> Answer {
    invalid_field(status, "request", rule)
}

/// 404 for an unknown path.
pub fn nothing() -> Answer {
    text(StatusCode::NOT_FOUND, "nothing is here\n")
}
