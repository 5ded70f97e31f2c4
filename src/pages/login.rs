//! The log-in: a plain form, without a script.
//!
//! A wrong name, a wrong password and a wrong code get the same answer after the same time.
//! Attempts are bounded by name *and* network, so that attempts on another person's name lock out
//! only the network that they come from. A browser that the person has logged in with before has
//! its own bound and its own queue.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use jiff::Timestamp;

use crate::access::App;
use crate::access::auth::{self, is_without_people};
use crate::access::call::Call;
use crate::access::error::ApiError;
use crate::control::ids::PersonId;
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
use sillage_privacy::TruncatedIp;

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
    let (network, headers) = (call.network(), call.headers().clone());
    let form = Form::read(&call.app, call.request).await?;
    let attempt = Attempt {
        app: &call.app,
        network,
        headers: &headers,
        name: form.get("name").trim().to_owned(),
        form,
    };
    let verified = match attempt.verify().await? {
        Ok(verified) => verified,
        Err(refused) => return Ok(attempt.refuse(refused)),
    };
    let opened = attempt.open(verified).await?;
    Ok(opened.unwrap_or_else(|| attempt.refuse(Refused::Wrong)))
}

/// Why a log-in is refused.
enum Refused {
    /// Too many attempts; how long to wait.
    TooOften(Duration),
    /// Too many passwords wait to be checked.
    Busy,
    /// A wrong name, password or code.
    Wrong,
}

/// A name with the right password.
struct Verified {
    credentials: people::Credentials,
    /// Value of the device cookie, present or new.
    device: String,
    is_known_device: bool,
}

/// A submitted log-in form.
struct Attempt<'a> {
    app: &'a App,
    network: TruncatedIp,
    headers: &'a HeaderMap,
    name: String,
    form: Form,
}

impl Attempt<'_> {
    /// The form again, with the reason.
    fn refuse(&self, refused: Refused) -> Answer {
        let (status, notice) = match refused {
            Refused::TooOften(_) => (StatusCode::TOO_MANY_REQUESTS, "slow"),
            Refused::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Refused::Wrong => (StatusCode::FORBIDDEN, "wrong"),
        };
        let mut answer = login_form(status, texts(self.headers), Some(notice), &self.name);
        if let Refused::TooOften(wait) = refused {
            retry_after(&mut answer, wait);
        }
        answer
    }

    /// Counts an attempt from an unknown browser.
    fn count_as_stranger(&self) -> Result<(), Refused> {
        let (rates, network) = (&self.app.rates, self.network);
        rates
            .networks
            .take_of(&network, 1)
            .and_then(|()| rates.names.take_of(&(network, self.name.to_lowercase()), 1))
            .map_err(Refused::TooOften)
    }

    /// Checks bounds, name and password.
    async fn verify(&self) -> Result<Result<Verified, Refused>, ApiError> {
        let app = self.app;
        let shown = cookie(self.headers, DEVICE_COOKIE);
        // Without a device cookie, the bound applies before anything is looked up.
        if shown.is_none()
            && let Err(refused) = self.count_as_stranger()
        {
            return Ok(Err(refused));
        }
        let (asked, fresh) = (self.name.clone(), random()?);
        let found = app.control.run(move |connection| {
            let key = login::secret(connection, "device_key", fresh)?;
            Ok((people::credentials(connection, &asked)?, key))
        });
        let (credentials, key) = found.await?;
        let device = shown.filter(|cookie| {
            let credentials = credentials.as_ref();
            credentials.is_some_and(|known| login::is_known_device(&key, known, cookie))
        });
        let counted = match (device, shown) {
            (Some(cookie), _) => app
                .rates
                .devices
                .take_of(&cookie, 1)
                .map_err(Refused::TooOften),
            (None, Some(_)) => self.count_as_stranger(),
            (None, None) => Ok(()),
        };
        if let Err(refused) = counted {
            return Ok(Err(refused));
        }
        let lane = if device.is_some() {
            Lane::Known
        } else {
            Lane::Stranger
        };
        let stored = credentials.as_ref().map(|known| known.password.clone());
        let typed = self.form.secret("password");
        let Ok(is_right) = app.hasher.verify(lane, typed, stored).await else {
            return Ok(Err(Refused::Busy));
        };
        let credentials = match credentials {
            Some(credentials) if is_right => credentials,
            wrong => {
                record_wrong_password(app, wrong.map(|known| known.person));
                return Ok(Err(Refused::Wrong));
            }
        };
        let is_known_device = device.is_some();
        let device = match device {
            Some(cookie) => cookie.to_owned(),
            None => login::device_cookie(&key, &credentials, random()?),
        };
        Ok(Ok(Verified {
            credentials,
            device,
            is_known_device,
        }))
    }

    /// Checks the second factor and opens the log-in; `None` for a wrong code.
    async fn open(&self, verified: Verified) -> Result<Option<Answer>, ApiError> {
        let Verified {
            credentials,
            device,
            is_known_device,
        } = verified;
        let token = Token::new(random()?);
        let replaces = auth::login_cookie(self.headers).map(token::hash);
        let (hash, code) = (token.hash(), self.form.secret("code"));
        let opened = self.app.control.run(move |connection| {
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
            return Ok(None);
        };
        // With this number of wrong codes another person may know the password, so the account page
        // opens with a warning.
        let mut answer = see_other(if wrong_codes >= login::FACTOR_TRIES {
            "/account?tried"
        } else {
            "/"
        });
        auth::set_login(Some(token.reveal()), self.headers).add_to(&mut answer);
        let device = SetCookie {
            name: DEVICE_COOKIE,
            value: &device,
            path: "/login",
            max_age_s: DEVICE_S,
            is_http_only: true,
            same_site: SameSite::Strict,
            is_secure: is_https(self.headers),
        };
        device.add_to(&mut answer);
        Ok(Some(answer))
    }
}

/// Records a wrong password in the background, so that a known name takes as long as an unknown
/// one.
fn record_wrong_password(app: &App, person: Option<PersonId>) {
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
