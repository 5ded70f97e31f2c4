//! One's own account: password, second factor, log-ins; and what scripts of ours need to know about
//! it.

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use crate::access::App;
use crate::access::auth::{self, LoggedIn, failed, see_other};
use crate::app::routes::Handler;
use crate::collector::choices::words::{Words, escape};
use crate::control::password::{self, Lane};
use crate::control::token::{TokenHash, random};
use crate::control::{login, people, totp};
use crate::http::response::{self, Answer, text};
use crate::pages::layout::{Form, message, page, words};

/// Answers a request of somebody who is logged in.
pub async fn answer(
    app: &App,
    handler: Handler,
    caller: LoggedIn,
    request: Request<Incoming>,
) -> Answer {
    let headers = request.headers().clone();
    let words = words(&headers);
    let result = match handler {
        Handler::Me => Ok(me(&caller)),
        Handler::AccountPage => {
            let is_tried = request.uri().query() == Some("tried");
            Ok(account_page(
                words,
                &caller,
                is_tried.then_some("factor_tried"),
            ))
        }
        _ => match Form::read(app, request).await {
            Ok(form) if form.get("csrf") != caller.csrf => Err(text(
                StatusCode::FORBIDDEN,
                "this form belongs to another log-in; open the page again\n",
            )),
            Ok(form) => act(app, handler, words, caller, &form, &headers).await,
            Err(answer) => Err(answer),
        },
    };
    result.unwrap_or_else(|answer| answer)
}

