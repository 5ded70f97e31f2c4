//! Access: the test calls every route as every kind of caller. A route without an expectation
//! fails.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};
use sillage::access::faces::Face;
use sillage::access::permission::Proof;
use sillage::app::routes::{ROUTES, Route};

use crate::support::{
    Answer, Collector, PASSWORD, binary, get, log_in, send, user_add, write_config,
};

/// The callers, in the order of the columns below. The site in question is example.com.
const ASKERS: [&str; 8] = [
    "nobody", "viewer", "editor", "owner", "stranger", "root", "key", "link",
];

/// `+` is allowed, `-` is refused: an anonymous caller, a viewer, an editor and an owner of the
/// site, the owner of another site (a "stranger"), an owner of every site, a key of the site, a
/// shared link to the site.
#[rustfmt::skip]
const EXPECTED: &[(&str, &str, &str)] = &[
    ("POST",    "/api/event",                  "++++++++"),
    ("OPTIONS", "/api/event",                  "++++++++"),
    ("GET",     "/s.js",                       "++++++++"),
    ("GET",     "/s.extra.js",                 "++++++++"),
    ("GET",     "/healthz",                    "++++++++"),
    ("GET",     "/readyz",                     "++++++++"),
    ("GET",     "/readyz/beacons",             "++++++++"),
    ("GET",     "/s/{rest}",                   "++++++++"),
    ("GET",     "/p.gif",                      "++++++++"),
    ("GET",     "/privacy",                    "++++++++"),
    ("POST",    "/privacy",                    "++++++++"),
    ("GET",     "/privacy/{rest}",             "++++++++"),
    ("GET",     "/api/event/choices",          "++++++++"),
    ("POST",    "/api/event/choices",          "++++++++"),
    ("GET",     "/.well-known/gpc.json",       "++++++++"),
    ("GET",     "/demo",                       "++++++++"),
    ("GET",     "/demo/{rest}",                "++++++++"),
    ("GET",     "/",                           "-+++++--"),
    ("POST",    "/api/v2/query",               "-+++-+++"),
    ("POST",    "/api/v2/funnel",              "-+++-+++"),
    ("POST",    "/api/v2/changes",             "-+++-+++"),
    ("POST",    "/api/v2/export",              "-+++-+++"),
    ("POST",    "/api/v2/batch",               "-+++++++"), // the stranger's batch is accepted, its question is refused
    ("GET",     "/api/live",                   "-+++-+--"),
    ("GET",     "/api/quality",                "-+++-+--"),
    ("GET",     "/api/sites",                  "-+++++--"), // the stranger sees their own
    ("GET",     "/api/sites/{site}/snippet",   "-+++-+--"),
    ("GET",     "/metrics",                    "++++++++"), // from this machine
    ("GET",     "/login",                      "++++++++"),
    ("POST",    "/login",                      "++++++++"),
    ("GET",     "/welcome/{token}",            "++++++++"),
    ("POST",    "/welcome/{token}",            "++++++++"),
    ("GET",     "/login.css",                  "++++++++"),
    ("POST",    "/logout",                     "-+++++--"),
    ("GET",     "/account",                    "-+++++--"),
    ("POST",    "/account/password",           "-+++++--"),
    ("POST",    "/account/second-factor",      "-+++++--"),
    ("POST",    "/account/others",             "-+++++--"),
    ("GET",     "/api/me",                     "-+++++--"),
    ("GET",     "/api/people",                 "---+++--"),
    ("POST",    "/api/people/invitations",     "---+-+--"), // to example.com
    ("PUT",     "/api/people/{id}/role",       "---+-+--"),
    ("POST",    "/api/people/{id}/reset",      "---+-+--"), // of the viewer
    ("DELETE",  "/api/people/{id}",            "---+-+--"),
    ("GET",     "/api/audit",                  "---+++--"),
    ("GET",     "/api/sites/{site}/keys",      "---+-+--"),
    ("POST",    "/api/sites/{site}/keys",      "---+-+--"),
    ("DELETE",  "/api/sites/{site}/keys/{id}", "---+-+--"),
    ("GET",     "/api/sites/{site}/links",     "---+-+--"),
    ("POST",    "/api/sites/{site}/links",     "---+-+--"),
    ("DELETE",  "/api/sites/{site}/links/{id}", "---+-+--"),
    ("GET",     "/share/{token}",              "++++++++"),
    ("POST",    "/share/{token}",              "++++++++"),
    ("GET", "/api/sites/{site}/goals", "-+++-+--"),
    ("POST", "/api/sites/{site}/goals", "--++-+--"),
    ("PUT", "/api/sites/{site}/goals/{id}", "--++-+--"),
    ("DELETE", "/api/sites/{site}/goals/{id}", "--++-+--"),
    ("POST", "/api/sites/{site}/goals/preview", "--++-+--"),
    ("GET", "/api/sites/{site}/suggestions", "--++-+--"),
    ("GET", "/api/sites/{site}/funnels", "-+++-+--"),
    ("POST", "/api/sites/{site}/funnels", "--++-+--"),
    ("PUT", "/api/sites/{site}/funnels/{id}", "--++-+--"),
    ("DELETE", "/api/sites/{site}/funnels/{id}", "--++-+--"),
    ("GET", "/api/sites/{site}/annotations", "-+++-+--"),
    ("POST", "/api/sites/{site}/annotations", "--++-+--"),
    ("PUT", "/api/sites/{site}/annotations/{id}", "--++-+--"),
    ("DELETE", "/api/sites/{site}/annotations/{id}", "--++-+--"),
    ("GET", "/api/sites/{site}/saved-filters", "-+++-+--"),
    ("POST", "/api/sites/{site}/saved-filters", "-+++-+--"), // a viewer's own
    ("PUT", "/api/sites/{site}/saved-filters/{id}", "-+++-+--"),
    ("DELETE", "/api/sites/{site}/saved-filters/{id}", "-+++-+--"),
    ("GET",     "/api/sites/{site}/subscriptions",      "-+++-+--"), // one's own
    ("POST",    "/api/sites/{site}/subscriptions",      "-+++-+--"),
    ("DELETE",  "/api/sites/{site}/subscriptions/{id}", "-+++-+--"),
    ("GET",     "/api/sites/{site}/letters/{id}",       "-+++-+--"),
    ("GET",     "/letters/{token}",            "++++++++"),
    ("POST",    "/letters/{token}",            "++++++++"),
    ("GET",     "/{rest}",                     "++++++++"),
];

