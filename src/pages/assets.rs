//! The built dashboard and the demo pages, embedded in the binary (read from the folders in debug
//! builds). The tracker's files are in [`tracker`](crate::collector::tracker).

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::response::{Answer, text};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/dashboards/web/dist"]
#[allow_missing = true]
struct Dashboard;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/src/cli/demo/site"]
struct Demo;

/// Content policy of the dashboard: its own files only.
const DASHBOARD_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Where the dashboard's page takes the data it starts with.
const BOOT: &[u8] = b"<!--boot-->";

/// The dashboard's page with `boot` (JSON) inlined.
pub fn dashboard_page(boot: &serde_json::Value) -> Answer {
    let Some(file) = Dashboard::get("index.html") else {
        return text(
            StatusCode::NOT_FOUND,
            "the dashboard is not built; run `make dashboard`\n",
        );
    };
    let page = match file
        .data
        .windows(BOOT.len())
        .position(|window| window == BOOT)
    {
        // `<` never stands in the JSON, so that no text in it can end the element.
        Some(at) => [
            &file.data[..at],
            b"<script type=\"application/json\" id=\"boot\">",
            boot.to_string().replace('<', "\\u003c").as_bytes(),
            b"</script>",
            &file.data[at + BOOT.len()..],
        ]
        .concat(),
        None => file.data.to_vec(),
    };
    let mut answer =
        crate::http::response::answer(StatusCode::OK, "text/html; charset=utf-8", page);
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(DASHBOARD_POLICY),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(
        "cross-origin-opener-policy",
        HeaderValue::from_static("same-origin"),
    );
    answer
}

/// One of the dashboard's hashed files; `None` when there is none of that name.
pub fn dashboard_file(path: &str, headers: &HeaderMap) -> Option<Answer> {
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

/// A page or file of the demo site; `None` when there is none of that name.
pub fn demo_file(path: &str, headers: &HeaderMap) -> Option<Answer> {
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
