//! Error responses: status codes and public texts for errors of ingestion and of the HTTP layer.
//! No text repeats the request's input.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use crate::ingest::IngestError;

/// Every answer of the server is whole in memory: reports are bounded, and files are embedded.
pub type Answer = Response<Full<Bytes>>;

/// Headers of an answer to a beacon, those included that hyper adds: room for them is made once.
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

/// The answer to a beacon that was taken. It needs no word against caches, which keep no answer to
/// a POST.
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

/// A fault of a beacon, in the shape that Plausible's Events API answers: field -> list of
/// messages.
fn beacon_fault(status: StatusCode, field: &str, rule: &str) -> Answer {
    json(status, &serde_json::json!({ "errors": { field: [rule] } }))
}

/// What a beacon that is not taken is answered.
pub fn from_ingest(error: &IngestError) -> Answer {
    match error {
        IngestError::Beacon(fault) => {
            beacon_fault(StatusCode::BAD_REQUEST, fault.field, fault.rule)
        }
        IngestError::Spool(error) if !error.is_transient() => beacon_fault(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request",
            "the event is too large to be stored",
        ),
        IngestError::Spool(_) | IngestError::Random(_) | IngestError::InFlight => {
            let mut response = beacon_fault(
                StatusCode::SERVICE_UNAVAILABLE,
                "request",
                "can't be stored right now; send it again",
            );
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            response
        }
    }
}

/// More than a network may send; `wait` until it may send again.
pub fn too_many(wait: Duration) -> Answer {
    let mut response = refused(
        StatusCode::TOO_MANY_REQUESTS,
        "too many requests from this network; send it again later",
    );
    let wait_s = wait.as_secs() + 1;
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    response
}

/// More than a key or a link may ask; `wait` until it may ask again.
pub fn too_often(wait: Duration) -> Answer {
    let mut response = json(
        StatusCode::TOO_MANY_REQUESTS,
        &serde_json::json!({ "error": "too many questions; try again later" }),
    );
    let wait_s = wait.as_secs() + 1;
    let seconds = HeaderValue::from(wait_s);
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// A request that is refused before anything looks into its body.
pub fn refused(status: StatusCode, rule: &'static str) -> Answer {
    beacon_fault(status, "request", rule)
}
