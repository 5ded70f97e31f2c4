//! Who is asking, and whether they may: from a request's credentials to a [`Caller`], from a caller
//! to an [`Asker`].
//!
//! The only reader of the log-in's cookie and of `Authorization`. [`Gate::admit`] stands before
//! every handler and decides by the route's line alone; handlers check only what the line can't say
//! (the site in a body, the person in a path).

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::app::routes::{Params, Proof, Route, Who};
use crate::collector::choices::host_of_origin;
use crate::control::keys::{self, Key, Scope};
use crate::control::links::{self, Link};
use crate::control::password::Hasher;
use crate::control::people::{self, EVERY_SITE, Person, Role};
use crate::control::token::{self, TokenHash, hex};
use crate::control::{Control, ControlError, login};
use crate::http::headers::Head;
use crate::http::local::Connection;
use crate::http::rate_limit::Rate;
use crate::http::response::{self, Answer, refused, text};
use sillage_privacy::find;
use sillage_query::suppression::audience::Audience;

/// Cookie of a log-in; on https with the prefix that binds it to this host and to encryption.
const LOGIN_COOKIE: &str = "sillage_login";
const LOGIN_COOKIE_HTTPS: &str = "__Host-sillage_login";
/// Header that proves a change by a script of ours.
const CSRF_HEADER: &str = "x-sillage-csrf";

/// Wrong passwords for one name from one network: this many at once …
const NAME_TRIES: u32 = 5;
/// … and then one each.
const NAME_PACE: Duration = Duration::from_secs(30);
/// For all names from one network together.
const NETWORK_TRIES: u32 = 40;
const NETWORK_PACE: Duration = Duration::from_secs(5);
/// From one browser that this person logged in with before.
const DEVICE_TRIES: u32 = 10;
const DEVICE_PACE: Duration = Duration::from_secs(10);
/// Requests with one link from one network: a page asks one for each of its states.
const LINK_TRIES: u32 = 300;
const LINK_PACE: Duration = Duration::from_secs(3);

/// First letters to addresses, by one person: who got one did not ask for it yet.
const LETTER_TRIES: u32 = 20;
const LETTER_PACE: Duration = Duration::from_secs(180);
/// First letters to one address, by everybody together: a few at once, and then this many a day.
const ADDRESS_TRIES: u32 = 3;
const ADDRESS_PACE: Duration = Duration::from_secs(8 * 3_600);

/// What is needed to let people in.
pub struct Gate {
    pub control: Control,
    pub hasher: Hasher,
    /// By name and network.
    pub names: Rate,
    pub networks: Rate,
    /// By device cookie.
    pub devices: Rate,
    /// Questions, by key.
    pub keys: Rate,
    /// Requests with questions, by link and network.
    pub links: Rate,
    /// First letters to addresses, by person.
    pub letters: Rate,
    /// The same, by address.
    pub addresses: Rate,
}

/// Who sent a request.
pub enum Caller {
    Nobody,
    /// Whoever sits at this machine while there are no people and `--demo` is given.
    Demo,
    Person(LoggedIn),
    /// A program.
    Key(Key),
    /// Whoever has a link.
    Link(Link),
}

/// A person and the log-in they came with.
pub struct LoggedIn {
    pub person: Person,
    /// Hash of the cookie.
    pub login: TokenHash,
    /// What proves that a change was meant.
    pub csrf: String,
}

/// What kind of asker a report is for; the floor of small counts follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskerKind {
    /// Somebody who is logged in, or a demo.
    Login,
    /// A program, by the key's number.
    Key(i64),
    /// Whoever has a link, by the link's number.
    Link(i64),
}

impl AskerKind {
    /// Whose floor of small counts is kept to.
    pub fn audience(self) -> Audience {
        match self {
            Self::Login => Audience::Member,
            Self::Key(_) => Audience::Key,
            Self::Link(_) => Audience::Link,
        }
    }
}

/// For whom a report is made: this is all that the answering side gets to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Asker {
    /// `None` = every site.
    pub sites: Option<Arc<[String]>>,
    pub kind: AskerKind,
    /// Asked along with every question, whatever it says.
    pub filters: Vec<Json>,
}

impl Asker {
    /// Whether a site exists for this asker.
    pub fn sees(&self, site: &str) -> bool {
        let sites = self.sites.as_deref();
        sites.is_none_or(|sites| sites.iter().any(|own| own == site))
    }
}

impl Caller {
    /// What a caller may ask about; the one place where credentials become rights to read. `None` =
    /// nothing.
    pub fn asker(&self) -> Option<Asker> {
        match self {
            Self::Nobody => None,
            Self::Demo => Some(Asker {
                sites: None,
                kind: AskerKind::Login,
                filters: Vec::new(),
            }),
            Self::Person(logged_in) => {
                let roles = &logged_in.person.roles;
                let sites = (!roles.contains_key(EVERY_SITE))
                    .then(|| roles.keys().cloned().collect::<Arc<[String]>>());
                Some(Asker {
                    sites,
                    kind: AskerKind::Login,
                    filters: Vec::new(),
                })
            }
            Self::Key(key) => key.scopes.contains(&Scope::Query).then(|| Asker {
                sites: Some([key.site.clone()].into()),
                kind: AskerKind::Key(key.id),
                filters: Vec::new(),
            }),
            Self::Link(link) => Some(Asker {
                sites: Some([link.site.clone()].into()),
                kind: AskerKind::Link(link.id),
                filters: link.filters.clone(),
            }),
        }
    }

