//! `/privacy`: the visitor's own page. What is measured, what the server sees of the choice, and
//! three buttons: refuse, take the refusal back, erase what was measured today.
//!
//! Everything on it is made from the live configuration. It needs no script, sets no cookie when it
//! is looked at, and is the same in all languages.
//!
//! **Two addresses.** The measurement cookie is bound to the path `/api/event`, so that no page of
//! the site and no log in front of it ever sees a device id. A wider path would undo that for
//! everybody in order to serve the few who come here, so the page goes to the cookie instead: it
//! stands at `/privacy`, where people look for it, and its forms go to `/api/event/choices`, where
//! the browser adds the cookie that erasing needs. The page answers there as well and then says
//! whether the cookie is there. A refusal or an erasure that is sent to `/privacy` itself is
//! redirected with its body.
//!
//! **An erasure is never confirmed falsely.** "Done" is said only of rows that were found and are
//! gone; without any the page says so; as long as it is not done the page says that it is recorded.
//! The cookies that find a visitor's rows are deleted only once the erasure is in the journal
//! ([`crate::store::erase`]).
//!
//! **Not by others.** A POST counts only when the browser says that it comes from this origin, or
//! from a page of the measured site; everything else is 403. A forged refusal would be harmless, a
//! forged withdrawal of one would not.
//!
//! Deliberately not here: showing rows. Somebody in the same network with the same browser can't be
//! told apart, and may be erased along, but not read.

mod lists;
mod notice;
mod texts;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};

use crate::access::App;
use crate::access::call::{Call, RestPart};
use crate::access::identity::Identity;
use crate::collector::sender::with_sender;
pub use crate::collector::visitor_cookies::CHOICES_PATH;
use crate::collector::visitor_cookies::set_cookie;
use crate::config::Site;
use crate::html::{escape, fill};
use crate::http::body;
use crate::http::client_ip::Client;
use crate::http::cookies::{SameSite, SetCookie};
use crate::http::headers::is_https;
use crate::http::origin::{host_of_origin, is_own_origin, text_of, without_port};
use crate::http::response::{Answer, answer, nothing, text, too_many};
use crate::http::texts::Texts as Words;
use crate::ingest::Sender;
use crate::ingest::visitor_rights::{ChoiceState, Own};
use crate::store::erase::Erased;
use sillage_privacy::{OPT_OUT_COOKIE, OPT_OUT_VALUE, ObjectionRule};

/// Seconds the opt-out cookie lives: 400 days, the most that browsers keep one, and more than the
/// 13 months of the other.
const OPT_OUT_SECONDS: u32 = 400 * 86_400;
/// How long a request waits for the end of its erasure, which goes on without it.
const ERASURE_PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a form.
const FORM_BYTES_MAX: usize = 1 << 10;

const LAYOUT: &str = include_str!("layout.html");
const PAGE: &str = include_str!("page.html");
const ERASE_FORM: &str = include_str!("erase_form.html");
pub const STYLE: &str = include_str!("style.css");
/// Nothing from anywhere but the one style sheet.
pub const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `GET` of the page, at either address.
pub async fn page(call: Call) -> Answer {
    let (app, headers) = (&*call.app, call.headers());
    let asked = Asked::parse(call.query().as_bytes());
    let peer = call.connection.peer.ip();
    let Some(site) = site_of(app, peer, headers, asked.site.as_deref()) else {
        return unknown_site();
    };
    let words = texts::choose(asked.lang.as_deref(), headers);
    let state = with_sender(app, peer, headers, |sender| state(app, site, sender));
    let sees_cookie = call.request.uri().path() == CHOICES_PATH;
    let page = render(app, site, words, state, sees_cookie, None);
    html(StatusCode::OK, &page)
}

/// `GET /privacy/…`: what is published beside the page.
pub async fn document(call: Call<Identity, RestPart>) -> Answer {
    let (app, headers) = (&*call.app, call.headers());
    let document = call.path.0.as_str();
    if document == "style.css" {
        let mut answer = answer(StatusCode::OK, "text/css; charset=utf-8", STYLE);
        let hour = HeaderValue::from_static("public, max-age=3600");
        answer.headers_mut().insert(header::CACHE_CONTROL, hour);
        return answer;
    }
    let asked = Asked::parse(call.query().as_bytes());
    let peer = call.connection.peer.ip();
    let Some(site) = site_of(app, peer, headers, asked.site.as_deref()) else {
        return unknown_site();
    };
    let words = texts::choose(asked.lang.as_deref(), headers);
    match document {
        "policy.json" => notice::policy(app, site),
        "cookies.json" => notice::cookies(app, site),
        "external-transmission" => html(StatusCode::OK, &notice::transmission(app, site, words)),
        "self-assessment" => html(StatusCode::OK, &notice::assessment(app, site)),
        _ => nothing(),
    }
}

