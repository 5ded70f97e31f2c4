//! Every route of the server, in one table: method, path, which face shows it, who may, and what
//! proves that they meant it.
//!
//! The dispatcher works from this table and from nothing else, so a route that is not in it does
//! not exist, and the test of who may do what walks it: a new line without an expectation fails
//! there. In a path, `{site}`, `{id}` and `{token}` stand for one segment, percent-decoded;
//! `{rest}` at the end for all that follow.

use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::control::people::Role;
use crate::control::site_objects::Kind;

/// Which of the two faces of the server shows a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Both,
    /// For everybody: beacons, the tracker, the visitor's choices.
    Collector,
    /// The collector's, when `--demo` is given.
    Demo,
    /// For those who may see reports.
    Dashboard,
    /// The dashboard's, unless the metrics have an address of their own.
    Metrics,
}

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anyone,
    /// Programs on this machine, without a log-in.
    Local,
    /// Who may see reports of a site: a person who is logged in, or a demo without people. Which
    /// site, the answer checks.
    Reader,
    /// A [`Who::Reader`], an API key or a shared link. Which site, the answer checks.
    Asker,
    /// Who is logged in.
    Person,
    /// Who is logged in and owns a site; which one, the handler checks.
    Owner,
    /// Who has at least this role on the site in the path; a demo without people is a viewer.
    Has(Role),
}

/// What shows that a person meant it, and not a page of somebody else in their browser. Cookies are
/// `SameSite=Strict` besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Changes nothing, or is nothing that a log-in is needed for.
    None,
    /// A form of ours: the browser says it comes from this origin. There is no log-in yet that a
    /// token could belong to.
    Origin,
    /// A form of ours with the log-in's token in its field `csrf`, and from this origin.
    Form,
    /// The log-in's token in the header `x-sillage-csrf`.
    Header,
    /// The secret in the path, which was sent to one person only: mail programs press the button
    /// for them (RFC 8058), without saying where they come from.
    Link,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    Event,
    EventPreflight,
    Health,
    Ready,
    ReadyForBeacons,
    Tracker,
    Pixel,
    Choices,
    DemoRoot,
    DemoFile,
    Metrics,
    Query,
    Batch,
    Funnel,
    Changes,
    Export,
    Live,
    Quality,
    Sites,
    Dashboard,
    LoginPage,
    LogIn,
    LogOut,
    WelcomePage,
    Welcome,
    AccountPage,
    ChangePassword,
    SecondFactor,
    LogOutOthers,
    Style,
    Me,
    People,
    Invite,
    SetRole,
    ResetPerson,
    RemovePerson,
    Audit,
    Keys,
    AddKey,
    RevokeKey,
    Kept(Kind, Act),
    Snippet,
    Suggestions,
    PreviewGoal,
    Subscriptions,
    Subscribe,
    Unsubscribe,
    PreviewLetter,
    /// The page behind the link in a letter.
    Letters,
    DecideLetters,
    Links,
    AddLink,
    RevokeLink,
    Share,
    UnlockShare,
    File,
}

/// What is done to what people keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    List,
    Add,
    Change,
    Remove,
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
}

const fn route(
    method: Method,
    path: &'static str,
    face: Face,
    who: Who,
    proof: Proof,
    handler: Handler,
) -> Route {
    Route {
        method,
        path,
        face,
        who,
        proof,
        handler,
    }
}