    /// The role on a site.
    pub fn role_on(&self, site: &str) -> Option<Role> {
        match self {
            // A key and a link ask, and do nothing else.
            Self::Nobody | Self::Key(_) | Self::Link(_) => None,
            Self::Demo => Some(Role::Viewer),
            Self::Person(logged_in) => logged_in.person.role_on(site),
        }
    }
}

impl Gate {
    /// Lets a request in by its route's line.
    ///
    /// # Errors
    /// The answer for who may not: 401 for nobody (a page sends them to `/login`), 403 for the
    /// wrong one, 421 for who comes to what is for this machine only.
    pub async fn admit(
        &self,
        app: &App,
        connection: &Connection,
        route: &Route,
        params: &Params,
        request: &Request<Incoming>,
    ) -> Result<Caller, Answer> {
        let headers = request.headers();
        if matches!(route.proof, Proof::Origin | Proof::Form) && !is_same_origin(headers) {
            return Err(text(
                StatusCode::FORBIDDEN,
                "this form is accepted from its own page only; open the page and send it there\n",
            ));
        }
        match route.who {
            Who::Anyone => return Ok(Caller::Nobody),
            Who::Local if connection.may_read_metrics(request) => return Ok(Caller::Nobody),
            Who::Local => return Err(misdirected()),
            _ => {}
        }
        let caller = self.identify(app, connection, request).await?;
        if matches!(caller, Caller::Nobody) {
            return Err(nobody(route));
        }
        let is_allowed = match route.who {
            Who::Anyone | Who::Local => false,
            Who::Reader => {
                matches!(caller, Caller::Person(_) | Caller::Demo) && caller.asker().is_some()
            }
            Who::Asker => caller.asker().is_some(),
            Who::Person => matches!(caller, Caller::Person(_)),
            Who::Owner => matches!(&caller, Caller::Person(logged_in)
                if logged_in.person.roles.values().any(|role| *role == Role::Owner)),
            Who::Has(role) => {
                let is_there = app.config.site(&params.site).is_some();
                is_there && caller.role_on(&params.site).is_some_and(|own| own >= role)
            }
        };
        if !is_allowed {
            return Err(forbidden());
        }
        if route.proof == Proof::Header
            && let Caller::Person(logged_in) = &caller
        {
            let given = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes);
            if given != Some(logged_in.csrf.as_bytes()) || is_cross_site(headers) {
                return Err(response::json(
                    StatusCode::FORBIDDEN,
                    &json!({ "error": "send the value of `csrf` that /api/me answers in the header x-sillage-csrf" }),
                ));
            }
        }
        Ok(caller)
    }

    async fn identify(
        &self,
        app: &App,
        connection: &Connection,
        request: &Request<Incoming>,
    ) -> Result<Caller, Answer> {
        let headers = request.headers();
        // Who shows a key asks by it alone: a wrong one is not made good by a cookie.
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return self.holder(app, value).await;
        }
        if let Some(cookie) = login_cookie(headers) {
            let hash = token::hash(cookie);
            let csrf = csrf_of(cookie);
            let found = self
                .control
                .run(move |connection| login::find(connection, Timestamp::now(), &hash))
                .await
                .map_err(|error| failed(&error))?;
            if let Some(person) = found {
                return Ok(Caller::Person(LoggedIn {
                    person,
                    login: hash,
                    csrf,
                }));
            }
        }
        if app.has_demo && self.is_without_people().await? {
            // The only guard is the address: a foreign name that resolves to loopback, or a proxy
            // that passes on what it gets from elsewhere, is turned away.
            return if connection.is_local(request) {
                Ok(Caller::Demo)
            } else {
                Err(misdirected())
            };
        }
        Ok(Caller::Nobody)
    }

    /// Whose key or link it is; nobody's when it is none, expired or revoked.
    async fn holder(&self, app: &App, authorization: &HeaderValue) -> Result<Caller, Answer> {
        let Some(bearer) = bearer(authorization) else {
            return Ok(Caller::Nobody);
        };
        if let Some(link) = bearer.strip_prefix(links::PREFIX) {
            return shared(app, link).await;
        }
        let hash = token::hash(bearer);
        let found = self
            .control
            .run(move |connection| keys::find(connection, Timestamp::now(), &hash));
        let found = found.await.map_err(|error| failed(&error))?;
        Ok(found.map_or(Caller::Nobody, Caller::Key))
    }

    /// Whether nobody can log in yet.
    ///
    /// # Errors
    /// The answer when the file can't be read.
    pub async fn is_without_people(&self) -> Result<bool, Answer> {
        let count = self.control.run(|connection| people::count(connection));
        Ok(count.await.map_err(|error| failed(&error))? == 0)
    }
}

