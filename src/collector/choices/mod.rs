//! `/privacy`: the visitor's own page. It shows the measured data and the state of the visitor's
//! choice as the server sees it, and has three buttons: refuse, withdraw the refusal, erase today's
//! data.
//!
//! Everything on it is made from the live configuration. It needs no script, viewing it sets no
//! cookie, and it is the same in all languages.
//!
//! **Two addresses.** The measurement cookie is bound to the path `/api/event`, so that no page of
//! the site and no log in front of it sees a device id. A wider path would weaken this for all
//! visitors to serve the few who open this page. So the page is at `/privacy`, where people look
//! for it, and its forms go to `/api/event/choices`, where the browser adds the cookie that an
//! erasure needs. The page is served there as well and then says whether the cookie is present. A
//! refusal or an erasure that is sent to `/privacy` itself is redirected with its body.
//!
//! **An erasure is never confirmed falsely.** The page says "done" only after rows were found and
//! deleted. If no rows were found, the page says so; while the erasure is pending, the page says
//! that it is recorded. The cookies that find a visitor's rows are deleted only once the erasure is
//! in the journal ([`crate::store::erase`]).
//!
//! **No forged choices.** A POST counts only when the browser says that it comes from this origin
//! or from a page of the measured site; everything else is 403. A forged refusal would be harmless,
//! a forged withdrawal of a refusal would not.
//!
//! Deliberately not here: showing rows. Visitors in the same network with the same browser can't be
//! distinguished. One may erase the other's rows, but not read them.

mod asked;
mod choose;
mod lists;
mod notice;
mod page;
mod policy;
mod texts;

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};

use crate::access::call::{Call, RestPart};
use crate::access::identity::Identity;
use crate::collector::sender::with_sender;
use crate::collector::visitor_cookies::CHOICES_PATH;
use crate::http::response::{Answer, answer, nothing};
use asked::{Asked, site_of, unknown_site};
use page::{html, render, state};

pub use choose::choose;
pub use page::{CONTENT_POLICY, STYLE};

/// `GET`: the page, at either address.
pub async fn show(call: Call) -> Answer {
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

/// `GET /privacy/…`: the documents published with the page.
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
