//! From a request to its handler by the table of [`routes`]. Also says which of the two faces of
//! the server an address shows.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::error::{Answer, answer, refused, text};
use super::gate::{self, Caller, Gate};
use super::lanes::Elsewhere;
use super::local::Connection;
use super::rate::Rate;
use super::ready::{self, Readiness};
use super::routes::{self, Face, Found, Handler, Params};
use super::{
    account, asset, choices, collect, entrance, kept, keys, letters, links, people, pixel, reports,
    snippet, suggest, tracker,
};
use crate::config::Config;
use crate::ingest::Pipeline;
use crate::stats::Answerer;
use crate::store::erase::Eraser;
use crate::telemetry::Counters;
use sillage_spool::Spool;

/// What an address shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faces {
    /// Beacons and the tracker: for everybody.
    pub collector: bool,
    /// Dashboard and queries: for those who may see reports.
    pub dashboard: bool,
    /// The metrics: for programs on this machine, or for those who reach an address of their own.
    pub metrics: bool,
}

impl Faces {
    /// What the address of the metrics shows.
    pub const METRICS: Self = Self {
        collector: false,
        dashboard: false,
        metrics: true,
    };
}

/// What the handlers share.
pub struct App {
    pub config: Config,
    pub pipeline: Pipeline,
    /// Who sends too much.
    pub rate: Rate,
    /// Who may see reports.
    pub gate: Gate,
    pub spool: Spool,
    /// The tracker's files, earlier ones included.
    pub releases: tracker::Releases,
    pub counters: Arc<Counters>,
    /// Set once ClickHouse answers.
    pub answerer: OnceLock<Answerer>,
    /// Takes erasures whether ClickHouse answers or not.
    pub eraser: Eraser,
    /// Which network asks the choices page for too much.
    pub choices_rate: Rate,
    /// Wakes who writes letters ([`crate::mail::post`]).
    pub wake_post: Arc<tokio::sync::Notify>,
    /// Whether queries are answered right now.
    pub readiness: Readiness,
    /// Whether the demo site is served under `/demo/`.
    pub has_demo: bool,
}

/// Answers one request: a beacon here, all else elsewhere if there is such a place.
pub fn route(
    app: Arc<App>,
    connection: Connection,
    elsewhere: Option<&Elsewhere>,
    request: Request<Incoming>,
) -> impl Future<Output = Answer> + Send + use<> {
    let (faces, peer) = (connection.faces, connection.peer.ip());
    // Most requests are this one. In the table, too, it is open to everybody.
    if faces.collector && request.method() == Method::POST && request.uri().path() == "/api/event" {
        return Either::Left(collect::collect(app, peer, request));
    }
    // On the heap, since a beacon's future would be as large as the largest of all.
    let other = Box::pin(async move { other(&app, &connection, request).await });
    Either::Right(match elsewhere.cloned() {
        Some(elsewhere) => Box::pin(async move { elsewhere.run(other).await }),
        None => other as Pin<Box<dyn Future<Output = Answer> + Send>>,
    })
}

/// Everything but beacons, by the table.
async fn other(app: &Arc<App>, connection: &Connection, request: Request<Incoming>) -> Answer {
    let (faces, peer) = (connection.faces, connection.peer.ip());
    let is_shown = |face| match face {
        Face::Both => true,
        Face::Collector => faces.collector,
        Face::Demo => faces.collector && app.has_demo,
        Face::Dashboard => faces.dashboard,
        Face::Metrics => faces.metrics,
    };
    let (route, params) = match routes::find(request.method(), request.uri().path(), &is_shown) {
        Found::Route(route, params) => (route, params),
        Found::OtherMethods(allowed) => return method_not_allowed(&allowed),
        Found::Nothing => return nothing(),
    };
    let admitted = app
        .gate
        .admit(app, connection, route, &params, &request)
        .await;
    match admitted {
        Ok(caller) => handle(app, peer, route.handler, params, caller, request).await,
        Err(answer) => answer,
    }
}

