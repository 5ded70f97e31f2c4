//! `/share/{token}`: the dashboard behind a shared link, or the form for its password.
//!
//! Opening a link sets no cookie, so that it works in a frame and does not mix with a log-in: the
//! page gets the link's secret with its start data, and its questions carry it as
//! `Authorization: Bearer sl_…`. Only questions accept it.

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::pass_key;
use crate::access::call::{Call, TokenPart};
use crate::access::error::ApiError;
use crate::access::identity::Identity;
use crate::api::start_data::sites_and_goals;
use crate::control::links::{self, Link, PASS_S, PREFIX};
use crate::control::password::Lane;
use crate::control::token;
use crate::http::response::Answer;
use crate::http::texts::Texts;
use crate::pages::dashboard;
use crate::pages::layout::{Form, message, render, texts};

/// `GET`: the dashboard, or the form for the password.
pub async fn page(call: Call<Identity, TokenPart>) -> Result<Answer, ApiError> {
    let (app, texts, token) = (&*call.app, texts(call.headers()), &call.path.0);
    match find(app, token).await? {
        None => Ok(gone(texts)),
        Some(link) if link.password.is_some() => Ok(ask(texts, &link, token, StatusCode::OK, None)),
        Some(link) => dashboard(app, link, format!("{PREFIX}{token}")),
    }
}

/// `POST`: checks the password.
pub async fn unlock(call: Call<Identity, TokenPart>) -> Result<Answer, ApiError> {
    let (network, texts) = (call.network(), texts(call.headers()));
    let (app, token) = (&*call.app, &call.path.0);
    let form = Form::read(app, call.request).await?;
    let Some(link) = find(app, token).await? else {
        return Ok(gone(texts));
    };
    let rates = &app.rates;
    let allowed = rates
        .networks
        .take_of(&network, 1)
        .and_then(|()| rates.names.take_of(&(network, link.id), 1));
    if allowed.is_err() {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return Ok(ask(texts, &link, token, status, Some("slow")));
    }
    let typed = form.secret("password");
    let is_right = app
        .hasher
        .verify(Lane::Stranger, typed, link.password.clone());
    match is_right.await {
        Ok(true) => {}
        Ok(false) => {
            let status = StatusCode::FORBIDDEN;
            return Ok(ask(texts, &link, token, status, Some("link_wrong")));
        }
        Err(_) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(ask(texts, &link, token, status, Some("busy")));
        }
    }
    let key = pass_key(&app.control).await?;
    let pass = links::pass(&key, &link, Timestamp::now().as_second() + PASS_S);
    dashboard(app, link, format!("{PREFIX}{token}.{pass}"))
}

async fn find(app: &App, token: &str) -> Result<Option<Link>, ApiError> {
    let hash = token::hash(token);
    let found = app
        .control
        .run(move |connection| links::find(connection, Timestamp::now(), &hash));
    Ok(found
        .await?
        .filter(|link| app.config.site(&link.site).is_some()))
}

/// The dashboard with the credential and filters of this link.
fn dashboard(app: &App, link: Link, bearer: String) -> Result<Answer, ApiError> {
    let (frames, filters) = (link.frames.clone(), Json::from(link.filters.clone()));
    let scope = Identity::Link(link).read_scope();
    let mut data = sites_and_goals(app, &scope.ok_or(ApiError::Forbidden)?);
    data["demo"] = json!(false);
    data["link"] = json!({ "bearer": bearer, "filters": filters });
    Ok(framed(dashboard::render(&data), &frames))
}

/// The form for the password.
fn ask(
    texts: &Texts,
    link: &Link,
    token: &str,
    status: StatusCode,
    notice: Option<&str>,
) -> Answer {
    let message = message(texts, notice);
    // The token was found, so it consists of 64 digits.
    let action = format!("/share/{token}");
    let values = [("message", message.as_str()), ("action", &action)];
    let template = include_str!("templates/link.html");
    framed(
        render(status, texts, "link_title", template, &values),
        &link.frames,
    )
}

fn gone(texts: &Texts) -> Answer {
    let values = [("text", texts.get("link_gone"))];
    let template = include_str!("templates/link_gone.html");
    render(StatusCode::GONE, texts, "gone_title", template, &values)
}

/// Adds the origins that may embed a page to its content policy; the rest of the policy stays.
fn framed(mut answer: Answer, frames: &[String]) -> Answer {
    let policy = answer.headers().get(header::CONTENT_SECURITY_POLICY);
    let policy = policy.and_then(|policy| policy.to_str().ok());
    let embedded = policy.map(|policy| {
        policy.replace(
            "frame-ancestors 'none'",
            &format!("frame-ancestors {}", frames.join(" ")),
        )
    });
    if !frames.is_empty()
        && let Some(Ok(policy)) = embedded.map(HeaderValue::try_from)
    {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response;

    #[test]
    fn only_the_named_origins_may_embed_a_page() {
        let policy = |frames: &[String]| {
            let mut answer = response::text(StatusCode::OK, "");
            let none = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
            answer
                .headers_mut()
                .insert(header::CONTENT_SECURITY_POLICY, none);
            let framed = framed(answer, frames);
            framed.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .expect("text")
                .to_owned()
        };
        assert_eq!(policy(&[]), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(
            policy(&["https://a.example".into(), "https://b.example:8443".into()]),
            "default-src 'none'; frame-ancestors https://a.example https://b.example:8443"
        );
    }
}
