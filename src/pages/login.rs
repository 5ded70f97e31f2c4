//! Getting in: the log-in, and the links that work once. Plain forms, without a script.
//!
//! A wrong name, a wrong password and a wrong code are one answer and take equally long. Tries are
//! bounded by name *and* network, so that whoever tries somebody's name elsewhere keeps only
//! themselves out, and a browser that the person logged in with before has a bound and a place in
//! the queue of its own.

use std::net::IpAddr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use jiff::Timestamp;

use crate::access::App;
use crate::access::auth::{self, failed, see_other};
use crate::app::routes::{Handler, Params};
use crate::collector::choices::words::{Words, escape, fill};
use crate::control::invitation::{self, Invitation};
use crate::control::login::{self, Opening};
use crate::control::password::{self, Lane};
use crate::control::token::{self, Token, random};
use crate::control::{ControlError, people};
use crate::http::client_ip::client_ip;
use crate::http::headers::Head;
use crate::http::response::Answer;
use crate::pages::layout::{Form, message, page, style, words};
use sillage_privacy::truncate;

/// Says that this browser was logged in with before; see [`login::device_cookie`].
const DEVICE_COOKIE: &str = "sillage_device";
/// Seconds a browser is remembered: 400 days, the most that browsers keep a cookie.
const DEVICE_S: u32 = 400 * 86_400;

/// Answers one of the routes to which nobody has to be logged in.
pub async fn answer(
    app: &App,
    peer: IpAddr,
    handler: Handler,
    params: Params,
    request: Request<Incoming>,
) -> Answer {
    let headers = request.headers().clone();
    let words = words(&headers);
    let result = match handler {
        Handler::Style => Ok(style()),
        Handler::LoginPage => login_page(app, words, request.uri().query().unwrap_or("")).await,
        Handler::LogIn => log_in(app, peer, words, &headers, request).await,
        Handler::WelcomePage => welcome_page(app, words, &params.token, None).await,
        _ => welcome(app, words, &params.token, request).await,
    };
    result.unwrap_or_else(|answer| answer)
}

async fn login_page(app: &App, words: &Words, query: &str) -> Result<Answer, Answer> {
    let is_new = query == "welcome";
    let told = match (is_new, app.gate.is_without_people().await?) {
        (true, _) => Some("welcomed"),
        (false, true) => Some("nobody"),
        (false, false) => None,
    };
    Ok(login_form(StatusCode::OK, words, told, ""))
}

fn login_form(status: StatusCode, words: &Words, told: Option<&str>, typed: &str) -> Answer {
    let values = [("message", message(words, told)), ("typed", escape(typed))];
    let values = values
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let template = include_str!("templates/login.html");
    page(status, words, "login_title", template, &values)
}