/// `GET /.well-known/gpc.json`
pub async fn gpc(call: Call) -> Answer {
    notice::gpc(&call.app)
}

/// What was asked for, in the query or in a form.
#[derive(Default)]
struct Asked {
    site: Option<String>,
    lang: Option<String>,
    action: Option<String>,
}

impl Asked {
    fn parse(text: &[u8]) -> Self {
        let mut asked = Self::default();
        for (key, value) in url::form_urlencoded::parse(text) {
            let place = match &*key {
                "site" => &mut asked.site,
                "lang" => &mut asked.lang,
                "action" => &mut asked.action,
                _ => continue,
            };
            place.get_or_insert(value.into_owned());
        }
        asked
    }
}

/// What a button asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Refuse,
    Allow,
    /// Erases today's data and refuses.
    Erase,
}

/// `POST`: one of the buttons.
pub async fn choose(call: Call) -> Answer {
    let (app, peer) = (&*call.app, call.connection.peer.ip());
    let mut request = call.request;
    let is_at_cookie = request.uri().path() == CHOICES_PATH;
    let query = Asked::parse(request.uri().query().unwrap_or("").as_bytes());
    let headers = std::mem::take(request.headers_mut());
    let client = Client::of(peer, &headers, &app.config.trusted_proxies);
    if let Err(wait) = app.rates.choices.take(client.network()) {
        return too_many(wait);
    }
    for name in [header::CONTENT_ENCODING, header::CONTENT_LENGTH] {
        if let Some(value) = headers.get(&name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let form: Bytes =
        match body::read(request, FORM_BYTES_MAX, app.config.limits.body_timeout).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
    let form = Asked::parse(&form);
    let named = form.site.as_ref().or(query.site.as_ref());
    let Some(site) = site_of(app, peer, &headers, named.map(String::as_str)) else {
        return unknown_site();
    };
    if !is_from_here(&headers, site) {
        return text(
            StatusCode::FORBIDDEN,
            "choices are accepted from the choices page only; open /privacy and choose there\n",
        );
    }
    let lang = form.lang.as_ref().or(query.lang.as_ref());
    let words = texts::choose(lang.map(String::as_str), &headers);
    let action = match form.action.as_deref() {
        Some("refuse") => Action::Refuse,
        Some("allow") => Action::Allow,
        Some("erase") => Action::Erase,
        _ => {
            return text(
                StatusCode::BAD_REQUEST,
                "action: refuse, allow or erase is expected\n",
            );
        }
    };
    if !is_at_cookie && action != Action::Allow {
        // The cookie is there, and a refusal that does not see it could not keep what an erasure
        // needs.
        return to_cookie(&query);
    }
    let Some(index) = app.config.sites.find(&site.id) else {
        return unknown_site();
    };
    let (status, message, changes) = match action {
        Action::Refuse => {
            let refuse = |sender: &Sender<'_>| app.pipeline.refuse(index, sender);
            let changes = with_sender(app, peer, &headers, refuse);
            (StatusCode::OK, "done_refuse", changes)
        }
        Action::Allow => (StatusCode::OK, "done_allow", Vec::new()),
        Action::Erase => {
            let (own, changes) = with_sender(app, peer, &headers, |sender| {
                let own = app.pipeline.forget(index, sender);
                (own, app.pipeline.end_cookies(index, sender))
            });
            match erase(app, site, &own).await {
                // The next try needs the cookies.
                (StatusCode::SERVICE_UNAVAILABLE, message) => {
                    (StatusCode::SERVICE_UNAVAILABLE, message, Vec::new())
                }
                (status, message) => (status, message, changes),
            }
        }
    };
    let mut state = with_sender(app, peer, &headers, |sender| state(app, site, sender));
    let opts_out = action != Action::Allow;
    state.is_opted_out = opts_out;
    if !changes.is_empty() {
        state.is_known_device = false;
    }
    // What the page says follows from the state after the button, not from the one the request came
    // with.
    state.without_word = app.pipeline.decide_for(index, &state);
    let sees_cookie = is_at_cookie;
    let mut answer = html(
        status,
        &render(app, site, words, state, sees_cookie, Some(message)),
    );
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("60");
        answer.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    let is_https = is_https(&headers);
    let (value, max_age_s) = if opts_out {
        (OPT_OUT_VALUE, OPT_OUT_SECONDS)
    } else {
        ("", 0)
    };
    let opt_out = SetCookie {
        name: OPT_OUT_COOKIE,
        value,
        path: "/",
        max_age_s: max_age_s.into(),
        is_http_only: false,
        same_site: SameSite::Lax,
        is_secure: is_https,
    };
    opt_out.add_to(&mut answer);
    for change in &changes {
        set_cookie(change, is_https).add_to(&mut answer);
    }
    answer
}

/// Sends a form to the address where the browser adds the cookies. What the form's own address said
/// goes along.
fn to_cookie(query: &Asked) -> Answer {
    let mut target = CHOICES_PATH.to_owned();
    let pairs = [("site", &query.site), ("lang", &query.lang)];
    let given: Vec<_> = pairs
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
        .collect();
    if !given.is_empty() {
        target.push('?');
        target = url::form_urlencoded::Serializer::for_suffix(target, CHOICES_PATH.len() + 1)
            .extend_pairs(given)
            .finish();
    }
    let mut answer = text(StatusCode::TEMPORARY_REDIRECT, "");
    match HeaderValue::try_from(target) {
        Ok(target) => {
            answer.headers_mut().insert(header::LOCATION, target);
            answer
        }
        Err(_) => unknown_site(),
    }
}

/// Has a visitor's data of today erased; the status and the sentence for what became of it.
async fn erase(app: &App, site: &Site, own: &Own) -> (StatusCode, &'static str) {
    let erased = app
        .eraser
        .erase(&site.id, own.day, &own.visitors, ERASURE_PATIENCE)
        .await;
    match erased {
        Ok(Erased::Done) => (StatusCode::OK, "done_erase"),
        Ok(Erased::NothingFound) => (StatusCode::OK, "nothing_erase"),
        Ok(Erased::Recorded) => (StatusCode::ACCEPTED, "recorded_erase"),
        Err(error) => {
            tracing::error!(site = %site.id, %error, "an erasure could not be recorded");
            (StatusCode::SERVICE_UNAVAILABLE, "failed_erase")
        }
    }
}

/// Whether the browser says that this request comes from our page, or from a page of the site.
fn is_from_here(headers: &HeaderMap, site: &Site) -> bool {
    let origin = text_of(headers, "origin").and_then(host_of_origin);
    let is_of_site =
        origin.is_some_and(|origin| site.hostnames.iter().any(|own| own == without_port(origin)));
    match text_of(headers, "sec-fetch-site") {
        Some("same-origin") => true,
        Some("same-site") => is_of_site,
        Some(_) => false,
        // Older browsers, and plain http. A form can't choose these headers either.
        None => is_own_origin(headers) || is_of_site,
    }
}

/// The site that is asked about: the one named, the one that the host belongs to, or the only one.
fn site_of<'a>(
    app: &'a App,
    peer: IpAddr,
    headers: &HeaderMap,
    named: Option<&str>,
) -> Option<&'a Site> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return app.config.site(named);
    }
    let is_proxied = app
        .config
        .trusted_proxies
        .iter()
        .any(|net| net.contains(peer));
    let host = text_of(headers, "x-forwarded-host")
        .filter(|_| is_proxied)
        .or_else(|| text_of(headers, "host"));
    let host = without_port(host.unwrap_or("")).to_ascii_lowercase();
    let sites = &app.config.sites;
    sites
        .iter()
        .find(|site| site.hostnames.contains(&host))
        .or_else(|| sites.first().filter(|_| sites.len() == 1))
}

