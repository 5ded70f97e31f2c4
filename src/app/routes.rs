//! Every route of the server, in one table: method, path, the face that shows it, who may use it,
//! what proves intent, and its handler.
//!
//! The router works from this table only, so a route that is not in it does not exist. The test of
//! permissions walks the table: a new line without an expectation fails there. In a path, `{site}`,
//! `{id}` and `{token}` stand for one segment, percent-decoded; `{rest}` at the end for all
//! remaining segments.

use std::pin::Pin;

use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::access::call::{Call, PathParts, run};
use crate::access::faces::Face;
use crate::access::identity::Identity;
use crate::access::permission::{Proof, Who};
use crate::api::site_objects::{Annotations, Funnels, Goals, SavedFilters};
use crate::api::{
    api_keys, people, shared_links, site_objects, snippet, start_data, stats, subscriptions,
    suggestions,
};
use crate::app::health;
use crate::collector::{beacon, choices, pixel, tracker};
use crate::control::people::Role;
use crate::http::response::Answer;
use crate::pages::{account, dashboard, files, login, shared, unsubscribe, welcome};

/// The future of a handler, on the heap.
pub type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A handler as the table holds it.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// [`beacon::collect`], which runs in the connection's task. Its future is not boxed, so a
    /// beacon needs no allocation for it, and it is not as large as the largest future of other
    /// handlers.
    Beacon,
    /// Any other handler.
    Boxed(fn(Call<Identity, PathParts>) -> Answering),
}

/// One line of the table.
#[derive(Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub face: Face,
    pub who: Who,
    pub proof: Proof,
    pub handler: Handler,
    /// The handler's name, for tests.
    pub name: &'static str,
}

/// A line of the table. The handler is an `async fn(Call<I, P>) -> R`; see [`Call`].
macro_rules! route {
    ($method:expr, $path:literal, $face:expr, $who:expr, $proof:expr, beacon::collect) => {
        Route {
            method: $method,
            path: $path,
            face: $face,
            who: $who,
            proof: $proof,
            handler: Handler::Beacon,
            name: "beacon::collect",
        }
    };
    ($method:expr, $path:literal, $face:expr, $who:expr, $proof:expr, $handler:expr) => {
        Route {
            method: $method,
            path: $path,
            face: $face,
            who: $who,
            proof: $proof,
            handler: Handler::Boxed(|call| Box::pin(run($handler, call))),
            name: stringify!($handler),
        }
    };
}

