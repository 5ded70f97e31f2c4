//! From a request to its handler by the table of [`routes`]. Also says which of the two faces of
//! the server an address shows.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::access::App;
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, StatusCode};

use crate::access::auth::{self, Caller};
use crate::api::api_keys;
use crate::api::people;
use crate::api::shared_links;
use crate::api::site_objects;
use crate::api::snippet;
use crate::api::stats;
use crate::api::subscriptions;
use crate::api::suggestions;
use crate::app::routes::{self, Face, Found, Handler, Params};
use crate::collector::beacon;
use crate::collector::choices;
use crate::collector::pixel;
use crate::http::local::Connection;
use crate::http::response::{Answer, answer, refused, text};
use crate::http::workers::Elsewhere;
use crate::pages::account;
use crate::pages::assets;
use crate::pages::login;

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
        return Either::Left(beacon::collect(app, peer, request));
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
        Handler::Event => beacon::collect(app.clone(), peer, request).await,
        Handler::EventPreflight => beacon::preflight(app, headers),
        Handler::Tracker => app.releases.serve(path, headers).await,
        Handler::Pixel => pixel::pixel(app, peer, request).await,
        Handler::Choices => choices::choices(app, peer, request).await,
        Handler::Health => text(StatusCode::OK, "ok\n"),
        Handler::Ready => crate::access::readiness::ready(app),
        Handler::ReadyForBeacons => crate::access::readiness::ready_for_beacons(app),
        Handler::DemoRoot => {
            let mut answer = text(StatusCode::PERMANENT_REDIRECT, "");
            let place = HeaderValue::from_static("/demo/");
            answer.headers_mut().insert(header::LOCATION, place);
            answer
        }
        Handler::DemoFile => assets::demo_file(&params.rest, headers).unwrap_or_else(nothing),
        Handler::File => assets::dashboard_file(&params.rest, headers).unwrap_or_else(nothing),
        Handler::Metrics => answer(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            app.counters
                .render(&app.spool.stats(), app.pipeline.visit_gauges()),
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
            Some(asker) => stats::answer(app, peer, handler, &asker, request).await,
            None => auth::forbidden(),
        },
        Handler::LoginPage
        | Handler::LogIn
        | Handler::WelcomePage
        | Handler::Welcome
        | Handler::Style => login::answer(app, peer, handler, params, request).await,
        Handler::LogOut
        | Handler::AccountPage
        | Handler::ChangePassword
        | Handler::SecondFactor
        | Handler::LogOutOthers
        | Handler::Me => match caller {
            Caller::Person(logged_in) => account::answer(app, handler, logged_in, request).await,
            _ => auth::forbidden(),
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
            _ => auth::forbidden(),
        },
        Handler::Share | Handler::UnlockShare => {
            shared_links::open(app, peer, handler, params, request).await
        }
        Handler::Links | Handler::AddLink | Handler::RevokeLink => match caller {
            Caller::Person(logged_in) => {
                shared_links::answer(app, handler, params, logged_in, request).await
            }
            _ => auth::forbidden(),
        },
        Handler::Snippet => snippet::answer(app, &params.site, request.uri().query()),
        Handler::Suggestions | Handler::PreviewGoal => {
            suggestions::answer(app, handler, params, request).await
        }
        Handler::Subscriptions
        | Handler::Subscribe
        | Handler::Unsubscribe
        | Handler::PreviewLetter => {
            subscriptions::answer(app, handler, params, caller, request).await
        }
        Handler::Letters | Handler::DecideLetters => {
            subscriptions::open(app, handler, params, request).await
        }
        Handler::Kept(kind, act) => {
            site_objects::answer(app, kind, act, params, caller, request).await
        }
        Handler::Keys | Handler::AddKey | Handler::RevokeKey => match caller {
            Caller::Person(logged_in) => {
                api_keys::answer(app, handler, params, logged_in, request).await
            }
            _ => auth::forbidden(),
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
