//! [`ApiError`]: why a request is refused or failed, and the only place where an error of the
//! program becomes a status code.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::json;

use crate::access::readiness::{Reports, no_reports};
use crate::control::ControlError;
use crate::http::response::{self, Answer, retry_after, see_other, text};
use sillage_query::QueryError;

/// Delay until a request that found a full queue may be repeated; [`retry_after`] rounds up to two
/// seconds.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// Why a request is refused or failed.
#[derive(Debug)]
pub enum ApiError {
    /// 401: the request has no valid credentials.
    NotLoggedIn,
    /// 303 to the log-in: the request asks for a page and has no valid credentials.
    LogInFirst,
    /// 403. The answer does not distinguish a site that does not exist from one of other people.
    Forbidden,
    /// 403: a form without proof that it was sent from our own page.
    ForeignForm,
    /// 403: a form with the token of another log-in.
    OtherLogIn,
    /// 403: a change by script without the log-in's token.
    NoToken,
    /// 421: for this machine only.
    Misdirected,
    /// 400; the text names the rule.
    BadRequest(String),
    /// 404: a path with a malformed id, or to an object that does not exist.
    NotFound,
    /// 409; the text is for the client.
    Conflict(&'static str),
    /// 429; how long to wait.
    TooOften(Duration),
    /// 502; the text is for the client.
    BadGateway(String),
    /// 503: reports are not available.
    NoReports(Reports),
    /// An error of the control database.
    Control(ControlError),
    /// A question that can't be answered.
    Query(QueryError),
    /// An answer of the HTTP layer, e.g. to a body that is too large.
    Http(Box<Answer>),
}

impl ApiError {
    /// 400 with a rule.
    pub fn rule(rule: impl ToString) -> Self {
        Self::BadRequest(rule.to_string())
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        Self::Control(error)
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl From<Answer> for ApiError {
    fn from(answer: Answer) -> Self {
        Self::Http(Box::new(answer))
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        let (status, text) = match error {
            ApiError::NotLoggedIn => (
                StatusCode::UNAUTHORIZED,
                "log in, or send an API key as `Authorization: Bearer`".to_owned(),
            ),
            ApiError::LogInFirst => return see_other("/login"),
            ApiError::Forbidden => (
                StatusCode::FORBIDDEN,
                "no such site, or no permission to do this".to_owned(),
            ),
            ApiError::ForeignForm => {
                return text(
                    StatusCode::FORBIDDEN,
                    "this form is accepted from its own page only; open the page and send it there\n",
                );
            }
            ApiError::OtherLogIn => {
                return text(
                    StatusCode::FORBIDDEN,
                    "this form belongs to another log-in; open the page again\n",
                );
            }
            ApiError::NoToken => (
                StatusCode::FORBIDDEN,
                "send the value of `csrf` from /api/me in the header x-sillage-csrf".to_owned(),
            ),
            ApiError::Misdirected => {
                return response::refused(
                    StatusCode::MISDIRECTED_REQUEST,
                    "without a log-in, only programs of the collector's user on 127.0.0.1, [::1] or localhost are answered, and not through a proxy; for metrics set metrics.listen",
                );
            }
            ApiError::BadRequest(rule) => (StatusCode::BAD_REQUEST, rule),
            ApiError::NotFound => return of_control(&ControlError::NotThere),
            ApiError::Conflict(text) => (StatusCode::CONFLICT, text.to_owned()),
            ApiError::TooOften(wait) => {
                let text = json!({ "error": "too many questions; try again later" });
                let mut answer = response::json(StatusCode::TOO_MANY_REQUESTS, &text);
                retry_after(&mut answer, wait);
                return answer;
            }
            ApiError::BadGateway(text) => (StatusCode::BAD_GATEWAY, text),
            ApiError::NoReports(reports) => return no_reports(reports),
            ApiError::Control(error) => return of_control(&error),
            ApiError::Query(error) => (status_of(&error), error.to_string()),
            ApiError::Http(answer) => return *answer,
        };
        response::json(status, &json!({ "error": text }))
    }
}

/// The status for a question that can't be answered.
pub fn status_of(error: &QueryError) -> StatusCode {
    match error {
        QueryError::Invalid { .. } => StatusCode::BAD_REQUEST,
        QueryError::UnknownSite => StatusCode::UNAUTHORIZED,
        QueryError::Protected(_) => StatusCode::FORBIDDEN,
        QueryError::TooCostly => StatusCode::UNPROCESSABLE_ENTITY,
        QueryError::Database => StatusCode::BAD_GATEWAY,
        QueryError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        QueryError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to an error of the control database.
fn of_control(error: &ControlError) -> Answer {
    let status = match error {
        ControlError::Rule(_) => StatusCode::BAD_REQUEST,
        ControlError::Denied(_) => StatusCode::FORBIDDEN,
        ControlError::NotThere => StatusCode::NOT_FOUND,
        ControlError::Taken => StatusCode::CONFLICT,
        error if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let public = match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            "too many requests are waiting; try again in a few seconds".into()
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(%error, "the control database can't be used");
            "the control database can't be used; the server's log says why".into()
        }
        _ => error.to_string(),
    };
    let mut answer = response::json(status, &json!({ "error": public }));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        retry_after(&mut answer, BUSY_RETRY);
    }
    answer
}
