//! `POST`: the buttons of the choices page, which refuse, allow, or erase today's data.

use std::net::IpAddr;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};

use super::asked::{Asked, is_from_here, site_of, unknown_site};
use super::page::{html, render, state};
use super::texts;
use crate::access::App;
use crate::access::call::Call;
use crate::collector::sender::with_sender;
use crate::collector::visitor_cookies::{CHOICES_PATH, set_cookie, set_opt_out};
use crate::config::{Site, SiteId};
use crate::http::body;
use crate::http::client_ip::Client;
use crate::http::headers::is_https;
use crate::http::response::{Answer, text, too_many};
use crate::ingest::visitor_rights::OwnIds;
use crate::ingest::{CookieChange, Sender};
use crate::store::erase::Erased;

/// How long a request waits for its erasure, which then continues in the background.
const ERASURE_WAIT_MAX: Duration = Duration::from_secs(10);
/// Bytes of a form.
const FORM_BYTES_MAX: usize = 1 << 10;

/// What a button does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Refuse,
    Allow,
    /// Erases today's data and refuses.
    Erase,
}

impl Action {
    fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            Some("refuse") => Some(Self::Refuse),
            Some("allow") => Some(Self::Allow),
            Some("erase") => Some(Self::Erase),
            _ => None,
        }
    }
}

/// `POST`: one of the buttons.
pub async fn choose(call: Call) -> Answer {
    let (app, peer) = (&*call.app, call.connection.peer.ip());
    let (head, body) = call.request.into_parts();
    let headers = &head.headers;
    let is_at_cookie = head.uri.path() == CHOICES_PATH;
    let query = Asked::parse(head.uri.query().unwrap_or("").as_bytes());
    let network = Client::of(peer, headers, &app.config.trusted_proxies).network();
    if let Err(wait) = app.rates.choices.take(network) {
        return too_many(wait);
    }
    let timeout = app.config.limits.body_timeout;
    let form = match body::read_parts(headers, body, FORM_BYTES_MAX, timeout).await {
        Ok(body) => Asked::parse(&body),
        Err(answer) => return answer,
    };
    let named = form.site.as_ref().or(query.site.as_ref());
    let Some(site) = site_of(app, peer, headers, named.map(String::as_str)) else {
        return unknown_site();
    };
    if !is_from_here(headers, site) {
        return text(
            StatusCode::FORBIDDEN,
            "choices are accepted from the choices page only; open /privacy and choose there\n",
        );
    }
    let lang = form.lang.as_ref().or(query.lang.as_ref());
    let words = texts::choose(lang.map(String::as_str), headers);
    let Some(action) = Action::parse(form.action.as_deref()) else {
        return text(
            StatusCode::BAD_REQUEST,
            "action: refuse, allow or erase is expected\n",
        );
    };
    if !is_at_cookie && action != Action::Allow {
        // The browser sends the cookies to the other address only. A refusal without them could not
        // store what a later erasure needs.
        return to_cookie(&query);
    }
    let Some(index) = app.config.sites.find(&site.id) else {
        return unknown_site();
    };
    let Done {
        status,
        message,
        changes,
    } = act(app, site, index, action, peer, headers).await;
    let mut state = with_sender(app, peer, headers, |sender| state(app, site, sender));
    let opts_out = action != Action::Allow;
    state.is_opted_out = opts_out;
    if !changes.is_empty() {
        state.is_known_device = false;
    }
    // The page shows the state after the button, not the state of the request.
    state.without_choice = app.pipeline.decide_for(index, &state);
    let page = render(app, site, words, state, is_at_cookie, Some(message));
    let mut answer = html(status, &page);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("60");
        answer.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    let is_https = is_https(headers);
    set_opt_out(opts_out, is_https).add_to(&mut answer);
    for change in &changes {
        set_cookie(change, is_https).add_to(&mut answer);
    }
    answer
}

/// The result of a button.
struct Done {
    status: StatusCode,
    /// Key of the text that the page shows.
    message: &'static str,
    changes: Vec<CookieChange>,
}

async fn act(
    app: &App,
    site: &Site,
    index: SiteId,
    action: Action,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Done {
    let (status, message, changes) = match action {
        Action::Refuse => {
            let refuse = |sender: &Sender<'_>| app.pipeline.refuse(index, sender);
            let changes = with_sender(app, peer, headers, refuse);
            (StatusCode::OK, "done_refuse", changes)
        }
        Action::Allow => (StatusCode::OK, "done_allow", Vec::new()),
        Action::Erase => {
            let (own, changes) = with_sender(app, peer, headers, |sender| {
                let own = app.pipeline.forget(index, sender);
                (own, app.pipeline.end_cookies(index, sender))
            });
            match erase(app, site, &own).await {
                // The next attempt needs the cookies.
                (StatusCode::SERVICE_UNAVAILABLE, message) => {
                    (StatusCode::SERVICE_UNAVAILABLE, message, Vec::new())
                }
                (status, message) => (status, message, changes),
            }
        }
    };
    Done {
        status,
        message,
        changes,
    }
}

/// Redirects a form to the address where the browser adds the cookies, with the same parameters.
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

/// Erases a visitor's data of today. Returns the status and the text for the result.
async fn erase(app: &App, site: &Site, own: &OwnIds) -> (StatusCode, &'static str) {
    let erased = app
        .eraser
        .erase(&site.id, own.day, &own.visitors, ERASURE_WAIT_MAX)
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
