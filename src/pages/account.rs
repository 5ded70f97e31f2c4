//! The account page of a person: password, second factor, log-ins.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::access::App;
use crate::access::auth;
use crate::access::call::Call;
use crate::access::error::ApiError;
use crate::access::identity::Session;
use crate::control::password::{self, Lane};
use crate::control::token::{TokenHash, random};
use crate::control::{login, people, totp};
use crate::html::escape;
use crate::http::response::{Answer, see_other};
use crate::http::texts::Texts;
use crate::pages::layout::{Form, message, render, texts};

/// `GET`: the page.
pub async fn page(call: Call<Session>) -> Result<Answer, ApiError> {
    let is_tried = call.query() == "tried";
    let notice = is_tried.then_some("factor_tried");
    account_page(texts(call.headers()), &call.identity, notice)
}

/// A form of the account page that its log-in sent.
struct Posted {
    app: Arc<App>,
    session: Session,
    headers: HeaderMap,
    form: Form,
    texts: &'static Texts,
}

impl Posted {
    /// # Errors
    /// The body exceeds a bound, or the form belongs to another log-in.
    async fn read(call: Call<Session>) -> Result<Self, ApiError> {
        let headers = call.headers().clone();
        let form = Form::read(&call.app, call.request).await?;
        if form.get("csrf") != call.identity.csrf {
            return Err(ApiError::OtherLogIn);
        }
        Ok(Self {
            app: call.app,
            session: call.identity,
            texts: texts(&headers),
            headers,
            form,
        })
    }

    /// The account page again, with a notice.
    fn page(&self, notice: &str) -> Result<Answer, ApiError> {
        account_page(self.texts, &self.session, Some(notice))
    }
}

/// Ends all other log-ins of the person.
pub async fn log_out_others(call: Call<Session>) -> Result<Answer, ApiError> {
    let posted = Posted::read(call).await?;
    let (person, kept) = (posted.session.person.id, posted.session.login);
    let ended = posted
        .app
        .control
        .run(move |connection| login::close_others(connection, person, &kept));
    ended.await?;
    posted.page("others_done")
}

fn account_page(
    texts: &Texts,
    session: &Session,
    notice: Option<&str>,
) -> Result<Answer, ApiError> {
    let typed = escape(&session.person.name);
    let (factor, secret, uri) = if session.person.has_totp {
        (
            include_str!("templates/factor_on.html"),
            String::new(),
            String::new(),
        )
    } else {
        let secret: [u8; totp::SECRET_BYTES] = random()?;
        let secret = totp::spell(&secret);
        let name: String =
            url::form_urlencoded::byte_serialize(session.person.name.as_bytes()).collect();
        // In this part of a URI a space is %20, not +.
        let name = name.replace('+', "%20");
        let uri = format!(
            "otpauth://totp/Sillage:{name}?secret={}&amp;issuer=Sillage",
            secret.replace(' ', "")
        );
        (include_str!("templates/factor_off.html"), secret, uri)
    };
    let status = match notice {
        Some("password_wrong" | "password_bad" | "factor_wrong") => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    };
    let message = message(texts, notice);
    let values = [
        ("message", message.as_str()),
        ("factor", factor),
        ("secret", &secret),
        ("uri", &uri),
        ("typed", &typed),
        ("csrf", &session.csrf),
    ];
    let template = include_str!("templates/account.html");
    Ok(render(status, texts, "account_title", template, &values))
}

/// Ends the log-in.
pub async fn log_out(call: Call<Session>) -> Result<Answer, ApiError> {
    let posted = Posted::read(call).await?;
    let hash = posted.session.login;
    let close = move |connection: &mut _| login::close(connection, &hash);
    posted.app.control.run(close).await?;
    let mut answer = see_other("/login");
    auth::set_login(None, &posted.headers).add_to(&mut answer);
    Ok(answer)
}

/// Whether the form has the current password. Attempts are bounded by log-in.
async fn is_present_password(posted: &Posted) -> Result<bool, ApiError> {
    let (app, session) = (&posted.app, &posted.session);
    if app.rates.devices.take_of(&session.login, 1).is_err() {
        return Ok(false);
    }
    let name = session.person.name.clone();
    let credentials = app
        .control
        .run(move |connection| people::credentials(connection, &name));
    let credentials = credentials.await?;
    let kept = credentials.map(|known| known.password);
    let is_right = app
        .hasher
        .verify(Lane::Known, posted.form.secret("present"), kept);
    Ok(is_right.await?)
}

/// Changes the password.
pub async fn change_password(call: Call<Session>) -> Result<Answer, ApiError> {
    let posted = Posted::read(call).await?;
    if password::check(posted.form.get("password")).is_err() {
        return posted.page("password_bad");
    }
    if !is_present_password(&posted).await? {
        return posted.page("password_wrong");
    }
    let (app, form) = (&posted.app, &posted.form);
    let salt = random()?;
    let hashed = app
        .hasher
        .hash(Lane::Known, form.secret("password"), salt)
        .await?;
    let (person, kept) = (posted.session.person.id, posted.session.login);
    let changed = app.control.run(move |connection| {
        people::set_password(connection, Timestamp::now(), person, &hashed, &kept)
    });
    changed.await?;
    posted.page("password_done")
}

/// Adds the second factor, or removes it with the field `action=remove`.
pub async fn change_second_factor(call: Call<Session>) -> Result<Answer, ApiError> {
    let mut posted = Posted::read(call).await?;
    if !is_present_password(&posted).await? {
        return posted.page("password_wrong");
    }
    let (person, now) = (posted.session.person.id, Timestamp::now());
    if posted.form.get("action") == "remove" {
        let removed = posted
            .app
            .control
            .run(move |connection| people::set_totp(connection, now, person, None));
        removed.await?;
        posted.session.person.has_totp = false;
        return posted.page("factor_removed");
    }
    let (app, form) = (&posted.app, &posted.form);
    let secret = totp::unspell(form.get("secret")).map(Zeroizing::new);
    let secret = secret.filter(|secret| secret.len() == totp::SECRET_BYTES);
    let step = secret
        .as_ref()
        .and_then(|secret| totp::accept(secret, form.get("code"), now.as_second(), 0));
    let (Some(secret), Some(step)) = (secret, step) else {
        return posted.page("factor_wrong");
    };
    let mut codes = Vec::with_capacity(totp::RECOVERY_CODES);
    for _ in 0..totp::RECOVERY_CODES {
        let code: [u8; totp::RECOVERY_BYTES] = random()?;
        codes.push(code);
    }
    let hashes: Vec<TokenHash> = codes
        .iter()
        .map(|code| login::recovery_hash(code))
        .collect();
    let added = app.control.run(move |connection| {
        people::set_totp(connection, now, person, Some((&secret, step, &hashes)))
    });
    added.await?;
    let shown: String = codes
        .iter()
        .map(|code| format!("<li><code>{}</code></li>", totp::spell(code)))
        .collect();
    let template = include_str!("templates/recovery.html");
    let values = [("codes", shown.as_str())];
    Ok(render(
        StatusCode::OK,
        posted.texts,
        "recovery_title",
        template,
        &values,
    ))
}
