//! Reads a request's body within its bounds of size and time. A `Content-Encoding` is never
//! decoded.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use hyper::{Request, StatusCode};

use crate::http::response::{Answer, refused};

/// The whole body, at most `bytes_max` long and complete within `timeout`.
///
/// # Errors
/// The answer: 415 for an encoded body, 413 for a long one, 408 for a slow one, 400 for an
/// incomplete one.
pub async fn read(
    request: Request<Incoming>,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Bytes, Answer> {
    let (head, body) = request.into_parts();
    read_parts(&head.headers, body, bytes_max, timeout).await
}

/// The same for the parts of a request.
///
/// # Errors
/// As [`read`].
pub async fn read_parts(
    headers: &HeaderMap,
    body: Incoming,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Bytes, Answer> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "must not have a Content-Encoding",
        ));
    }
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let mut whole = pin!(whole(body, bytes_max));
    // Nearly every body arrives with its head and then needs no timer, so it is polled once first.
    let at_once = poll_fn(|context| Poll::Ready(whole.as_mut().poll(context)));
    if let Poll::Ready(read) = at_once.await {
        return read;
    }
    match tokio::time::timeout(timeout, whole).await {
        Ok(read) => read,
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "body took too long")),
    }
}

/// Collects the body. Nearly every body arrives in one frame and is then not copied.
async fn whole(mut body: Incoming, bytes_max: usize) -> Result<Bytes, Answer> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| refused(StatusCode::BAD_REQUEST, "body is incomplete"))?;
        // Other frames are trailers, which are ignored.
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if first.len() + joined.len() + piece.len() > bytes_max {
            return Err(too_large());
        }
        if first.is_empty() && joined.is_empty() {
            first = piece;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut first));
            joined.extend_from_slice(&piece);
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.freeze()
    })
}

fn too_large() -> Answer {
    refused(StatusCode::PAYLOAD_TOO_LARGE, "body is too large")
}