/// The table; of two lines that fit, the first counts. `GET` is `HEAD` as well.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &{
    use Face::{Both, Collector, Dashboard, Demo, Metrics};
    use Handler as H;
    use Role::{Editor, Owner as SiteOwner, Viewer};
    use Who::{Anyone, Asker, Has, Local, Owner, Person, Reader};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const DELETE: Method = Method::DELETE;
    const OPTIONS: Method = Method::OPTIONS;
    [
        // Beacons first: most requests are one.
        route(POST,    "/api/event",                   Collector, Anyone, Proof::None,   H::Event),
        route(OPTIONS, "/api/event",                   Collector, Anyone, Proof::None,   H::EventPreflight),
        route(GET,     "/s.js",                        Collector, Anyone, Proof::None,   H::Tracker),
        route(GET,     "/s.extra.js",                  Collector, Anyone, Proof::None,   H::Tracker),
        route(GET,     "/s/{rest}",                    Collector, Anyone, Proof::None,   H::Tracker),
        route(GET,     "/p.gif",                       Collector, Anyone, Proof::None,   H::Pixel),
        route(GET,     "/healthz",                     Both,      Anyone, Proof::None,   H::Health),
        route(GET,     "/readyz",                      Both,      Anyone, Proof::None,   H::Ready),
        route(GET,     "/readyz/beacons",              Both,      Anyone, Proof::None,   H::ReadyForBeacons),
        // The visitor's choices; that they come from the page or the site, the handler checks.
        route(GET,     "/privacy",                     Collector, Anyone, Proof::None,   H::Choices),
        route(POST,    "/privacy",                     Collector, Anyone, Proof::None,   H::Choices),
        route(GET,     "/privacy/{rest}",              Collector, Anyone, Proof::None,   H::Choices),
        route(GET,     "/api/event/choices",           Collector, Anyone, Proof::None,   H::Choices),
        route(POST,    "/api/event/choices",           Collector, Anyone, Proof::None,   H::Choices),
        route(GET,     "/.well-known/gpc.json",        Collector, Anyone, Proof::None,   H::Choices),
        route(GET,     "/demo",                        Demo,      Anyone, Proof::None,   H::DemoRoot),
        route(GET,     "/demo/{rest}",                 Demo,      Anyone, Proof::None,   H::DemoFile),
        // Reports.
        route(GET,     "/",                            Dashboard, Reader, Proof::None,   H::Dashboard),
        route(POST,    "/api/v2/query",                Dashboard, Asker,  Proof::None,   H::Query),
        route(POST,    "/api/v2/batch",                Dashboard, Asker,  Proof::None,   H::Batch),
        route(POST,    "/api/v2/funnel",               Dashboard, Asker,  Proof::None,   H::Funnel),
        route(POST,    "/api/v2/changes",              Dashboard, Asker,  Proof::None,   H::Changes),
        route(POST,    "/api/v2/export",               Dashboard, Asker,  Proof::None,   H::Export),
        route(GET,     "/api/live",                    Dashboard, Reader, Proof::None,   H::Live),
        route(GET,     "/api/quality",                 Dashboard, Reader, Proof::None,   H::Quality),
        route(GET,     "/api/sites",                   Dashboard, Reader, Proof::None,   H::Sites),
        route(GET,     "/api/sites/{site}/snippet",    Dashboard, Has(Viewer), Proof::None, H::Snippet),
        route(GET,     "/metrics",                     Metrics,   Local,  Proof::None,   H::Metrics),
        // Getting in, and one's own account.
        route(GET,     "/login",                       Dashboard, Anyone, Proof::None,   H::LoginPage),
        route(POST,    "/login",                       Dashboard, Anyone, Proof::Origin, H::LogIn),
        route(GET,     "/welcome/{token}",             Dashboard, Anyone, Proof::None,   H::WelcomePage),
        route(POST,    "/welcome/{token}",             Dashboard, Anyone, Proof::Origin, H::Welcome),
        route(GET,     "/login.css",                   Dashboard, Anyone, Proof::None,   H::Style),
        route(POST,    "/logout",                      Dashboard, Person, Proof::Form,   H::LogOut),
        route(GET,     "/account",                     Dashboard, Person, Proof::None,   H::AccountPage),
        route(POST,    "/account/password",            Dashboard, Person, Proof::Form,   H::ChangePassword),
        route(POST,    "/account/second-factor",       Dashboard, Person, Proof::Form,   H::SecondFactor),
        route(POST,    "/account/others",              Dashboard, Person, Proof::Form,   H::LogOutOthers),
        route(GET,     "/api/me",                      Dashboard, Person, Proof::None,   H::Me),
        // Other people.
        route(GET,     "/api/people",                  Dashboard, Owner,  Proof::None,   H::People),
        route(POST,    "/api/people/invitations",      Dashboard, Owner,  Proof::Header, H::Invite),
        route(PUT,     "/api/people/{id}/role",        Dashboard, Owner,  Proof::Header, H::SetRole),
        route(POST,    "/api/people/{id}/reset",       Dashboard, Owner,  Proof::Header, H::ResetPerson),
        route(DELETE,  "/api/people/{id}",             Dashboard, Owner,  Proof::Header, H::RemovePerson),
        route(GET,     "/api/audit",                   Dashboard, Owner,  Proof::None,   H::Audit),
        // What programs ask with.
        route(GET,     "/api/sites/{site}/keys",       Dashboard, Has(SiteOwner), Proof::None,   H::Keys),
        route(POST,    "/api/sites/{site}/keys",       Dashboard, Has(SiteOwner), Proof::Header, H::AddKey),
        route(DELETE,  "/api/sites/{site}/keys/{id}",  Dashboard, Has(SiteOwner), Proof::Header, H::RevokeKey),
        // What anybody with a link reads.
        route(GET,     "/api/sites/{site}/links",      Dashboard, Has(SiteOwner), Proof::None,   H::Links),
        route(POST,    "/api/sites/{site}/links",      Dashboard, Has(SiteOwner), Proof::Header, H::AddLink),
        route(DELETE,  "/api/sites/{site}/links/{id}", Dashboard, Has(SiteOwner), Proof::Header, H::RevokeLink),
        route(GET,     "/share/{token}",               Dashboard, Anyone, Proof::None,   H::Share),
        route(POST,    "/share/{token}",               Dashboard, Anyone, Proof::Origin, H::UnlockShare),
        // What people keep with a site. Viewers keep filters of their own; the handler tells them
        // from the site's.
        route(GET,     "/api/sites/{site}/goals",      Dashboard, Has(Viewer), Proof::None,   H::Kept(Kind::Goal, Act::List)),
        route(POST,    "/api/sites/{site}/goals",      Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Goal, Act::Add)),
        route(PUT,     "/api/sites/{site}/goals/{id}", Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Goal, Act::Change)),
        route(DELETE,  "/api/sites/{site}/goals/{id}", Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Goal, Act::Remove)),
        route(POST,    "/api/sites/{site}/goals/preview",    Dashboard, Has(Editor), Proof::None,   H::PreviewGoal),
        route(GET,     "/api/sites/{site}/suggestions",      Dashboard, Has(Editor), Proof::None,   H::Suggestions),
        route(GET,     "/api/sites/{site}/funnels",      Dashboard, Has(Viewer), Proof::None,   H::Kept(Kind::Funnel, Act::List)),
        route(POST,    "/api/sites/{site}/funnels",      Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Funnel, Act::Add)),
        route(PUT,     "/api/sites/{site}/funnels/{id}", Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Funnel, Act::Change)),
        route(DELETE,  "/api/sites/{site}/funnels/{id}", Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Funnel, Act::Remove)),
        route(GET,     "/api/sites/{site}/annotations",      Dashboard, Has(Viewer), Proof::None,   H::Kept(Kind::Annotation, Act::List)),
        route(POST,    "/api/sites/{site}/annotations",      Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Annotation, Act::Add)),
        route(PUT,     "/api/sites/{site}/annotations/{id}", Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Annotation, Act::Change)),
        route(DELETE,  "/api/sites/{site}/annotations/{id}", Dashboard, Has(Editor), Proof::Header, H::Kept(Kind::Annotation, Act::Remove)),
        route(GET,     "/api/sites/{site}/saved-filters",      Dashboard, Has(Viewer), Proof::None,   H::Kept(Kind::SavedFilter, Act::List)),
        route(POST,    "/api/sites/{site}/saved-filters",      Dashboard, Has(Viewer), Proof::Header, H::Kept(Kind::SavedFilter, Act::Add)),
        route(PUT,     "/api/sites/{site}/saved-filters/{id}", Dashboard, Has(Viewer), Proof::Header, H::Kept(Kind::SavedFilter, Act::Change)),
        route(DELETE,  "/api/sites/{site}/saved-filters/{id}", Dashboard, Has(Viewer), Proof::Header, H::Kept(Kind::SavedFilter, Act::Remove)),
        // Letters that people subscribe to, each their own.
        route(GET,     "/api/sites/{site}/subscriptions",      Dashboard, Has(Viewer), Proof::None,   H::Subscriptions),
        route(POST,    "/api/sites/{site}/subscriptions",      Dashboard, Has(Viewer), Proof::Header, H::Subscribe),
        route(DELETE,  "/api/sites/{site}/subscriptions/{id}", Dashboard, Has(Viewer), Proof::Header, H::Unsubscribe),
        route(GET,     "/api/sites/{site}/letters/{id}",       Dashboard, Has(Viewer), Proof::None,   H::PreviewLetter),
        route(GET,     "/letters/{token}",             Dashboard, Anyone, Proof::None,   H::Letters),
        route(POST,    "/letters/{token}",             Dashboard, Anyone, Proof::Link,   H::DecideLetters),
        // The dashboard's own files; the same for everybody. Last, since it fits everything.
        route(GET,     "/{rest}",                      Dashboard, Anyone, Proof::None,   H::File),
    ]
};