/// From the table's word to the function. Who comes here may.
async fn handle(
    app: &Arc<App>,
    peer: IpAddr,
    handler: Handler,
    params: Params,
    caller: Caller,
    request: Request<Incoming>,
) -> Answer {
    let path = request.uri().path();
    let headers = request.headers();
    match handler {
        Handler::Event => collect::collect(app.clone(), peer, request).await,
        Handler::EventPreflight => collect::preflight(app, headers),
        Handler::Tracker => app.releases.serve(path, headers).await,
        Handler::Pixel => pixel::pixel(app, peer, request).await,
        Handler::Choices => choices::choices(app, peer, request).await,
        Handler::Health => text(StatusCode::OK, "ok\n"),
        Handler::Ready => ready::ready(app),
        Handler::ReadyForBeacons => ready::ready_for_beacons(app),
        Handler::DemoRoot => {
            let mut answer = text(StatusCode::PERMANENT_REDIRECT, "");
            let place = HeaderValue::from_static("/demo/");
            answer.headers_mut().insert(header::LOCATION, place);
            answer
        }
        Handler::DemoFile => asset::demo_file(&params.rest, headers).unwrap_or_else(nothing),
        Handler::File => asset::dashboard_file(&params.rest, headers).unwrap_or_else(nothing),
        Handler::Metrics => answer(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            app.counters
                .render(&app.spool.stats(), app.pipeline.visits()),
        ),
        Handler::Dashboard
        | Handler::Sites
        | Handler::Query
        | Handler::Batch
        | Handler::Funnel
        | Handler::Changes
        | Handler::Export
        | Handler::Live
        | Handler::Quality => match caller.asker() {
            Some(asker) => reports::answer(app, peer, handler, &asker, request).await,
            None => gate::forbidden(),
        },
        Handler::LoginPage
        | Handler::LogIn
        | Handler::WelcomePage
        | Handler::Welcome
        | Handler::Style => entrance::answer(app, peer, handler, params, request).await,
        Handler::LogOut
        | Handler::AccountPage
        | Handler::ChangePassword
        | Handler::SecondFactor
        | Handler::LogOutOthers
        | Handler::Me => match caller {
            Caller::Person(logged_in) => account::answer(app, handler, logged_in, request).await,
            _ => gate::forbidden(),
        },
        Handler::People
        | Handler::Invite
        | Handler::SetRole
        | Handler::ResetPerson
        | Handler::RemovePerson
        | Handler::Audit => match caller {
            Caller::Person(logged_in) => {
                people::answer(app, handler, params, logged_in, request).await
            }
            _ => gate::forbidden(),
        },
        Handler::Share | Handler::UnlockShare => {
            links::open(app, peer, handler, params, request).await
        }
        Handler::Links | Handler::AddLink | Handler::RevokeLink => match caller {
            Caller::Person(logged_in) => {
                links::answer(app, handler, params, logged_in, request).await
            }
            _ => gate::forbidden(),
        },
        Handler::Snippet => snippet::answer(app, &params.site, request.uri().query()),
        Handler::Suggestions | Handler::PreviewGoal => {
            suggest::answer(app, handler, params, request).await
        }
        Handler::Subscriptions
        | Handler::Subscribe
        | Handler::Unsubscribe
        | Handler::PreviewLetter => letters::answer(app, handler, params, caller, request).await,
        Handler::Letters | Handler::DecideLetters => {
            letters::open(app, handler, params, request).await
        }
        Handler::Kept(kind, act) => kept::answer(app, kind, act, params, caller, request).await,
        Handler::Keys | Handler::AddKey | Handler::RevokeKey => match caller {
            Caller::Person(logged_in) => {
                keys::answer(app, handler, params, logged_in, request).await
            }
            _ => gate::forbidden(),
        },
    }
}

fn nothing() -> Answer {
    text(StatusCode::NOT_FOUND, "nothing is here\n")
}

fn method_not_allowed(allowed: &str) -> Answer {
    let mut answer = refused(StatusCode::METHOD_NOT_ALLOWED, "method is not allowed here");
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}