struct Asker {
    name: &'static str,
    /// The header with the credential.
    credential: Option<(&'static str, String)>,
    csrf: String,
}

fn start() -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "[[site]]\nid = \"other.example\"\n");
    for (name, site, role) in [
        ("viewer", "example.com", "viewer"),
        ("editor", "example.com", "editor"),
        ("owner", "example.com", "owner"),
        ("stranger", "other.example", "owner"),
        ("root", "*", "owner"),
        // A person to reset and remove.
        ("victim", "example.com", "viewer"),
    ] {
        user_add(folder.path(), name, site, role);
    }
    // As a demo, so that the demo's routes exist.
    Collector::start_in(folder)
}

fn asker(collector: &Collector, name: &'static str) -> Asker {
    let credential = match name {
        "nobody" => None,
        "key" => {
            let made = binary()
                .args(["--log-level", "off", "key", "--config"])
                .arg(collector.folder.path().join("sillage.toml"))
                .args(["add", "example.com", "matrix"])
                .output()
                .expect("the binary starts");
            let key = String::from_utf8(made.stdout).expect("text");
            Some(("Authorization", format!("Bearer {}", key.trim())))
        }
        "link" => Some(("Authorization", format!("Bearer {}", link(collector)))),
        name => Some(("Cookie", log_in(collector, name, PASSWORD))),
    };
    let csrf = match &credential {
        Some(("Cookie", cookie)) => {
            let me = get(collector.address, "/api/me", &[("Cookie", cookie)]);
            let me: Value = serde_json::from_str(&me.body).expect("JSON");
            me["csrf"].as_str().expect("a text").to_owned()
        }
        _ => String::new(),
    };
    Asker {
        name,
        credential,
        csrf,
    }
}

/// The credential of a shared link's page. The owner of the site created the link.
fn link(collector: &Collector) -> String {
    let owner = asker(collector, "owner");
    let cookie = owner.credential.expect("a cookie").1;
    let headers = [
        ("Cookie", cookie.as_str()),
        ("x-sillage-csrf", owner.csrf.as_str()),
    ];
    let links = "/api/sites/example.com/links";
    let made = send(
        collector.address,
        "POST",
        links,
        "{\"name\": \"matrix\"}",
        &headers,
    );
    let made: Value = serde_json::from_str(&made.body).expect("JSON");
    let secret = made["path"]
        .as_str()
        .and_then(|path| path.strip_prefix("/share/"));
    format!("sl_{}", secret.expect("a path"))
}

