//! `GET /p.gif`: a page seen by a browser that runs no script, or an e-mail opened; answered with
//! 43 bytes of nothing.
//!
//! A page's view becomes a beacon and goes the same way as all others
//! ([`collect`](crate::collector::beacon)); an opened e-mail becomes a number
//! ([`Pipeline::open_mail`](crate::ingest::Pipeline::open_mail)). An image has no word about
//! consent, so the site's profile alone decides: `exempt` and `count` sites count it, `consent`
//! sites never do, and a parameter that claims a yes is not looked at. It sets and deletes no
//! cookie. The image comes with every answer, also with one that says 400, 429 or 503: a page must
//! not show a broken one.

use std::net::IpAddr;

use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use serde_json::json;

use crate::access::App;
use crate::collector::beacon::{allowed, take};
use crate::collector::choices::with_sender;
use crate::http::client_ip::Client;
use crate::http::headers::Head;
use crate::http::response::{Answer, answer, too_many};
use crate::ingest::beacon::WIRE_REFERRER_BYTES_MAX;

/// One transparent pixel.
pub const GIF: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Counts, unless only the head was asked for, and answers with the image.
pub async fn pixel(app: &App, peer: IpAddr, request: Request<Incoming>) -> Answer {
    let query = Query::parse(request.uri().query().unwrap_or(""));
    let client = Client::of(peer, request.headers(), &app.config.trusted_proxies);
    let told = if *request.method() == Method::HEAD {
        None
    } else if let Err(wait) = allowed(app, &client) {
        Some(too_many(wait))
    } else if let Some(campaign) = &query.mail {
        if !Head::read(request.headers()).is_prefetch {
            with_sender(app, peer, request.headers(), |sender| {
                let site = query.site.as_deref().unwrap_or("");
                app.pipeline.open_mail(site, campaign, sender);
            });
        }
        None
    } else {
        Some(view(app, &client, request.headers(), &query).await)
    };
    let mut image = answer(StatusCode::OK, "image/gif", &GIF[..]);
    // A page on another host may show it; nobody learns anything from it.
    image.headers_mut().insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("cross-origin"),
    );
    if let Some(told) = told.filter(|told| told.status() != StatusCode::ACCEPTED) {
        *image.status_mut() = told.status();
        if let Some(wait) = told.headers().get(header::RETRY_AFTER) {
            image
                .headers_mut()
                .insert(header::RETRY_AFTER, wait.clone());
        }
    }
    image
}

/// What the image's address says. All else in it is skipped, as in a beacon.
#[derive(Default)]
struct Query {
    /// `d`: site id.
    site: Option<String>,
    /// `u`: the page's address; when absent that of the request's referrer.
    page: Option<String>,
    /// `m`: the campaign of an e-mail.
    mail: Option<String>,
}

impl Query {
    fn parse(query: &str) -> Self {
        let mut known = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match &*key {
                "d" => &mut known.site,
                "u" => &mut known.page,
                "m" => &mut known.mail,
                _ => continue,
            };
            place.get_or_insert(value.into_owned());
        }
        known
    }
}

/// A view of a page. Where it was come from is not known: the request's referrer is the page
/// itself.
async fn view(app: &App, client: &Client<'_>, headers: &HeaderMap, query: &Query) -> Answer {
    let referrer = || {
        let referrer = headers.get(header::REFERER)?.to_str().ok()?;
        (referrer.len() <= WIRE_REFERRER_BYTES_MAX).then(|| referrer.to_owned())
    };
    let page = query.page.clone().or_else(referrer);
    let beacon = json!({ "n": "pageview", "u": page, "d": query.site });
    let head = Head::read(headers);
    take(app, client, headers, &head, beacon.to_string().into()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_repeated_parameters_counts_and_consent_is_ignored() {
        let query = Query::parse("d=example.com&u=https%3A%2F%2Fexample.com%2Fa&u=b&c=1&k=x");
        assert_eq!(query.site.as_deref(), Some("example.com"));
        assert_eq!(query.page.as_deref(), Some("https://example.com/a"));
        assert_eq!(query.mail, None);
    }
}