fn unknown_site() -> Answer {
    text(
        StatusCode::NOT_FOUND,
        "no site given; add ?site= with the site's id, as in the page's snippet\n",
    )
}

fn state(app: &App, site: &Site, sender: &Sender<'_>) -> ChoiceState {
    let index = app.config.sites.find(&site.id);
    index.map_or_else(ChoiceState::default, |index| {
        app.pipeline.state(index, sender)
    })
}

fn html(status: StatusCode, page: &str) -> Answer {
    let mut answer = answer(status, "text/html; charset=utf-8", page.to_owned());
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        // Not `no-referrer`: with that, browsers send `Origin: null` with our own form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::VARY, "accept-language, cookie, sec-gpc, dnt"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn render(
    app: &App,
    site: &Site,
    words: &Words,
    state: ChoiceState,
    sees_cookie: bool,
    message: Option<&str>,
) -> String {
    let controller = if site.controller.is_empty() {
        &site.id
    } else {
        &site.controller
    };
    let site_url: String = url::form_urlencoded::byte_serialize(site.id.as_bytes()).collect();
    let word = |key: &str| {
        let pairs = [("site", site.id.as_str()), ("controller", controller)];
        fill(words.get(key), &pairs)
    };
    let said = |given: bool| {
        words
            .get(if given { "present" } else { "absent" })
            .to_owned()
    };
    let signal = |sent: bool, rule: ObjectionRule| {
        words.get(match (sent, rule) {
            (false, _) => "signal_absent",
            (true, ObjectionRule::Deny) => "signal_deny",
            (true, ObjectionRule::Count) => "signal_count",
            (true, ObjectionRule::Ignore) => "signal_ignore",
        })
    };
    let cookie_state = if sees_cookie {
        said(state.is_known_device)
    } else {
        let link = format!("{CHOICES_PATH}?site={site_url}&amp;lang={}", words.lang);
        words.get("cookie_unseen").replace("{link}", &link)
    };
    let measured = lists::measured(app, site, words, &state);
    let (purposes, recipients) = lists::purposes_and_recipients(app, site, words);
    let policy_link = match site.privacy_url.as_str() {
        "" => String::new(),
        url => format!(
            "<a href=\"{}\">{}</a>",
            escape(url),
            words.get("policy_link")
        ),
    };
    let contact = if site.contact.is_empty() {
        words.get("not_said")
    } else {
        &site.contact
    };
    let contact = fill(
        words.get("contact"),
        &[("controller", controller), ("contact", contact)],
    )
    .replace("{privacy_url}", &policy_link);
    let retention = lists::retention(app, site, words);
    let site_id = escape(&site.id);
    // After a refusal, erasing is the next thing that somebody may want.
    let erase_form = || ERASE_FORM.replace("{{erase_offer}}", &word("erase_offer"));
    let message = message.map_or_else(String::new, |key| {
        let form = if key == "done_refuse" || key == "failed_erase" {
            erase_form()
        } else {
            String::new()
        };
        format!(
            "<div class=\"message\"><p role=\"status\">{}</p>{form}</div>",
            word(key)
        )
    });
    let title = word("title");
    let mut body = PAGE.to_owned();
    // Each is escaped, or made of escaped parts and our own words.
    for (name, value) in [
        ("message", message),
        ("intro", word("intro")),
        ("summary", word(lists::summary(&state, site))),
        ("opt_out_state", said(state.is_opted_out)),
        ("cookie_state", cookie_state),
        ("gpc_state", signal(state.gpc, site.consent.gpc).to_owned()),
        ("dnt_state", signal(state.dnt, site.consent.dnt).to_owned()),
        ("measured", measured),
        ("retention", retention),
        ("purposes", purposes),
        ("recipients", recipients),
        ("contact", contact),
        ("site", site_id),
        ("languages", lists::languages("/privacy", &site_url)),
        ("site_url", site_url),
        ("lang", words.lang.to_owned()),
        ("title", title.clone()),
    ] {
        body = body.replace(&format!("{{{{{name}}}}}"), &value);
    }
    for key in texts::PLAIN {
        body = body.replace(&format!("{{{{{key}}}}}"), &word(key));
    }
    layout(words.lang, &title, &body)
}