/// The table. Of two lines that match, the first counts. `GET` includes `HEAD`.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &{
    use Face::{Both, Collector, Dashboard, Demo, Metrics};
    use Role::{Editor, Owner as SiteOwner, Viewer};
    use Who::{AnyReader, Anyone, Has, Local, Owner, Person, Reader};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const DELETE: Method = Method::DELETE;
    const OPTIONS: Method = Method::OPTIONS;
    [
        // Beacons first: most requests are beacons, and the first line that matches ends the
        // search.
        route!(POST,    "/api/event",                          Collector, Anyone,         Proof::None,   beacon::collect),
        route!(OPTIONS, "/api/event",                          Collector, Anyone,         Proof::None,   beacon::preflight),
        route!(GET,     "/s.js",                               Collector, Anyone,         Proof::None,   tracker::file),
        route!(GET,     "/s.extra.js",                         Collector, Anyone,         Proof::None,   tracker::file),
        route!(GET,     "/s/{rest}",                           Collector, Anyone,         Proof::None,   tracker::file),
        route!(GET,     "/p.gif",                              Collector, Anyone,         Proof::None,   pixel::pixel),
        route!(GET,     "/healthz",                            Both,      Anyone,         Proof::None,   health::alive),
        route!(GET,     "/readyz",                             Both,      Anyone,         Proof::None,   health::ready),
        route!(GET,     "/readyz/beacons",                     Both,      Anyone,         Proof::None,   health::ready_for_beacons),
        // The choices page. The handler checks that a choice comes from the page or the site.
        route!(GET,     "/privacy",                            Collector, Anyone,         Proof::None,   choices::show),
        route!(POST,    "/privacy",                            Collector, Anyone,         Proof::None,   choices::choose),
        route!(GET,     "/privacy/{rest}",                     Collector, Anyone,         Proof::None,   choices::document),
        route!(GET,     "/api/event/choices",                  Collector, Anyone,         Proof::None,   choices::show),
        route!(POST,    "/api/event/choices",                  Collector, Anyone,         Proof::None,   choices::choose),
        route!(GET,     "/.well-known/gpc.json",               Collector, Anyone,         Proof::None,   choices::gpc),
        route!(GET,     "/demo",                               Demo,      Anyone,         Proof::None,   files::demo_root),
        route!(GET,     "/demo/{rest}",                        Demo,      Anyone,         Proof::None,   files::demo),
        // Reports.
        route!(GET,     "/",                                   Dashboard, Reader,         Proof::None,   dashboard::page),
        route!(POST,    "/api/v2/query",                       Dashboard, AnyReader,      Proof::None,   stats::query),
        route!(POST,    "/api/v2/batch",                       Dashboard, AnyReader,      Proof::None,   stats::batch),
        route!(POST,    "/api/v2/funnel",                      Dashboard, AnyReader,      Proof::None,   stats::funnel),
        route!(POST,    "/api/v2/changes",                     Dashboard, AnyReader,      Proof::None,   stats::changes),
        route!(POST,    "/api/v2/export",                      Dashboard, AnyReader,      Proof::None,   stats::export),
        route!(GET,     "/api/live",                           Dashboard, Reader,         Proof::None,   stats::live),
        route!(GET,     "/api/quality",                        Dashboard, Reader,         Proof::None,   stats::quality),
        route!(GET,     "/api/sites",                          Dashboard, Reader,         Proof::None,   start_data::sites),
        route!(GET,     "/api/sites/{site}/snippet",           Dashboard, Has(Viewer),    Proof::None,   snippet::show),
        route!(GET,     "/metrics",                            Metrics,   Local,          Proof::None,   health::metrics),
        // Log-in, and one's own account.
        route!(GET,     "/login",                              Dashboard, Anyone,         Proof::None,   login::page),
        route!(POST,    "/login",                              Dashboard, Anyone,         Proof::Origin, login::log_in),
        route!(GET,     "/welcome/{token}",                    Dashboard, Anyone,         Proof::None,   welcome::page),
        route!(POST,    "/welcome/{token}",                    Dashboard, Anyone,         Proof::Origin, welcome::accept),
        route!(GET,     "/login.css",                          Dashboard, Anyone,         Proof::None,   login::style),
        route!(POST,    "/logout",                             Dashboard, Person,         Proof::Form,   account::log_out),
        route!(GET,     "/account",                            Dashboard, Person,         Proof::None,   account::page),
        route!(POST,    "/account/password",                   Dashboard, Person,         Proof::Form,   account::change_password),
        route!(POST,    "/account/second-factor",              Dashboard, Person,         Proof::Form,   account::change_second_factor),
        route!(POST,    "/account/others",                     Dashboard, Person,         Proof::Form,   account::log_out_others),
        route!(GET,     "/api/me",                             Dashboard, Person,         Proof::None,   people::me),
        // Other people.
        route!(GET,     "/api/people",                         Dashboard, Owner,          Proof::None,   people::list),
        route!(POST,    "/api/people/invitations",             Dashboard, Owner,          Proof::Header, people::invite),
        route!(PUT,     "/api/people/{id}/role",               Dashboard, Owner,          Proof::Header, people::set_role),
        route!(POST,    "/api/people/{id}/reset",              Dashboard, Owner,          Proof::Header, people::reset),
        route!(DELETE,  "/api/people/{id}",                    Dashboard, Owner,          Proof::Header, people::remove),
        route!(GET,     "/api/audit",                          Dashboard, Owner,          Proof::None,   people::audit_log),
        // API keys.
        route!(GET,     "/api/sites/{site}/keys",              Dashboard, Has(SiteOwner), Proof::None,   api_keys::list),
        route!(POST,    "/api/sites/{site}/keys",              Dashboard, Has(SiteOwner), Proof::Header, api_keys::add),
        route!(DELETE,  "/api/sites/{site}/keys/{id}",         Dashboard, Has(SiteOwner), Proof::Header, api_keys::revoke),
        // Shared links.
        route!(GET,     "/api/sites/{site}/links",             Dashboard, Has(SiteOwner), Proof::None,   shared_links::list),
        route!(POST,    "/api/sites/{site}/links",             Dashboard, Has(SiteOwner), Proof::Header, shared_links::add),
        route!(DELETE,  "/api/sites/{site}/links/{id}",        Dashboard, Has(SiteOwner), Proof::Header, shared_links::revoke),
        route!(GET,     "/share/{token}",                      Dashboard, Anyone,         Proof::None,   shared::page),
        route!(POST,    "/share/{token}",                      Dashboard, Anyone,         Proof::Origin, shared::unlock),
        // Objects of a site. Viewers may save filters of their own; the handler distinguishes them
        // from the site's.
        route!(GET,     "/api/sites/{site}/goals",             Dashboard, Has(Viewer),    Proof::None,   site_objects::list::<Goals>),
        route!(POST,    "/api/sites/{site}/goals",             Dashboard, Has(Editor),    Proof::Header, site_objects::add::<Goals>),
        route!(PUT,     "/api/sites/{site}/goals/{id}",        Dashboard, Has(Editor),    Proof::Header, site_objects::change::<Goals>),
        route!(DELETE,  "/api/sites/{site}/goals/{id}",        Dashboard, Has(Editor),    Proof::Header, site_objects::remove::<Goals>),
        route!(POST,    "/api/sites/{site}/goals/preview",     Dashboard, Has(Editor),    Proof::None,   suggestions::preview_goal),
        route!(GET,     "/api/sites/{site}/suggestions",       Dashboard, Has(Editor),    Proof::None,   suggestions::list),
        route!(GET,     "/api/sites/{site}/funnels",           Dashboard, Has(Viewer),    Proof::None,   site_objects::list::<Funnels>),
        route!(POST,    "/api/sites/{site}/funnels",           Dashboard, Has(Editor),    Proof::Header, site_objects::add::<Funnels>),
        route!(PUT,     "/api/sites/{site}/funnels/{id}",      Dashboard, Has(Editor),    Proof::Header, site_objects::change::<Funnels>),
        route!(DELETE,  "/api/sites/{site}/funnels/{id}",      Dashboard, Has(Editor),    Proof::Header, site_objects::remove::<Funnels>),
        route!(GET,     "/api/sites/{site}/annotations",       Dashboard, Has(Viewer),    Proof::None,   site_objects::list::<Annotations>),
        route!(POST,    "/api/sites/{site}/annotations",       Dashboard, Has(Editor),    Proof::Header, site_objects::add::<Annotations>),
        route!(PUT,     "/api/sites/{site}/annotations/{id}",  Dashboard, Has(Editor),    Proof::Header, site_objects::change::<Annotations>),
        route!(DELETE,  "/api/sites/{site}/annotations/{id}",  Dashboard, Has(Editor),    Proof::Header, site_objects::remove::<Annotations>),
        route!(GET,     "/api/sites/{site}/saved-filters",     Dashboard, Has(Viewer),    Proof::None,   site_objects::list::<SavedFilters>),
        route!(POST,    "/api/sites/{site}/saved-filters",     Dashboard, Has(Viewer),    Proof::Header, site_objects::add::<SavedFilters>),
        route!(PUT,     "/api/sites/{site}/saved-filters/{id}", Dashboard, Has(Viewer),    Proof::Header, site_objects::change::<SavedFilters>),
        route!(DELETE,  "/api/sites/{site}/saved-filters/{id}", Dashboard, Has(Viewer),    Proof::Header, site_objects::remove::<SavedFilters>),
        // Subscriptions to e-mails, each person their own.
        route!(GET,     "/api/sites/{site}/subscriptions",     Dashboard, Has(Viewer),    Proof::None,   subscriptions::list),
        route!(POST,    "/api/sites/{site}/subscriptions",     Dashboard, Has(Viewer),    Proof::Header, subscriptions::add),
        route!(DELETE,  "/api/sites/{site}/subscriptions/{id}", Dashboard, Has(Viewer),    Proof::Header, subscriptions::remove),
        route!(GET,     "/api/sites/{site}/letters/{id}",      Dashboard, Has(Viewer),    Proof::None,   subscriptions::preview),
        route!(GET,     "/letters/{token}",                    Dashboard, Anyone,         Proof::None,   unsubscribe::page),
        route!(POST,    "/letters/{token}",                    Dashboard, Anyone,         Proof::Link,   unsubscribe::decide),
        // The dashboard's files. Last, since it matches every path.
        route!(GET,     "/{rest}",                             Dashboard, Anyone,         Proof::None,   files::dashboard),
    ]
};