async fn log_in(
    app: &App,
    peer: IpAddr,
    words: &Words,
    headers: &HeaderMap,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let form = Form::read(app, request).await?;
    let name = form.get("name").trim().to_owned();
    let refuse = |status, told| login_form(status, words, Some(told), &name);
    let gate = &app.gate;

    let network = truncate(&client_ip(peer, headers, &app.config.trusted_proxies));
    let as_stranger = || {
        gate.networks
            .take_of(&network, 1)
            .and_then(|()| gate.names.take_of(&(network, name.to_lowercase()), 1))
    };
    let slow = |wait: Duration| {
        let mut answer = login_form(StatusCode::TOO_MANY_REQUESTS, words, Some("slow"), &name);
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        answer.headers_mut().insert(header::RETRY_AFTER, seconds);
        answer
    };
    // Who shows no device is bounded before anything is looked up.
    let shown = auth::cookie(headers, DEVICE_COOKIE);
    if shown.is_none()
        && let Err(wait) = as_stranger()
    {
        return Ok(slow(wait));
    }
    let (asked, fresh) = (name.clone(), random().map_err(|error| failed(&error))?);
    let found = gate.control.run(move |connection| {
        let key = login::secret(connection, "device_key", fresh)?;
        Ok((people::credentials(connection, &asked)?, key))
    });
    let (credentials, key) = found.await.map_err(|error| failed(&error))?;
    let device = shown.filter(|cookie| {
        let credentials = credentials.as_ref();
        credentials.is_some_and(|known| login::is_known_device(&key, known, cookie))
    });
    let taken = match (device, shown) {
        (Some(cookie), _) => gate.devices.take_of(&cookie, 1),
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
    let is_right = match gate
        .hasher
        .verify(lane, form.secret("password"), kept)
        .await
    {
        Ok(is_right) => is_right,
        Err(_) => return Ok(refuse(StatusCode::SERVICE_UNAVAILABLE, "busy")),
    };
    let Some(credentials) = credentials.as_ref().filter(|_| is_right) else {
        write_down(app, credentials.map(|known| known.person));
        return Ok(refuse(StatusCode::FORBIDDEN, "wrong"));
    };
    let is_known_device = device.is_some();
    let device = match device {
        Some(cookie) => cookie.to_owned(),
        None => {
            let random = random().map_err(|error| failed(&error))?;
            login::device_cookie(&key, credentials, random)
        }
    };
    let credentials = people::Credentials {
        person: credentials.person,
        password: credentials.password.clone(),
    };
    let token = Token::new(random().map_err(|error| failed(&error))?);
    let (hash, replaces) = (token.hash(), auth::login_cookie(headers).map(token::hash));
    let code = form.secret("code");
    let opened = gate.control.run(move |connection| {
        let opening = Opening {
            credentials: &credentials,
            code: &code,
            hash,
            replaces,
            is_known_device,
        };
        login::open(connection, Timestamp::now(), &opening)
    });
    let Some(wrong_codes) = opened.await.map_err(|error| failed(&error))? else {
        return Ok(refuse(StatusCode::FORBIDDEN, "wrong"));
    };
    // Somebody else knows the password: the person reads that first.
    let mut answer = see_other(if wrong_codes >= login::FACTOR_TRIES {
        "/account?tried"
    } else {
        "/"
    });
    let secure = if Head::read(headers).is_https {
        "; Secure"
    } else {
        ""
    };
    let device = format!(
        "{DEVICE_COOKIE}={device}; Path=/login; Max-Age={DEVICE_S}; HttpOnly; SameSite=Strict{secure}"
    );
    for cookie in [auth::set_login(Some(token.reveal()), headers), device] {
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(answer)
}

/// Writes down a wrong password, without being waited for: a name that is there takes as long as
/// one that is not.
fn write_down(app: &App, person: Option<i64>) {
    let Some(person) = person else {
        return;
    };
    let control = app.gate.control.clone();
    tokio::spawn(async move {
        let written = control.run(move |connection| {
            login::record_wrong_password(connection, Timestamp::now(), person)
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "a wrong password could not be written to the audit log");
        }
    });
}

async fn welcome_page(
    app: &App,
    words: &Words,
    token: &str,
    told: Option<&str>,
) -> Result<Answer, Answer> {
    let hash = token::hash(token);
    let found = app
        .gate
        .control
        .run(move |connection| invitation::find(connection, Timestamp::now(), &hash));
    let Some(invitation) = found.await.map_err(|error| failed(&error))? else {
        return Ok(gone(words));
    };
    let (title, text, chooses_name) = match &invitation {
        Invitation::Setup => ("welcome_title", words.get("setup_text").to_owned(), true),
        Invitation::Join { site, .. } => {
            let site = if site == people::EVERY_SITE {
                "Sillage"
            } else {
                site
            };
            let text = fill(words.get("join_text"), &[("site", site)]);
            ("welcome_title", text, true)
        }
        Invitation::Reset { name, .. } => {
            let text = fill(words.get("reset_text"), &[("name", name)]);
            ("reset_title", text, false)
        }
    };
    let name_field = if chooses_name {
        include_str!("templates/name_field.html")
    } else {
        ""
    };
    let status = if told.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let values = [
        ("message", message(words, told)),
        ("name_field", name_field.to_owned()),
        ("text", text),
        // The token is one that was found, so it is 64 digits.
        ("action", format!("/welcome/{token}")),
    ];
    let values = values
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let template = include_str!("templates/welcome.html");
    Ok(page(status, words, title, template, &values))
}

/// What a link that does not work (any more) is answered; whether it ever did is not said.
fn gone(words: &Words) -> Answer {
    let values = [("text", words.get("gone"))];
    let template = include_str!("templates/gone.html");
    page(StatusCode::GONE, words, "gone_title", template, &values)
}

async fn welcome(
    app: &App,
    words: &Words,
    token: &str,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let form = Form::read(app, request).await?;
    let gate = &app.gate;
    let hash = token::hash(token);
    // Looked at first, so that forged links cost no hashing.
    let found = gate
        .control
        .run(move |connection| invitation::find(connection, Timestamp::now(), &hash));
    let Some(invitation) = found.await.map_err(|error| failed(&error))? else {
        return Ok(gone(words));
    };
    let name = form.get("name").trim().to_owned();
    let chooses_name = !matches!(invitation, Invitation::Reset { .. });
    if chooses_name && people::check_name(&name).is_err() {
        return welcome_page(app, words, token, Some("name_bad")).await;
    }
    if password::check(form.get("password")).is_err() {
        return welcome_page(app, words, token, Some("password_bad")).await;
    }
    let salt = random().map_err(|error| failed(&error))?;
    let hashed = gate
        .hasher
        .hash(Lane::Known, form.secret("password"), salt)
        .await
        .map_err(|error| failed(&error))?;
    let accepted = gate.control.run(move |connection| {
        invitation::accept(connection, Timestamp::now(), &hash, &name, &hashed)
    });
    match accepted.await {
        Ok(Some(_)) => Ok(see_other("/login?welcome")),
        Ok(None) => Ok(gone(words)),
        Err(ControlError::Taken) => welcome_page(app, words, token, Some("taken")).await,
        Err(error) => Err(failed(&error)),
    }
}