impl Gate {
    /// A gate whose bounds are the constants above, and that of a key.
    pub fn new(control: Control, hasher: Hasher, key_queries_per_hour_max: u32) -> Self {
        Self {
            control,
            hasher,
            names: Rate::of(NAME_TRIES, NAME_PACE),
            networks: Rate::of(NETWORK_TRIES, NETWORK_PACE),
            devices: Rate::of(DEVICE_TRIES, DEVICE_PACE),
            keys: Rate::of(
                key_queries_per_hour_max,
                Duration::from_secs(3_600) / key_queries_per_hour_max.max(1),
            ),
            links: Rate::of(LINK_TRIES, LINK_PACE),
            letters: Rate::of(LETTER_TRIES, LETTER_PACE),
            addresses: Rate::of(ADDRESS_TRIES, ADDRESS_PACE),
        }
    }
}

/// Whose link it is, with the pass of its password where it has one.
async fn shared(app: &App, bearer: &str) -> Result<Caller, Answer> {
    let (secret, pass) = match bearer.split_once('.') {
        Some((secret, pass)) => (secret, Some(pass)),
        None => (bearer, None),
    };
    let (hash, now) = (token::hash(secret), Timestamp::now());
    let control = &app.gate.control;
    let found = control.run(move |connection| links::find(connection, now, &hash));
    let Some(link) = found.await.map_err(|error| failed(&error))? else {
        return Ok(Caller::Nobody);
    };
    let key = crate::api::shared_links::pass_key(app).await?;
    Ok(if links::is_passed(&key, &link, pass, now) {
        Caller::Link(link)
    } else {
        Caller::Nobody
    })
}

/// What stands after `Bearer`.
fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, value) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| value.trim())
}

/// The log-in's cookie. On https only the one with the prefix: another host of the same domain can
/// set the other.
pub fn login_cookie(headers: &HeaderMap) -> Option<&str> {
    let plain = (!Head::read(headers).is_https).then_some(LOGIN_COOKIE);
    [Some(LOGIN_COOKIE_HTTPS), plain]
        .into_iter()
        .flatten()
        .find_map(|name| cookie(headers, name))
        .filter(|value| value.len() == 2 * token::TOKEN_BYTES)
}

/// A named cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    find(cookies.map(HeaderValue::as_bytes), name)
}

/// `Set-Cookie` for a log-in; `None` ends it.
pub fn set_login(value: Option<&str>, headers: &HeaderMap) -> String {
    let (name, secure) = if Head::read(headers).is_https {
        (LOGIN_COOKIE_HTTPS, "; Secure")
    } else {
        (LOGIN_COOKIE, "")
    };
    let (value, seconds) = value.map_or(("", 0), |value| (value, login::AGE_S_MAX));
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// What a page of ours sends along to prove that it is one. Follows from the cookie, and the cookie
/// not from it.
pub fn csrf_of(cookie: &str) -> String {
    hex(&token::hash(&format!("csrf {cookie}")))
}

/// Whether the browser says that a form was sent from our own page.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match value("sec-fetch-site") {
        Some(site) => site == "same-origin",
        // Older browsers, and plain http: a page can't choose these headers either.
        None => {
            let origin = value("origin").and_then(host_of_origin);
            origin.is_some() && (origin == value("host") || origin == value("x-forwarded-host"))
        }
    }
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !matches!(site, None | Some(b"same-origin"))
}

fn misdirected() -> Answer {
    refused(
        StatusCode::MISDIRECTED_REQUEST,
        "without a log-in, only programs of the collector's user on 127.0.0.1, [::1] or localhost are answered, and not through a proxy; for metrics set metrics.listen",
    )
}

/// 401, or the way to the log-in for a page.
fn nobody(route: &Route) -> Answer {
    if route.path.starts_with("/api/") {
        return response::json(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "log in, or send an API key as `Authorization: Bearer`" }),
        );
    }
    see_other("/login")
}

/// 403. Does not tell a site that is not there from one that is somebody else's.
pub fn forbidden() -> Answer {
    response::json(
        StatusCode::FORBIDDEN,
        &json!({ "error": "no such site, or no permission to do this" }),
    )
}

/// Sends the browser on with a GET.
pub fn see_other(place: &'static str) -> Answer {
    let mut answer = text(StatusCode::SEE_OTHER, "");
    answer
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_static(place));
    answer
}

/// The answer to a fault of the control database.
pub fn failed(fault: &ControlError) -> Answer {
    let status = match fault {
        ControlError::Rule(_) => StatusCode::BAD_REQUEST,
        ControlError::Denied(_) => StatusCode::FORBIDDEN,
        ControlError::NotThere => StatusCode::NOT_FOUND,
        ControlError::Taken => StatusCode::CONFLICT,
        fault if fault.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let public = match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            "too many requests are waiting; try again in a few seconds".into()
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(error = %fault, "the control database can't be used");
            "the control database can't be used; the server's log says why".into()
        }
        _ => fault.to_string(),
    };
    let mut answer = response::json(status, &json!({ "error": public }));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from_static("2");
        answer.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    answer
}