/// The result of a search in the table.
#[derive(Debug)]
pub enum Found {
    Route(&'static Route, PathParts),
    /// The path exists with other methods: the value of `Allow`.
    OtherMethods(String),
    Nothing,
}

/// The route of a request among those whose face `is_shown`.
pub fn find(method: &Method, path: &str, is_shown: &dyn Fn(Face) -> bool) -> Found {
    let asked = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut others = Vec::new();
    for route in ROUTES.iter().filter(|route| is_shown(route.face)) {
        let is_last = route.path == "/{rest}";
        if (route.method != *asked) && (is_last || route.path == "/demo/{rest}") {
            continue;
        }
        let Some(parts) = matches_path(route.path, path) else {
            continue;
        };
        if route.method == *asked {
            if is_last && !others.is_empty() {
                break;
            }
            return Found::Route(route, parts);
        }
        // Preflights are not listed in `Allow`.
        if route.method == Method::OPTIONS {
            continue;
        }
        others.push(route.method.as_str());
        if route.method == Method::GET {
            others.push("HEAD");
        }
    }
    if others.is_empty() {
        Found::Nothing
    } else {
        Found::OtherMethods(others.join(", "))
    }
}

/// Whether a path matches a pattern, and its variable segments.
fn matches_path(pattern: &str, path: &str) -> Option<PathParts> {
    if !pattern.contains('{') {
        return (pattern == path).then(PathParts::default);
    }
    let mut parts = PathParts::default();
    let mut given = path.split('/');
    for part in pattern.split('/') {
        if part == "{rest}" {
            parts.rest = given.next()?.to_owned();
            for segment in given {
                parts.rest = format!("{}/{segment}", parts.rest);
            }
            return Some(parts);
        }
        let given = given.next()?;
        let place = match part {
            "{site}" => &mut parts.site,
            "{id}" => &mut parts.id,
            "{token}" => &mut parts.token,
            _ if part == given => continue,
            _ => return None,
        };
        *place = percent_decode_str(given).decode_utf8().ok()?.into_owned();
    }
    given.next().is_none().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_all(method: Method, path: &str) -> String {
        match find(&method, path, &|_| true) {
            Found::Route(route, parts) => {
                format!("{} {} {}", route.name, parts.id, parts.rest)
            }
            Found::OtherMethods(allow) => format!("405 {allow}"),
            Found::Nothing => "404".into(),
        }
    }

    #[test]
    fn requests_match_their_route() {
        for (method, path, expected) in [
            (Method::POST, "/api/event", "beacon::collect  "),
            (Method::PUT, "/api/event", "405 POST"),
            (Method::GET, "/api/event", "405 POST"),
            (Method::HEAD, "/s.js", "tracker::file  "),
            (Method::POST, "/s.js", "405 GET, HEAD"),
            (Method::DELETE, "/privacy", "405 GET, HEAD, POST"),
            (Method::GET, "/", "dashboard::page  "),
            (Method::GET, "/assets/a.js", "files::dashboard  assets/a.js"),
            (Method::POST, "/assets/a.js", "404"),
            (Method::DELETE, "/api/people/7", "people::remove 7 "),
            (
                Method::PUT,
                "/api/people/a%2Fb/role",
                "people::set_role a/b ",
            ),
            (Method::PUT, "/api/people/a/b/role", "404"),
        ] {
            assert_eq!(find_all(method.clone(), path), expected, "{method} {path}");
        }
    }

    #[test]
    fn no_route_is_shadowed_by_another() {
        for (index, route) in ROUTES.iter().enumerate() {
            for earlier in &ROUTES[..index] {
                let hides = earlier.method == route.method
                    && matches_path(earlier.path, route.path).is_some();
                assert!(!hides, "{} hides {}", earlier.path, route.path);
            }
        }
    }

    #[test]
    fn routes_that_change_data_require_proof_of_intent() {
        for route in ROUTES.iter().filter(|route| route.face == Face::Dashboard) {
            let is_question =
                route.path.starts_with("/api/v2/") || route.name == "suggestions::preview_goal";
            let changes = route.method != Method::GET && !is_question;
            assert_eq!(changes, route.proof != Proof::None, "{}", route.path);
            let needs_token = changes && route.who != Who::Anyone;
            let has_token = matches!(route.proof, Proof::Form | Proof::Header);
            assert_eq!(needs_token, has_token, "{}", route.path);
        }
    }

    #[test]
    fn the_beacon_is_the_first_route_and_the_only_one_without_a_box() {
        let beacons: Vec<usize> = (0..ROUTES.len())
            .filter(|index| matches!(ROUTES[*index].handler, Handler::Beacon))
            .collect();
        assert_eq!(beacons, [0]);
        // The router checks no permission for a beacon.
        assert_eq!((ROUTES[0].who, ROUTES[0].proof), (Who::Anyone, Proof::None));
    }
}