async fn act(
    app: &App,
    handler: Handler,
    words: &Words,
    caller: LoggedIn,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Answer, Answer> {
    match handler {
        Handler::LogOut => log_out(app, &caller, headers).await,
        Handler::LogOutOthers => {
            let (person, kept) = (caller.person.id, caller.login);
            let ended = app
                .gate
                .control
                .run(move |connection| login::close_others(connection, person, &kept));
            ended.await.map_err(|error| failed(&error))?;
            Ok(account_page(words, &caller, Some("others_done")))
        }
        Handler::ChangePassword => change_password(app, words, &caller, form).await,
        _ => second_factor(app, words, caller, form).await,
    }
}

/// `{"name", "roles", "second_factor", "csrf"}`.
fn me(caller: &LoggedIn) -> Answer {
    let person = &caller.person;
    let roles: serde_json::Map<String, Json> = person
        .roles
        .iter()
        .map(|(site, role)| (site.clone(), json!(role.as_str())))
        .collect();
    response::json(
        StatusCode::OK,
        &json!({
            "id": person.id, "name": person.name, "roles": roles,
            "second_factor": person.has_totp, "csrf": caller.csrf,
        }),
    )
}

fn account_page(words: &Words, caller: &LoggedIn, told: Option<&str>) -> Answer {
    let typed = escape(&caller.person.name);
    let (factor, secret, uri) = if caller.person.has_totp {
        (
            include_str!("templates/factor_on.html"),
            String::new(),
            String::new(),
        )
    } else {
        let secret: [u8; totp::SECRET_BYTES] = match random() {
            Ok(secret) => secret,
            Err(error) => return failed(&error),
        };
        let secret = totp::spell(&secret);
        let name: String =
            url::form_urlencoded::byte_serialize(caller.person.name.as_bytes()).collect();
        // In this place a space is %20, not +.
        let name = name.replace('+', "%20");
        let uri = format!(
            "otpauth://totp/Sillage:{name}?secret={}&amp;issuer=Sillage",
            secret.replace(' ', "")
        );
        (include_str!("templates/factor_off.html"), secret, uri)
    };
    let status = match told {
        Some("password_wrong" | "password_bad" | "factor_wrong") => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    };
    let message = message(words, told);
    let values = [
        ("message", message.as_str()),
        ("factor", factor),
        ("secret", &secret),
        ("uri", &uri),
        ("typed", &typed),
        ("csrf", &caller.csrf),
    ];
    let template = include_str!("templates/account.html");
    page(status, words, "account_title", template, &values)
}

async fn log_out(app: &App, caller: &LoggedIn, headers: &HeaderMap) -> Result<Answer, Answer> {
    let hash = caller.login;
    let closed = app
        .gate
        .control
        .run(move |connection| login::close(connection, &hash));
    closed.await.map_err(|error| failed(&error))?;
    let mut answer = see_other("/login");
    if let Ok(cookie) = HeaderValue::try_from(auth::set_login(None, headers)) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Whether the present password was typed. Tries are bounded by the log-in.
async fn is_present_password(app: &App, caller: &LoggedIn, form: &Form) -> Result<bool, Answer> {
    if app.gate.devices.take_of(&caller.login, 1).is_err() {
        return Ok(false);
    }
    let name = caller.person.name.clone();
    let credentials = app
        .gate
        .control
        .run(move |connection| people::credentials(connection, &name));
    let credentials = credentials.await.map_err(|error| failed(&error))?;
    let kept = credentials.map(|known| known.password);
    let is_right = app
        .gate
        .hasher
        .verify(Lane::Known, form.secret("present"), kept);
    is_right.await.map_err(|error| failed(&error))
}

async fn change_password(
    app: &App,
    words: &Words,
    caller: &LoggedIn,
    form: &Form,
) -> Result<Answer, Answer> {
    if password::check(form.get("password")).is_err() {
        return Ok(account_page(words, caller, Some("password_bad")));
    }
    if !is_present_password(app, caller, form).await? {
        return Ok(account_page(words, caller, Some("password_wrong")));
    }
    let salt = random().map_err(|error| failed(&error))?;
    let hashed = app
        .gate
        .hasher
        .hash(Lane::Known, form.secret("password"), salt)
        .await
        .map_err(|error| failed(&error))?;
    let (person, kept) = (caller.person.id, caller.login);
    let changed = app.gate.control.run(move |connection| {
        people::set_password(connection, Timestamp::now(), person, &hashed, &kept)
    });
    changed.await.map_err(|error| failed(&error))?;
    Ok(account_page(words, caller, Some("password_done")))
}

async fn second_factor(
    app: &App,
    words: &Words,
    mut caller: LoggedIn,
    form: &Form,
) -> Result<Answer, Answer> {
    if !is_present_password(app, &caller, form).await? {
        return Ok(account_page(words, &caller, Some("password_wrong")));
    }
    let (person, now) = (caller.person.id, Timestamp::now());
    if form.get("action") == "remove" {
        let removed = app
            .gate
            .control
            .run(move |connection| people::set_totp(connection, now, person, None));
        removed.await.map_err(|error| failed(&error))?;
        caller.person.has_totp = false;
        return Ok(account_page(words, &caller, Some("factor_removed")));
    }
    let secret = totp::unspell(form.get("secret")).map(Zeroizing::new);
    let secret = secret.filter(|secret| secret.len() == totp::SECRET_BYTES);
    let step = secret
        .as_ref()
        .and_then(|secret| totp::accept(secret, form.get("code"), now.as_second(), 0));
    let (Some(secret), Some(step)) = (secret, step) else {
        return Ok(account_page(words, &caller, Some("factor_wrong")));
    };
    let mut codes = Vec::with_capacity(totp::RECOVERY_CODES);
    for _ in 0..totp::RECOVERY_CODES {
        let code: [u8; totp::RECOVERY_BYTES] = random().map_err(|error| failed(&error))?;
        codes.push(code);
    }
    let hashes: Vec<TokenHash> = codes
        .iter()
        .map(|code| login::recovery_hash(code))
        .collect();
    let added = app.gate.control.run(move |connection| {
        people::set_totp(connection, now, person, Some((&secret, step, &hashes)))
    });
    added.await.map_err(|error| failed(&error))?;
    let shown: String = codes
        .iter()
        .map(|code| format!("<li><code>{}</code></li>", totp::spell(code)))
        .collect();
    let template = include_str!("templates/recovery.html");
    let values = [("codes", shown.as_str())];
    Ok(page(
        StatusCode::OK,
        words,
        "recovery_title",
        template,
        &values,
    ))
}
