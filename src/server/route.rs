//! (method, path) to handler: one match. Also says which of the two faces of the server an address shows.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::error::{Answer, answer, refused, text};
use super::rate::Rate;
use super::{asset, body, choices, collect};
use crate::config::Config;
use crate::ingest::Pipeline;
use crate::query::Answerer;
use crate::spool::Spool;
use crate::store::erase::Eraser;
use crate::telemetry::Counters;

/// What an address shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faces {
    /// Beacons and the tracker: for everybody.
    pub collector: bool,
    /// Dashboard, queries and metrics: for those who may see reports.
    pub dashboard: bool,
}

/// What the handlers share.
pub struct App {
    pub config: Config,
    pub pipeline: Pipeline,
    /// Who sends too much.
    pub rate: Rate,
    pub spool: Spool,
    pub counters: Arc<Counters>,
    /// Set once ClickHouse answers.
    pub answerer: OnceLock<Answerer>,
    /// Set once ClickHouse answers.
    pub eraser: OnceLock<Eraser>,
    /// Whether queries are answered right now.
    pub is_ready: AtomicBool,
    /// Whether the demo site is served under `/demo/`.
    pub has_demo: bool,
}

impl App {
    /// What the dashboard's page starts with.
    fn boot(&self) -> serde_json::Value {
        let sites: Vec<_> = self
            .config
            .sites
            .iter()
            .map(|site| {
                json!({
                    "id": site.id,
                    "timezone": site.timezone.iana_name().unwrap_or("UTC"),
                    "profile": site.profile.as_str(),
                })
            })
            .collect();
        json!({ "sites": sites, "demo": self.has_demo, "version": env!("CARGO_PKG_VERSION") })
    }
}

/// Answers one request.
pub async fn route(app: &App, faces: Faces, peer: IpAddr, request: Request<Incoming>) -> Answer {
    if faces.collector && request.method() == Method::POST && request.uri().path() == "/api/event" {
        return collect::collect(app, peer, request).await;
    }
    // On the heap, since a beacon's future would be as large as the largest of all.
    Box::pin(other(app, faces, peer, request)).await
}

/// Everything but beacons.
async fn other(app: &App, faces: Faces, peer: IpAddr, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let is_get = method == Method::GET || method == Method::HEAD;
    match path.as_str() {
        "/healthz" if is_get => return text(StatusCode::OK, "ok\n"),
        "/readyz" if is_get => return ready(app),
        _ => {}
    }
    if faces.collector {
        match path.as_str() {
            "/api/event" if method == Method::OPTIONS => {
                return collect::preflight(app, request.headers());
            }
            "/api/event" => return method_not_allowed("POST"),
            "/s.js" | "/s.extra.js" if is_get => {
                return asset::tracker(&path[1..], request.headers());
            }
            "/s.js" | "/s.extra.js" => return method_not_allowed("GET"),
            _ => {}
        }
        if choices::is_ours(&path) {
            return choices::choices(app, peer, request).await;
        }
        if app.has_demo && is_get && path == "/demo" {
            let mut answer = text(StatusCode::PERMANENT_REDIRECT, "");
            answer
                .headers_mut()
                .insert(header::LOCATION, HeaderValue::from_static("/demo/"));
            return answer;
        }
        if app.has_demo
            && is_get
            && let Some(name) = path.strip_prefix("/demo/")
            && let Some(answer) = asset::demo_file(name, request.headers())
        {
            return answer;
        }
    }
    if faces.dashboard
        && let Some(answer) = dashboard(app, &path, request).await
    {
        return answer;
    }
    text(StatusCode::NOT_FOUND, "nothing is here\n")
}

/// The dashboard's routes; `None` where there is none.
async fn dashboard(app: &App, path: &str, request: Request<Incoming>) -> Option<Answer> {
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_post = *request.method() == Method::POST;
    // Without a login the only guard is the address: a foreign name that resolves to loopback, or a proxy that passes
    // on what it gets from elsewhere, is turned away.
    if !is_loopback_name(&request) || is_forwarded(&request) {
        return Some(refused(
            StatusCode::MISDIRECTED_REQUEST,
            "the dashboard answers on 127.0.0.1, [::1] and localhost only, and to no proxy, since nobody has to log in yet",
        ));
    }
    let query = request.uri().query().unwrap_or("").to_owned();
    let now = Timestamp::now();
    Some(match path {
        "/" if is_get => asset::dashboard_page(&app.boot()),
        "/metrics" if is_get => answer(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            app.counters
                .render(&app.spool.stats(), app.pipeline.visits()),
        ),
        "/api/sites" if is_get => super::error::json(StatusCode::OK, &app.boot()),
        "/api/v2/query" | "/api/v2/batch" | "/api/v2/funnel" if is_post => {
            let Some(answerer) = app.answerer.get() else {
                return Some(not_ready());
            };
            let limits = &app.config.limits;
            let body = match body::read(request, limits.query_bytes_max, limits.body_timeout).await
            {
                Ok(body) => body,
                Err(answer) => return Some(answer),
            };
            report(match path {
                "/api/v2/query" => answerer.query(&body, now).await,
                "/api/v2/funnel" => answerer.funnel(&body, now).await,
                _ => answerer.batch(&body, now).await,
            })
        }
        "/api/v2/query" | "/api/v2/batch" | "/api/v2/funnel" => method_not_allowed("POST"),
        "/api/live" | "/api/quality" if is_get => {
            let Some(answerer) = app.answerer.get() else {
                return Some(not_ready());
            };
            let parameter = |name: &str| {
                url::form_urlencoded::parse(query.as_bytes())
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.into_owned())
                    .unwrap_or_default()
            };
            let site = parameter("site");
            if path == "/api/live" {
                return Some(report(answerer.live(&site, now).await));
            }
            let day = |name: &str| parameter(name).parse::<jiff::civil::Date>();
            let (Ok(from), Ok(to)) = (day("from"), day("to")) else {
                return Some(super::error::json(
                    StatusCode::BAD_REQUEST,
                    &json!({ "error": "from and to must be days such as 2026-11-23" }),
                ));
            };
            report(answerer.quality(&site, from, to).await)
        }
        _ if is_get => return asset::dashboard_file(path.strip_prefix('/')?, request.headers()),
        _ => return None,
    })
}

fn report(answered: crate::query::Answer) -> Answer {
    let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    super::error::json(status, &answered.body)
}

fn ready(app: &App) -> Answer {
    if app.is_ready.load(Relaxed) {
        text(StatusCode::OK, "ready\n")
    } else {
        not_ready()
    }
}

fn not_ready() -> Answer {
    let mut answer = super::error::json(
        StatusCode::SERVICE_UNAVAILABLE,
        &json!({ "error": "ClickHouse does not answer yet; beacons are kept meanwhile" }),
    );
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn method_not_allowed(allowed: &'static str) -> Answer {
    let mut answer = refused(StatusCode::METHOD_NOT_ALLOWED, "method is not allowed here");
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}

fn is_loopback_name(request: &Request<Incoming>) -> bool {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    let name = if host.starts_with('[') {
        host.split_once(']')
            .map_or(host, |(address, _)| &address[1..])
    } else {
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    };
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_forwarded(request: &Request<Incoming>) -> bool {
    ["x-forwarded-for", "x-real-ip", "x-forwarded-host"]
        .iter()
        .any(|name| request.headers().contains_key(*name))
        || request.headers().contains_key(header::FORWARDED)
        || request.headers().contains_key(header::VIA)
}
