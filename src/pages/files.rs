//! The files of the built dashboard and of the demo site, embedded in the binary (read from the
//! folders in debug builds). The tracker's files are [`tracker_files`](crate::tracker_files).

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::access::call::{Call, RestPart};
use crate::access::identity::Identity;
use crate::http::response::{Answer, nothing, text};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/dashboards/web/dist"]
#[allow_missing = true]
struct Dashboard;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/src/cli/demo/site"]
struct Demo;

/// The dashboard's `index.html`; `None` when the dashboard was not built.
pub fn index() -> Option<Cow<'static, [u8]>> {
    Dashboard::get("index.html").map(|file| file.data)
}

/// `/{rest}`: a file of the dashboard.
pub async fn dashboard(call: Call<Identity, RestPart>) -> Answer {
    dashboard_file(&call.path.0, call.headers()).unwrap_or_else(nothing)
}

/// `/demo`: redirects to the demo's first page.
pub async fn demo_root(_: Call) -> Answer {
    let mut answer = text(StatusCode::PERMANENT_REDIRECT, "");
    let place = HeaderValue::from_static("/demo/");
    answer.headers_mut().insert(header::LOCATION, place);
    answer
}

/// `/demo/{rest}`: a page or file of the demo site.
pub async fn demo(call: Call<Identity, RestPart>) -> Answer {
    demo_file(&call.path.0, call.headers()).unwrap_or_else(nothing)
}

/// A file of the dashboard by its name.
fn dashboard_file(path: &str, headers: &HeaderMap) -> Option<Answer> {
    let takes_brotli = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|coding| coding.trim().split(';').next() == Some("br"))
        });
    let forever = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    if takes_brotli && let Some(file) = Dashboard::get(&format!("{path}.br")) {
        let mut answer = serve(&file, path, headers, forever);
        answer
            .headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        answer
            .headers_mut()
            .insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        return Some(answer);
    }
    Dashboard::get(path).map(|file| serve(&file, path, headers, forever))
}

/// A page or file of the demo site by its name.
fn demo_file(path: &str, headers: &HeaderMap) -> Option<Answer> {
    let path = if path.is_empty() { "index.html" } else { path };
    let (name, file) = match Demo::get(path) {
        Some(file) => (path.to_owned(), file),
        None => (format!("{path}.html"), Demo::get(&format!("{path}.html"))?),
    };
    Some(serve(&file, &name, headers, "no-cache"))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("pdf") => "application/pdf",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

fn serve(file: &EmbeddedFile, path: &str, request: &HeaderMap, cache: &'static str) -> Answer {
    let hash = file.metadata.sha256_hash();
    let tag: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{tag}\"");
    let is_known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        });
    let body = match (is_known, &file.data) {
        (true, _) => Bytes::new(),
        (false, Cow::Borrowed(data)) => Bytes::from_static(data),
        (false, Cow::Owned(data)) => Bytes::from(data.clone()),
    };
    let mut response = Response::new(Full::new(body));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(path)),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
