//! `GET /p.gif`: a page viewed by a browser that runs no script, or an opened e-mail. The answer is
//! a transparent image of 43 bytes.
//!
//! A page view becomes a beacon and is processed like all others
//! ([`collect`](crate::collector::beacon)); an opened e-mail becomes a count
//! ([`Pipeline::open_mail`](crate::ingest::Pipeline::open_mail)). An image carries no consent, so
//! the site's profile alone decides: `exempt` and `count` sites count it, `consent` sites never do,
//! and a parameter that claims consent is ignored. No cookie is set or deleted. Every answer is the
//! image, even with 400, 429 or 503, since a page must not show a broken one.

use hyper::Method;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use serde_json::json;

use crate::access::App;
use crate::access::call::Call;
use crate::collector::beacon::{allowed, take};
use crate::collector::sender::with_sender;
use crate::http::client_ip::Client;
use crate::http::headers::BeaconHeaders;
use crate::http::response::{Answer, answer, too_many};
use crate::ingest::beacon::WIRE_REFERRER_BYTES_MAX;

/// One transparent pixel.
pub const GIF: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Counts a GET (not a HEAD), and answers with the image.
pub async fn pixel(call: Call) -> Answer {
    let (app, request) = (&*call.app, &call.request);
    let peer = call.connection.peer.ip();
    let query = Query::parse(call.query());
    let client = Client::of(peer, request.headers(), &app.config.trusted_proxies);
    let outcome = if *request.method() == Method::HEAD {
        None
    } else if let Err(wait) = allowed(app, &client) {
        Some(too_many(wait))
    } else if let Some(campaign) = &query.mail {
        if !BeaconHeaders::read(request.headers()).is_prefetch {
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
    // A page on another host may show it; the image reveals nothing.
    image.headers_mut().insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("cross-origin"),
    );
    if let Some(refused) = outcome.filter(|outcome| outcome.status() != StatusCode::ACCEPTED) {
        *image.status_mut() = refused.status();
        if let Some(wait) = refused.headers().get(header::RETRY_AFTER) {
            image
                .headers_mut()
                .insert(header::RETRY_AFTER, wait.clone());
        }
    }
    image
}

/// The parameters of the image's address. Others are skipped, as in a beacon.
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

/// A view of a page. Its referrer is unknown: the image request's own referrer is the page.
async fn view(app: &App, client: &Client<'_>, headers: &HeaderMap, query: &Query) -> Answer {
    let referrer = || {
        let referrer = headers.get(header::REFERER)?.to_str().ok()?;
        (referrer.len() <= WIRE_REFERRER_BYTES_MAX).then(|| referrer.to_owned())
    };
    let page = query.page.clone().or_else(referrer);
    let beacon = json!({ "n": "pageview", "u": page, "d": query.site });
    let head = BeaconHeaders::read(headers);
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
