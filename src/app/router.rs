//! From a request to its handler, by the table of [`routes`].

use std::future::ready;
use std::sync::Arc;

use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, StatusCode};

use crate::access::App;
use crate::access::auth::admit;
use crate::access::call::{Call, PathParts};
use crate::access::faces::Faces;
use crate::access::identity::Identity;
use crate::app::routes::{self, Answering, Found, Handler, Route};
use crate::collector::beacon;
use crate::http::local::Connection;
use crate::http::response::{Answer, nothing, refused};
use crate::http::workers::MainRuntime;

/// Answers one request. A beacon is handled in the connection's task, everything else on the main
/// runtime, if there is one besides the calling one.
///
/// The search in the table allocates nothing for the first line, which is the beacon's; it costs
/// one comparison of method and path.
pub fn route(
    app: Arc<App>,
    faces: Faces,
    main: Option<&MainRuntime>,
    connection: Connection,
    request: Request<Incoming>,
) -> impl Future<Output = Answer> + Send + use<> {
    let is_shown = |face| faces.show(face, app.has_demo);
    let found = routes::find(request.method(), request.uri().path(), &is_shown);
    let (route, path) = match found {
        Found::Route(route, path) => (route, path),
        Found::OtherMethods(allowed) => {
            return Either::Right(Box::pin(ready(method_not_allowed(&allowed))) as Answering);
        }
        Found::Nothing => {
            return Either::Right(Box::pin(ready(nothing())) as Answering);
        }
    };
    let handler = match route.handler {
        // Everyone may use this route, so there is nothing to check.
        Handler::Beacon => {
            return Either::Left(beacon::collect(app, connection.peer.ip(), request));
        }
        Handler::Boxed(handler) => handler,
    };
    let other = async move {
        match admitted(app, faces, connection, route, path, request).await {
            Ok(call) => handler(call).await,
            Err(answer) => answer,
        }
    };
    Either::Right(match main.cloned() {
        Some(main) => Box::pin(async move { main.run(other).await }),
        None => Box::pin(other) as Answering,
    })
}

/// Checks the permissions of a request against its route's line.
///
/// # Errors
/// The answer to a refused request.
async fn admitted(
    app: Arc<App>,
    faces: Faces,
    connection: Connection,
    route: &Route,
    path: PathParts,
    request: Request<Incoming>,
) -> Result<Call<Identity, PathParts>, Answer> {
    let requirements = (route.who, route.proof);
    let identity = admit(&app, &connection, faces, requirements, &path.site, &request).await?;
    Ok(Call {
        app,
        connection,
        identity,
        path,
        request,
    })
}

fn method_not_allowed(allowed: &str) -> Answer {
    let mut answer = refused(StatusCode::METHOD_NOT_ALLOWED, "method is not allowed here");
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}
