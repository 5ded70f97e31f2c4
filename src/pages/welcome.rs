//! `/welcome/{token}`: the links that work once, for the first owner, for invited people, and for a
//! new password. Plain forms, without a script.

use hyper::StatusCode;
use jiff::Timestamp;

use crate::access::App;
use crate::access::call::{Call, TokenPart};
use crate::access::error::ApiError;
use crate::access::identity::Identity;
use crate::control::invitation::{self, Invitation};
use crate::control::password::{self, Lane};
use crate::control::token::{self, random};
use crate::control::{ControlError, people};
use crate::html::fill;
use crate::http::response::{Answer, see_other};
use crate::http::texts::Texts;
use crate::pages::layout::{Form, message, render, texts};

/// `GET`: the form.
pub async fn page(call: Call<Identity, TokenPart>) -> Result<Answer, ApiError> {
    form_page(&call.app, texts(call.headers()), &call.path.0, None).await
}

/// `POST`: takes the name and the password.
pub async fn accept(call: Call<Identity, TokenPart>) -> Result<Answer, ApiError> {
    let texts = texts(call.headers());
    let (app, token) = (&*call.app, call.path.0.as_str());
    let form = Form::read(app, call.request).await?;
    let hash = token::hash(token);
    // Looked up first, so that forged links cost no hashing.
    let found = app
        .control
        .run(move |connection| invitation::find(connection, Timestamp::now(), &hash));
    let Some(invitation) = found.await? else {
        return Ok(gone(texts));
    };
    let name = form.get("name").trim().to_owned();
    let chooses_name = !matches!(invitation, Invitation::Reset { .. });
    if chooses_name && people::check_name(&name).is_err() {
        return form_page(app, texts, token, Some("name_bad")).await;
    }
    if password::check(form.get("password")).is_err() {
        return form_page(app, texts, token, Some("password_bad")).await;
    }
    let salt = random()?;
    let hashed = app
        .hasher
        .hash(Lane::Known, form.secret("password"), salt)
        .await?;
    let accepted = app.control.run(move |connection| {
        invitation::accept(connection, Timestamp::now(), &hash, &name, &hashed)
    });
    match accepted.await {
        Ok(Some(_)) => Ok(see_other("/login?welcome")),
        Ok(None) => Ok(gone(texts)),
        Err(ControlError::Taken) => form_page(app, texts, token, Some("taken")).await,
        Err(error) => Err(error.into()),
    }
}

async fn form_page(
    app: &App,
    texts: &Texts,
    token: &str,
    notice: Option<&str>,
) -> Result<Answer, ApiError> {
    let hash = token::hash(token);
    let found = app
        .control
        .run(move |connection| invitation::find(connection, Timestamp::now(), &hash));
    let Some(invitation) = found.await? else {
        return Ok(gone(texts));
    };
    let (title, text, chooses_name) = match &invitation {
        Invitation::Setup => ("welcome_title", texts.get("setup_text").to_owned(), true),
        Invitation::Join { site, .. } => {
            let site = if site == people::EVERY_SITE {
                "Sillage"
            } else {
                site
            };
            let text = fill(texts.get("join_text"), &[("site", site)]);
            ("welcome_title", text, true)
        }
        Invitation::Reset { name, .. } => {
            let text = fill(texts.get("reset_text"), &[("name", name)]);
            ("reset_title", text, false)
        }
    };
    let name_field = if chooses_name {
        include_str!("templates/name_field.html")
    } else {
        ""
    };
    let status = if notice.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let values = [
        ("message", message(texts, notice)),
        ("name_field", name_field.to_owned()),
        ("text", text),
        // The token was found, so it consists of 64 digits.
        ("action", format!("/welcome/{token}")),
    ];
    let values = values
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let template = include_str!("templates/welcome.html");
    Ok(render(status, texts, title, template, &values))
}

/// The answer to a link that does not work. It does not say whether the link ever worked.
fn gone(texts: &Texts) -> Answer {
    let values = [("text", texts.get("gone"))];
    let template = include_str!("templates/gone.html");
    render(StatusCode::GONE, texts, "gone_title", template, &values)
}
