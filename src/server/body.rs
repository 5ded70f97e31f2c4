//! Reads a request's body within its bounds of size and time. No `Content-Encoding` is ever undone.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::CONTENT_ENCODING;
use hyper::{Request, StatusCode};

use super::error::{Answer, refused};

/// The whole body, at most `bytes_max` long and complete within `timeout`.
///
/// # Errors
/// The answer to give: 415 for an encoded body, 413 for a long one, 408 for a slow one, 400 for one cut short.
pub async fn read(
    request: Request<Incoming>,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Bytes, Answer> {
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "must not have a Content-Encoding",
        ));
    }
    let body = request.into_body();
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "body is too large"));
    }
    match tokio::time::timeout(timeout, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "body is too large"))
        }
        Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "body is incomplete")),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "body took too long")),
    }
}
