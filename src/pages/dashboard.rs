//! `/`: the dashboard's page with the data that it starts with.

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serde_json::Value as Json;

use crate::access::call::Call;
use crate::access::error::ApiError;
use crate::access::identity::ReadScope;
use crate::api::start_data::start_data;
use crate::http::response::{Answer, answer, text};
use crate::pages::files;

/// Content policy of the dashboard: its own files only.
const DASHBOARD_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The placeholder of the start data in the page.
const BOOT: &[u8] = b"<!--boot-->";

/// The page for a reader who is logged in, or of a demo.
pub async fn page(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    let data = start_data(&call.app, &call.identity).await?;
    Ok(render(&data))
}

/// The page with its start data inlined as JSON.
pub fn render(data: &Json) -> Answer {
    let Some(file) = files::index() else {
        return text(
            StatusCode::NOT_FOUND,
            "the dashboard is not built; run `make dashboard`\n",
        );
    };
    let place = file.windows(BOOT.len()).position(|window| window == BOOT);
    let page = match place {
        // `<` is escaped in the JSON, so that no text in it ends the element.
        Some(at) => [
            &file[..at],
            b"<script type=\"application/json\" id=\"boot\">",
            data.to_string().replace('<', "\\u003c").as_bytes(),
            b"</script>",
            &file[at + BOOT.len()..],
        ]
        .concat(),
        None => file.to_vec(),
    };
    let mut answer = answer(StatusCode::OK, "text/html; charset=utf-8", page);
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
