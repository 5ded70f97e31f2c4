//! The log-in: a plain form, without a script.
//!
//! A wrong name, a wrong password and a wrong code get the same answer after the same time. Tries
//! are bounded by name *and* network, so that tries for another person's name lock out only the
//! network that they come from. A browser that the person has logged in with before has a bound and
//! a place in the queue of its own.

use std::time::Duration;

use hyper::StatusCode;
use jiff::Timestamp;

use crate::access::App;
use crate::access::auth::{self, is_without_people};
use crate::access::call::Call;
use crate::access::error::ApiError;
use crate::control::login::{self, Opening};
use crate::control::password::Lane;
use crate::control::people;
use crate::control::token::{self, Token, random};
use crate::html::escape;
use crate::http::cookies::{SameSite, SetCookie, cookie};
use crate::http::headers::is_https;
use crate::http::response::{Answer, retry_after, see_other};
use crate::http::texts::Texts;
use crate::pages::layout::{self, Form, message, render, texts};

/// Marks a browser that a person has logged in with before; see [`login::device_cookie`].
const DEVICE_COOKIE: &str = "sillage_device";
/// Seconds a browser is remembered: 400 days, the most that browsers keep a cookie.
const DEVICE_S: i64 = 400 * 86_400;

/// The style sheet of the pages for people.
pub async fn style(_: Call) -> Answer {
    layout::style()
}

/// `GET`: the form.
pub async fn page(call: Call) -> Result<Answer, ApiError> {
    let texts = texts(call.headers());
    let is_new = call.query() == "welcome";
    let notice = match (is_new, is_without_people(&call.app).await?) {
        (true, _) => Some("welcomed"),
        (false, true) => Some("nobody"),
        (false, false) => None,
    };
    Ok(login_form(StatusCode::OK, texts, notice, ""))
}

fn login_form(status: StatusCode, texts: &Texts, notice: Option<&str>, typed: &str) -> Answer {
    let values = [
        ("message", message(texts, notice)),
        ("typed", escape(typed)),
    ];
    let values = values
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let template = include_str!("templates/login.html");
    render(status, texts, "login_title", template, &values)
}

/// `POST`: logs in.
pub async fn log_in(call: Call) -> Result<Answer, ApiError> {
    let network = call.network();
    let app = &*call.app;
    let headers = &call.request.headers().clone();
    let texts = texts(headers);
    let form = Form::read(app, call.request).await?;
    let name = form.get("name").trim().to_owned();
    let refuse = |status, notice| login_form(status, texts, Some(notice), &name);
    let rates = &app.rates;

    let as_stranger = || {
        rates
            .networks
            .take_of(&network, 1)
            .and_then(|()| rates.names.take_of(&(network, name.to_lowercase()), 1))
    };
    let slow = |wait: Duration| {
        let mut answer = refuse(StatusCode::TOO_MANY_REQUESTS, "slow");
        retry_after(&mut answer, wait);
        answer
    };
    // Without a device cookie, the bound applies before anything is looked up.
    let shown = cookie(headers, DEVICE_COOKIE);
    if shown.is_none()
        && let Err(wait) = as_stranger()
    {
        return Ok(slow(wait));
    }
    let (asked, fresh) = (name.clone(), random()?);
    let found = app.control.run(move |connection| {
        let key = login::secret(connection, "device_key", fresh)?;
        Ok((people::credentials(connection, &asked)?, key))
    });
    let (credentials, key) = found.await?;
    let device = shown.filter(|cookie| {
        let credentials = credentials.as_ref();
        credentials.is_some_and(|known| login::is_known_device(&key, known, cookie))
    });
    let taken = match (device, shown) {
        (Some(cookie), _) => rates.devices.take_of(&cookie, 1),
        (None, Some(_)) => as_stranger(),
        (None, None) => Ok(()),
    };
    if let Err(wait) = taken {
        return Ok(slow(wait));
    }
    let lane = if device.is_some() {
        Lane::Known
    } else {
        Lane::Stranger
    };
    let kept = credentials.as_ref().map(|known| known.password.clone());
    let is_right = match app.hasher.verify(lane, form.secret("password"), kept).await {
        Ok(is_right) => is_right,
        Err(_) => return Ok(refuse(StatusCode::SERVICE_UNAVAILABLE, "busy")),
    };
    let Some(credentials) = credentials.as_ref().filter(|_| is_right) else {
        record_wrong_password(app, credentials.map(|known| known.person));
        return Ok(refuse(StatusCode::FORBIDDEN, "wrong"));
    };
    let is_known_device = device.is_some();
    let device = match device {
        Some(cookie) => cookie.to_owned(),
        None => {
            let random = random()?;
            login::device_cookie(&key, credentials, random)
        }
    };
    let credentials = people::Credentials {
        person: credentials.person,
        password: credentials.password.clone(),
    };
    let token = Token::new(random()?);
    let (hash, replaces) = (token.hash(), auth::login_cookie(headers).map(token::hash));
    let code = form.secret("code");
    let opened = app.control.run(move |connection| {
        let opening = Opening {
            credentials: &credentials,
            code: &code,
            hash,
            replaces,
            is_known_device,
        };
        login::open(connection, Timestamp::now(), &opening)
    });
    let Some(wrong_codes) = opened.await? else {
        return Ok(refuse(StatusCode::FORBIDDEN, "wrong"));
    };
    // Another person knows the password, so the page after the log-in says that first.
    let mut answer = see_other(if wrong_codes >= login::FACTOR_TRIES {
        "/account?tried"
    } else {
        "/"
    });
    auth::set_login(Some(token.reveal()), headers).add_to(&mut answer);
    let device = SetCookie {
        name: DEVICE_COOKIE,
        value: &device,
        path: "/login",
        max_age_s: DEVICE_S,
        is_http_only: true,
        same_site: SameSite::Strict,
        is_secure: is_https(headers),
    };
    device.add_to(&mut answer);
    Ok(answer)
}

/// Records a wrong password without waiting for it, so that a known name takes as long as an
/// unknown one.
fn record_wrong_password(app: &App, person: Option<i64>) {
    let Some(person) = person else {
        return;
    };
    let control = app.control.clone();
    tokio::spawn(async move {
        let written = control.run(move |connection| {
            login::record_wrong_password(connection, Timestamp::now(), person)
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "a wrong password could not be written to the audit log");
        }
    });
}