/// Sends a valid request for the route, about example.com.
fn request(collector: &Collector, route: &Route, asker: &Asker, victim: i64, csrf: &str) -> Answer {
    let id = match route.name {
        "people::set_role" | "people::reset" | "people::remove" => victim,
        _ => 999_999,
    };
    let path = route
        .path
        .replace("{site}", "example.com")
        .replace("{id}", &id.to_string())
        .replace("{token}", &"0".repeat(64))
        .replace("{rest}", "nothing");
    let path = match route.name {
        "stats::live" => format!("{path}?site=example.com"),
        "stats::quality" => format!("{path}?site=example.com&from=2026-01-01&to=2026-01-02"),
        "site_objects::add::<SavedFilters>" => format!("{path}?own"),
        _ => path,
    };
    let query = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"});
    let body = match (route.proof, route.name) {
        (Proof::Form, _) => format!("csrf={csrf}"),
        (_, "stats::query") => query.to_string(),
        (_, "stats::batch") => json!({ "queries": [query] }).to_string(),
        (_, "stats::funnel") => {
            let step = json!({"filters": [["is", "event:page", ["/"]]]});
            json!({"site_id": "example.com", "date_range": "day", "steps": [step, step]})
                .to_string()
        }
        (_, "stats::changes") => {
            json!({"site_id": "example.com", "metric": "visitors", "date_range": "day"}).to_string()
        }
        (_, "stats::export") => {
            json!({"query": query, "format": "csv", "recipient": "x", "purpose": "y"}).to_string()
        }
        (_, "people::invite" | "people::set_role") => {
            json!({"site": "example.com", "role": "viewer"}).to_string()
        }
        (_, "site_objects::add::<Goals>") => {
            json!({"name": asker.name, "achieved_by": {"kind": "page", "pattern": "/"}}).to_string()
        }
        (_, "suggestions::preview_goal") => {
            json!({"name": "x", "achieved_by": {"kind": "page", "pattern": "/"}}).to_string()
        }
        (_, "site_objects::add::<Funnels>") => {
            let step = json!({"filters": [["is", "event:page", ["/"]]]});
            json!({"name": asker.name, "steps": [step, step]}).to_string()
        }
        (_, "subscriptions::add") => {
            json!({"kind": "alert", "to": "a@example.com", "language": "en"}).to_string()
        }
        (_, "site_objects::add::<Annotations>") => {
            json!({"at": "2026-11-24", "text": "x"}).to_string()
        }
        (_, "site_objects::add::<SavedFilters>") => {
            json!({"name": asker.name, "filters": [["is", "event:page", ["/"]]]}).to_string()
        }
        (_, "api_keys::add" | "shared_links::add") => json!({"name": "k"}).to_string(),
        _ => String::new(),
    };
    let mut headers = Vec::new();
    if let Some((name, value)) = &asker.credential {
        headers.push((*name, value.as_str()));
    }
    match route.proof {
        Proof::Form | Proof::Origin => headers.push(("Sec-Fetch-Site", "same-origin")),
        Proof::Header => headers.push(("x-sillage-csrf", csrf)),
        Proof::None | Proof::Link => {}
    }
    send(
        collector.address,
        route.method.as_str(),
        &path,
        &body,
        &headers,
    )
}

fn is_refused(answer: &Answer) -> bool {
    let is_sent_away =
        answer.header("location") == Some("/login") && answer.header("set-cookie").is_none();
    match answer.status {
        401 | 421 => true,
        303 => is_sent_away,
        403 => [
            "no permission to do this",
            "x-sillage-csrf",
            "another log-in",
        ]
        .iter()
        .any(|text| answer.body.contains(text)),
        _ => false,
    }
}

fn victim(collector: &Collector, root: &Asker) -> i64 {
    let cookie = &root.credential.as_ref().expect("a cookie").1;
    let people = get(collector.address, "/api/people", &[("Cookie", cookie)]);
    let people: Value = serde_json::from_str(&people.body).expect("JSON");
    let people = people["people"].as_array().expect("a list");
    let victim = people.iter().find(|person| person["name"] == "victim");
    victim
        .and_then(|person| person["id"].as_i64())
        .expect("a number")
}