/// What the path says beside the route.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Params {
    pub site: String,
    pub id: String,
    pub token: String,
    pub rest: String,
}

/// What became of a method and a path.
#[derive(Debug)]
pub enum Found {
    Route(&'static Route, Params),
    /// There are others for this path: the value of `Allow`.
    OtherMethods(String),
    Nothing,
}

/// The route of a request among those that `is_shown`.
pub fn find(method: &Method, path: &str, is_shown: &dyn Fn(Face) -> bool) -> Found {
    let asked = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut others = Vec::new();
    for route in ROUTES.iter().filter(|route| is_shown(route.face)) {
        let is_last = route.path == "/{rest}";
        if (route.method != *asked) && (is_last || route.handler == Handler::DemoFile) {
            continue;
        }
        let Some(params) = fits(route.path, path) else {
            continue;
        };
        if route.method == *asked {
            if is_last && !others.is_empty() {
                break;
            }
            return Found::Route(route, params);
        }
        // Preflights are not asked for by who reads `Allow`.
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

/// Whether a path is of a pattern, and what stands in its places.
fn fits(pattern: &str, path: &str) -> Option<Params> {
    if !pattern.contains('{') {
        return (pattern == path).then(Params::default);
    }
    let mut params = Params::default();
    let mut given = path.split('/');
    for part in pattern.split('/') {
        if part == "{rest}" {
            params.rest = given.next()?.to_owned();
            for segment in given {
                params.rest = format!("{}/{segment}", params.rest);
            }
            return Some(params);
        }
        let given = given.next()?;
        let place = match part {
            "{site}" => &mut params.site,
            "{id}" => &mut params.id,
            "{token}" => &mut params.token,
            _ if part == given => continue,
            _ => return None,
        };
        *place = percent_decode_str(given).decode_utf8().ok()?.into_owned();
    }
    given.next().is_none().then_some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_all(method: Method, path: &str) -> String {
        match find(&method, path, &|_| true) {
            Found::Route(route, params) => {
                format!("{:?} {} {}", route.handler, params.id, params.rest)
            }
            Found::OtherMethods(allow) => format!("405 {allow}"),
            Found::Nothing => "404".into(),
        }
    }

    #[test]
    fn requests_match_their_route() {
        for (method, path, expected) in [
            (Method::POST, "/api/event", "Event  "),
            (Method::PUT, "/api/event", "405 POST"),
            (Method::GET, "/api/event", "405 POST"),
            (Method::HEAD, "/s.js", "Tracker  "),
            (Method::POST, "/s.js", "405 GET, HEAD"),
            (Method::DELETE, "/privacy", "405 GET, HEAD, POST"),
            (Method::GET, "/", "Dashboard  "),
            (Method::GET, "/assets/a.js", "File  assets/a.js"),
            (Method::POST, "/assets/a.js", "404"),
            (Method::DELETE, "/api/people/7", "RemovePerson 7 "),
            (Method::PUT, "/api/people/a%2Fb/role", "SetRole a/b "),
            (Method::PUT, "/api/people/a/b/role", "404"),
        ] {
            assert_eq!(find_all(method.clone(), path), expected, "{method} {path}");
        }
    }

    #[test]
    fn no_route_is_shadowed_by_another() {
        for (index, route) in ROUTES.iter().enumerate() {
            for earlier in &ROUTES[..index] {
                let hides =
                    earlier.method == route.method && fits(earlier.path, route.path).is_some();
                assert!(!hides, "{} hides {}", earlier.path, route.path);
            }
        }
    }

    #[test]
    fn routes_that_change_data_require_proof_of_intent() {
        for route in ROUTES.iter().filter(|route| route.face == Face::Dashboard) {
            let is_question = matches!(
                route.handler,
                Handler::Query
                    | Handler::Batch
                    | Handler::Funnel
                    | Handler::Changes
                    | Handler::Export
                    | Handler::PreviewGoal
            );
            let changes = route.method != Method::GET && !is_question;
            assert_eq!(changes, route.proof != Proof::None, "{}", route.path);
            let needs_token = changes && route.who != Who::Anyone;
            let has_token = matches!(route.proof, Proof::Form | Proof::Header);
            assert_eq!(needs_token, has_token, "{}", route.path);
        }
    }
}
