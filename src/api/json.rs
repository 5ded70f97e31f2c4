//! Reads a JSON body of a known shape.

use hyper::Request;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use crate::access::App;
use crate::access::error::ApiError;
use crate::http::body;

/// Reads the body.
///
/// # Errors
/// The body exceeds a bound, or has another shape. The text names the rule and never repeats input.
pub async fn read_json<T: DeserializeOwned>(
    app: &App,
    request: Request<Incoming>,
) -> Result<T, ApiError> {
    let limits = &app.config.limits;
    let body = body::read(request, limits.query_bytes_max, limits.body_timeout).await?;
    serde_json::from_slice(&body).map_err(|error| {
        // serde's text may quote the input; the place does not.
        let place = format!("line {} column {}", error.line(), error.column());
        ApiError::rule(match error.classify() {
            serde_json::error::Category::Data => {
                format!(
                    "the body has a field that is missing, unknown or of another type ({place})"
                )
            }
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => format!("the body is not valid JSON ({place})"),
        })
    })
}