#[test]
fn every_role_may_do_exactly_what_the_matrix_allows() {
    let expected: BTreeMap<(&str, &str), &str> = EXPECTED
        .iter()
        .map(|(method, path, row)| ((*method, *path), *row))
        .collect();
    for route in ROUTES {
        assert!(
            expected.contains_key(&(route.method.as_str(), route.path)),
            "{} {} is a new route: add its row to this test",
            route.method,
            route.path
        );
    }
    assert_eq!(
        expected.len(),
        ROUTES.len(),
        "an expectation for a route that does not exist"
    );

    let collector = start();
    let askers: Vec<Asker> = ASKERS.iter().map(|name| asker(&collector, name)).collect();
    let root = askers
        .iter()
        .find(|asker| asker.name == "root")
        .expect("a listed person");
    // Last, since a log-out ends the log-in that the other routes need.
    let (last, routes): (Vec<&Route>, Vec<&Route>) = ROUTES
        .iter()
        .partition(|route| route.name == "account::log_out");
    let mut faults = Vec::new();
    for route in routes.into_iter().chain(last) {
        let mut found = String::new();
        for asker in &askers {
            if route.name == "people::remove" && !found.is_empty() {
                user_again(&collector);
            }
            let victim = victim_id(&collector, root, route);
            let answer = request(&collector, route, asker, victim, &asker.csrf);
            assert!(
                answer.status < 500,
                "{} {}: {}",
                route.method,
                route.path,
                answer.body
            );
            // A person without a role on the caller's sites is answered like an unknown one.
            let is_unseen = answer.status == 404
                && matches!(
                    route.name,
                    "people::set_role" | "people::reset" | "people::remove"
                );
            let is_in = !is_refused(&answer) && !is_unseen;
            found.push(if is_in { '+' } else { '-' });
            if is_in && asker.name == "stranger" && route.face == Face::Dashboard {
                assert!(
                    !answer.body.contains("example.com"),
                    "{}: {}",
                    route.path,
                    answer.body
                );
            }
        }
        let row = expected[&(route.method.as_str(), route.path)];
        if found != row {
            faults.push(format!(
                "{} {}: {found}, not {row}",
                route.method, route.path
            ));
        }
    }
    assert!(faults.is_empty(), "{ASKERS:?}\n{}", faults.join("\n"));
}

/// The id of the person that the route is called for.
fn victim_id(collector: &Collector, root: &Asker, route: &Route) -> i64 {
    match route.name {
        "people::set_role" | "people::reset" | "people::remove" => victim(collector, root),
        _ => 0,
    }
}

/// Adds the victim again if it was removed.
fn user_again(collector: &Collector) {
    let listed = binary()
        .args(["--log-level", "off", "user", "--config"])
        .arg(collector.folder.path().join("sillage.toml"))
        .arg("list")
        .output()
        .expect("the binary starts");
    if !String::from_utf8_lossy(&listed.stdout).contains("victim") {
        user_add(collector.folder.path(), "victim", "example.com", "viewer");
    }
}

#[test]
fn changes_without_proof_of_intent_are_refused() {
    let collector = start();
    let root = asker(&collector, "root");
    let victim = victim(&collector, &root);
    let cookie = root.credential.as_ref().expect("a cookie").1.clone();
    let mut tried = 0;
    // The secret of a link is its proof of intent, and this request does not carry it.
    let needs_proof = |route: &&Route| !matches!(route.proof, Proof::None | Proof::Link);
    for route in ROUTES.iter().filter(needs_proof) {
        let path = route
            .path
            .replace("{site}", "example.com")
            .replace("{id}", &victim.to_string());
        if matches!(route.proof, Proof::Form | Proof::Header) {
            for token in ["", "0", &"0".repeat(64)] {
                let answer = request(&collector, route, &root, victim, token);
                assert_eq!(answer.status, 403, "{path} with the token {token:?}");
                tried += 1;
            }
        }
        let foreign = [
            ("Cookie", cookie.as_str()),
            ("Sec-Fetch-Site", "cross-site"),
            // With an https origin, the log-in cookie without the prefix would be ignored: 401.
            ("Origin", "http://evil.example"),
            ("x-sillage-csrf", root.csrf.as_str()),
        ];
        let body = format!("csrf={}", root.csrf);
        let answer = send(
            collector.address,
            route.method.as_str(),
            &path,
            &body,
            &foreign,
        );
        assert_eq!(answer.status, 403, "{path} from elsewhere");
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
    assert_eq!(
        get(collector.address, "/api/me", &[("Cookie", &cookie)]).status,
        200
    );
    assert!(ROUTES.iter().any(|route| route.method == Method::DELETE));
}

#[test]
fn a_malformed_id_in_a_path_is_not_found() {
    let collector = start();
    let root = asker(&collector, "root");
    let cookie = &root.credential.as_ref().expect("a cookie").1;
    let headers = [
        ("Cookie", cookie.as_str()),
        ("x-sillage-csrf", root.csrf.as_str()),
    ];
    // The id of a preview is a word, such as `week`.
    let has_id = |route: &&Route| route.path.contains("{id}") && !route.path.contains("/letters/");
    let mut tried = 0;
    for route in ROUTES.iter().filter(has_id) {
        for id in ["x", "0", "-1", "1x", "99999999999999999999"] {
            let path = route
                .path
                .replace("{site}", "example.com")
                .replace("{id}", id);
            let method = route.method.as_str();
            let answer = send(collector.address, method, &path, "", &headers);
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            tried += 1;
        }
    }
    assert!(tried >= 60, "{tried}");
    let people = get(collector.address, "/api/people", &[("Cookie", cookie)]);
    assert!(people.body.contains("victim"), "{}", people.body);
}