fn layout(lang: &str, title: &str, main: &str) -> String {
    LAYOUT
        .replace("{{lang}}", lang)
        .replace("{{title}}", title)
        .replace("{{main}}", main)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().expect("a header value"));
        }
        map
    }

    #[test]
    fn choices_from_other_origins_are_refused() {
        let text =
            "[[site]]\nid = \"example.com\"\nhostnames = [\"example.com\", \"www.example.com\"]\n";
        let config =
            crate::config::Config::parse(text, std::path::Path::new("/x.toml")).expect("sound");
        let check = |pairs: &[(&'static str, &str)], expected: bool| {
            assert_eq!(
                is_from_here(&headers(pairs), &config.sites.first().expect("a site")),
                expected,
                "{pairs:?}"
            );
        };
        let (site, origin, host) = ("sec-fetch-site", "origin", "host");
        check(&[], false);
        check(&[(site, "same-origin")], true);
        check(&[(site, "cross-site")], false);
        check(&[(site, "none")], false);
        check(
            &[(site, "cross-site"), (origin, "https://example.com")],
            false,
        );
        check(
            &[(site, "same-site"), (origin, "https://other.example.com")],
            false,
        );
        check(
            &[
                (site, "same-site"),
                (origin, "https://www.example.com:8443"),
            ],
            true,
        );
        check(&[(host, "stats.example.com")], false);
        check(
            &[
                (host, "stats.example.com"),
                (origin, "https://stats.example.com"),
            ],
            true,
        );
        check(
            &[(host, "127.0.0.1:8000"), (origin, "http://127.0.0.1:8000")],
            true,
        );
        check(
            &[(host, "127.0.0.1:8000"), (origin, "http://127.0.0.1:9000")],
            false,
        );
        check(
            &[
                (host, "up"),
                ("x-forwarded-host", "s.example"),
                (origin, "https://s.example"),
            ],
            true,
        );
        check(&[(host, "s.example"), (origin, "null")], false);
        check(
            &[(host, "s.example"), (origin, "https://evil.example")],
            false,
        );
        check(&[(origin, "https://example.com.evil.example")], false);
    }
}
