//! People: the first owner, invitations, reset links, roles, and removal.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::people::{after, csrf, folder_with_root, form, me, said};
use crate::support::{
    Answer, Collector, PASSWORD, binary, get, log_in, post, send, user_add, write_config,
};

fn user(folder: &Path, arguments: &[&str]) -> Output {
    let mut child = binary()
        .args(["--log-level", "off", "user", "--config"])
        .arg(folder.join("sillage.toml"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A command without a password may have ended already.
    let _ = stdin.write_all(PASSWORD.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

fn change(collector: &Collector, method: &str, path: &str, cookie: &str, body: &Value) -> Answer {
    let token = csrf(collector, cookie);
    let headers = [("Cookie", cookie), ("x-sillage-csrf", token.as_str())];
    send(collector.address, method, path, body.to_string(), &headers)
}

#[test]
fn the_first_start_prints_a_link_that_makes_one_owner() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "");
    let collector = Collector::start_guarded(folder);
    for path in ["/", "/account"] {
        let answer = get(collector.address, path, &[]);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/login")),
            "{path}"
        );
    }
    let query = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"});
    let answer = post(collector.address, "/api/v2/query", &query.to_string(), &[]);
    assert_eq!(answer.status, 401, "{}", answer.body);
    let page = get(collector.address, "/login", &[]);
    assert!(page.body.contains("set-up link"), "{}", page.body);

    let link = collector.set_up_link();
    let page = get(collector.address, &link, &[("Accept-Language", "de")]);
    assert!(page.body.contains("Willkommen"), "{}", page.body);
    let fields = [("name", "Ada"), ("password", "too short")];
    assert_eq!(form(&collector, &link, &fields, "").status, 400);
    let fields = [("name", "Ada"), ("password", PASSWORD)];
    let foreign = post(
        collector.address,
        &link,
        "name=x&password=abcdefghijklm",
        &[("Origin", "https://evil.example")],
    );
    assert_eq!(foreign.status, 403);
    let answer = form(&collector, &link, &fields, "");
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/login?welcome"))
    );
    assert_eq!(form(&collector, &link, &fields, "").status, 410, "a replay");
    assert_eq!(get(collector.address, &link, &[]).status, 410);

    let cookie = log_in(&collector, "ada", PASSWORD);
    assert_eq!(me(&collector, &cookie)["roles"], json!({"*": "owner"}));
    assert_eq!(
        get(collector.address, "/", &[("Cookie", &cookie)]).status,
        200
    );
    let answer = post(
        collector.address,
        "/api/v2/query",
        &query.to_string(),
        &[("Cookie", &cookie)],
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let log = collector.log();
    assert!(!log.contains(&link["/welcome/".len()..]), "{log}");
    // Other host names are allowed as well now, since the dashboard needs a log-in.
    let headers = [("Cookie", cookie.as_str()), ("Host", "stats.example.com")];
    assert_eq!(get(collector.address, "/", &headers).status, 200);
    assert_eq!(get(collector.address, "/metrics", &headers).status, 421);
}

#[test]
fn invitations_reset_links_and_removals_have_their_exact_effect() {
    let folder = folder_with_root();
    user_add(folder.path(), "owner", "example.com", "owner");
    let collector = Collector::start_guarded(folder);
    let (root, owner) = (
        log_in(&collector, "root", PASSWORD),
        log_in(&collector, "owner", PASSWORD),
    );
    let invite = |cookie: &str, site: &str, role: &str| {
        change(
            &collector,
            "POST",
            "/api/people/invitations",
            cookie,
            &json!({"site": site, "role": role}),
        )
    };
    assert_eq!(invite(&owner, "*", "viewer").status, 403);
    assert_eq!(invite(&owner, "other.example", "viewer").status, 403);
    assert_eq!(invite(&owner, "example.com", "king").status, 400);
    let answer = invite(&owner, "example.com", "editor");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let link = after(&answer.body, "\"path\":\"").to_owned();
    let taken = form(
        &collector,
        &link,
        &[("name", "ROOT"), ("password", PASSWORD)],
        "",
    );
    assert!(
        taken.status == 400 && taken.body.contains("taken"),
        "{}",
        taken.body
    );
    assert_eq!(
        form(
            &collector,
            &link,
            &[("name", "ed"), ("password", PASSWORD)],
            ""
        )
        .status,
        303
    );
    let ed = log_in(&collector, "ed", PASSWORD);
    assert_eq!(
        me(&collector, &ed)["roles"],
        json!({"example.com": "editor"})
    );
    assert_eq!(
        get(collector.address, "/api/people", &[("Cookie", &ed)]).status,
        403
    );

    let people = get(collector.address, "/api/people", &[("Cookie", &owner)]);
    let people: Value = serde_json::from_str(&people.body).expect("JSON");
    let names: Vec<&str> = people["people"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| p["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["ed", "owner"], "not those of other sites");
    let id = |cookie: &str| me(&collector, cookie)["id"].as_i64().expect("a number");
    let (root_id, ed_id) = (id(&root), id(&ed));
    let of = |person: i64, what: &str| format!("/api/people/{person}{what}");
    assert_eq!(
        change(&collector, "DELETE", &of(root_id, ""), &owner, &json!({})).status,
        404,
        "a person without a role on the owner's sites looks like an unknown one"
    );
    assert_eq!(
        change(
            &collector,
            "POST",
            &of(root_id, "/reset"),
            &owner,
            &json!({})
        )
        .status,
        404
    );
    assert_eq!(
        change(&collector, "DELETE", &of(root_id, ""), &root, &json!({})).status,
        400,
        "the last owner"
    );

    let reset = change(&collector, "POST", &of(ed_id, "/reset"), &owner, &json!({}));
    let link = after(&reset.body, "\"path\":\"").to_owned();
    assert_eq!(
        form(
            &collector,
            &link,
            &[("password", "another long password")],
            ""
        )
        .status,
        303
    );
    assert_eq!(
        get(collector.address, "/api/me", &[("Cookie", &ed)]).status,
        401,
        "a log-in from before the reset"
    );
    let ed = log_in(&collector, "ed", "another long password");

    let role = json!({"site": "example.com", "role": "viewer"});
    assert_eq!(
        change(&collector, "PUT", &of(ed_id, "/role"), &owner, &role).status,
        200
    );
    assert_eq!(
        me(&collector, &ed)["roles"],
        json!({"example.com": "viewer"})
    );
    assert_eq!(
        change(&collector, "DELETE", &of(ed_id, ""), &owner, &json!({})).status,
        200
    );
    assert_eq!(
        get(collector.address, "/api/me", &[("Cookie", &ed)]).status,
        401,
        "a log-in of a removed person"
    );
    assert_eq!(
        change(&collector, "DELETE", &of(ed_id, ""), &owner, &json!({})).status,
        404
    );

    let audit = get(collector.address, "/api/audit", &[("Cookie", &owner)]);
    for what in ["invited", "joined", "role_viewer"] {
        assert!(audit.body.contains(what), "{what} in {}", audit.body);
    }
    assert!(
        !audit.body.contains("person_removed"),
        "no entries about other sites: {}",
        audit.body
    );
    let audit = get(collector.address, "/api/audit", &[("Cookie", &root)]);
    assert!(
        audit.body.contains("person_removed") && !audit.body.contains("127.0.0.1"),
        "{}",
        audit.body
    );
}

#[test]
fn the_command_line_adds_lists_resets_and_removes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "");
    let list = user(folder.path(), &["list"]);
    assert!(said(&list).contains("sillage user add"), "{}", said(&list));
    assert_eq!(list.status.code(), Some(1));
    let add = user(folder.path(), &["add", "root"]);
    assert!(add.status.success(), "{}", said(&add));
    assert!(said(&add).contains("/login"));
    assert!(said(&user(folder.path(), &["add", "Root"])).contains("sillage user reset"));
    assert!(said(&user(folder.path(), &["add", "x", "--site", "nowhere"])).contains("nowhere"));
    assert!(
        said(&user(folder.path(), &["add", "x", "--role", "king"]))
            .contains("viewer, editor or owner")
    );
    assert!(
        user(
            folder.path(),
            &["add", "ed", "--site", "example.com", "--role", "editor"]
        )
        .status
        .success()
    );
    let listed = said(&user(folder.path(), &["list"]));
    assert!(
        listed.contains("root: owner of every site")
            && listed.contains("ed: editor of example.com"),
        "{listed}"
    );
    assert!(said(&user(folder.path(), &["remove", "root"])).contains("every site needs an owner"));
    assert!(said(&user(folder.path(), &["remove", "nobody"])).contains("sillage user list"));
    assert!(said(&user(folder.path(), &["reset", "ed"])).contains("/welcome/"));
    assert!(user(folder.path(), &["remove", "ed"]).status.success());
    assert!(!said(&user(folder.path(), &["list"])).contains("ed:"));
}

#[test]
fn an_unusable_control_database_stops_the_start_with_a_reason() {
    let folder = folder_with_root();
    let path = folder.path().join("data/control.db");
    std::fs::write(&path, "no database at all, but long enough to be taken for a header of one, or so one would think it is long").expect("written");
    let output = binary()
        .args(["--log-level", "off", "serve", "--config"])
        .arg(folder.path().join("sillage.toml"))
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("control.db is not a database of sillage"),
        "{}",
        said(&output)
    );
}

const SITES: &str = "[[site]]\nid = \"other.example\"\n";

/// A collector of two sites with `root`, owners of one site each, and a viewer of the first.
fn with_two_owners() -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), SITES);
    user_add(folder.path(), "root", "*", "owner");
    user_add(folder.path(), "ann", "example.com", "owner");
    user_add(folder.path(), "otto", "other.example", "owner");
    user_add(folder.path(), "avi", "example.com", "viewer");
    Collector::start_guarded_with(folder, SITES)
}

fn names_and_ids(collector: &Collector, cookie: &str) -> Vec<(String, i64)> {
    let people = get(collector.address, "/api/people", &[("Cookie", cookie)]);
    let people: Value = serde_json::from_str(&people.body).expect("JSON");
    let people = people["people"].as_array().expect("a list").iter();
    people
        .map(|one| {
            let name = one["name"].as_str().expect("a name").to_owned();
            (name, one["id"].as_i64().expect("a number"))
        })
        .collect()
}

#[test]
fn a_reset_link_ends_when_its_creator_may_not_manage_the_person() {
    let collector = with_two_owners();
    let (root, ann) = (
        log_in(&collector, "root", PASSWORD),
        log_in(&collector, "ann", PASSWORD),
    );
    let avi = names_and_ids(&collector, &ann);
    let avi = avi
        .iter()
        .find(|(name, _)| name == "avi")
        .expect("Ann sees Avi")
        .1;
    let path = format!("/api/people/{avi}/reset");
    let link = || {
        let made = change(&collector, "POST", &path, &ann, &json!({}));
        assert_eq!(made.status, 200, "{}", made.body);
        after(&made.body, "\"path\":\"").to_owned()
    };
    let role = |site: &str, role: Value| {
        let path = format!("/api/people/{avi}/role");
        let body = json!({"site": site, "role": role});
        assert_eq!(change(&collector, "PUT", &path, &root, &body).status, 200);
    };
    let opened = |link: &str| {
        let page = get(collector.address, link, &[]).status;
        let fields = [("password", "another long password")];
        (page, form(&collector, link, &fields, "").status)
    };
    assert_eq!(opened(&link()), (200, 303), "Ann owns all of Avi's sites");
    let before = link();
    role("other.example", json!("owner"));
    assert_eq!(opened(&before), (410, 410));
    let made = change(&collector, "POST", &path, &ann, &json!({}));
    assert_eq!(
        made.status, 403,
        "Ann no longer owns all of them: {}",
        made.body
    );
}

#[test]
fn an_owner_cannot_enumerate_people_of_other_sites() {
    let collector = with_two_owners();
    let (root, ann) = (
        log_in(&collector, "root", PASSWORD),
        log_in(&collector, "ann", PASSWORD),
    );
    let names = |cookie: &str| -> Vec<String> {
        let all = names_and_ids(&collector, cookie).into_iter();
        all.map(|(name, _)| name).collect()
    };
    let role = json!({"site": "example.com", "role": "viewer"});
    let everybody = names_and_ids(&collector, &root);
    let id_of = |name: &str| {
        everybody
            .iter()
            .find(|(each, _)| each == name)
            .expect("a listed person")
            .1
    };
    let unknown = change(&collector, "PUT", "/api/people/4711/role", &ann, &role);
    assert_eq!(unknown.status, 404);
    for name in ["root", "otto"] {
        for (method, what, body) in [
            ("PUT", "/role", &role),
            ("POST", "/reset", &json!({})),
            ("DELETE", "", &json!({})),
        ] {
            let path = format!("/api/people/{}{what}", id_of(name));
            let answer = change(&collector, method, &path, &ann, body);
            assert_eq!(
                (answer.status, &answer.body),
                (404, &unknown.body),
                "{method} {name}"
            );
        }
    }
    let malformed = change(&collector, "PUT", "/api/people/x/role", &ann, &role);
    assert_eq!((malformed.status, &malformed.body), (404, &unknown.body));
    assert_eq!(names(&ann), ["ann", "avi"]);
    // An owner of every site may give a role to any person.
    let path = format!("/api/people/{}/role", id_of("otto"));
    assert_eq!(change(&collector, "PUT", &path, &root, &role).status, 200);
    assert_eq!(names(&ann), ["ann", "avi", "otto"]);
}

#[test]
fn keys_and_links_end_with_the_owner_who_created_them() {
    let collector = with_two_owners();
    let (root, ann) = (
        log_in(&collector, "root", PASSWORD),
        log_in(&collector, "ann", PASSWORD),
    );
    let make = |cookie: &str, what: &str| {
        let path = format!("/api/sites/example.com/{what}");
        let made = change(&collector, "POST", &path, cookie, &json!({"name": what}));
        assert_eq!(made.status, 200, "{}", made.body);
        serde_json::from_str::<Value>(&made.body).expect("JSON")
    };
    let query = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "28d"});
    let ask = |made: &Value| {
        let bearer = match made["key"].as_str() {
            Some(key) => key.to_owned(),
            None => {
                let path = made["path"].as_str().expect("a path");
                format!("sl_{}", path.trim_start_matches("/share/"))
            }
        };
        let header = format!("Bearer {bearer}");
        let headers = [("Authorization", header.as_str())];
        post(
            collector.address,
            "/api/v2/query",
            &query.to_string(),
            &headers,
        )
        .status
    };
    let of_ann = [make(&ann, "keys"), make(&ann, "links")];
    let of_root = [make(&root, "keys"), make(&root, "links")];
    assert_eq!(of_ann.each_ref().map(ask), [200, 200]);
    let ann_id = names_and_ids(&collector, &ann)[0].1;
    // First the owner loses the role, then the person is removed.
    let role = |role: &str| {
        let path = format!("/api/people/{ann_id}/role");
        let body = json!({"site": "example.com", "role": role});
        assert_eq!(change(&collector, "PUT", &path, &root, &body).status, 200);
    };
    role("editor");
    assert_eq!(of_ann.each_ref().map(ask), [401, 401]);
    role("owner");
    let again = [make(&ann, "keys"), make(&ann, "links")];
    assert_eq!(again.each_ref().map(ask), [200, 200]);
    let path = format!("/api/people/{ann_id}");
    assert_eq!(
        change(&collector, "DELETE", &path, &root, &json!({})).status,
        200
    );
    assert_eq!(again.each_ref().map(ask), [401, 401]);
    assert_eq!(
        of_root.each_ref().map(ask),
        [200, 200],
        "keys and links of other owners stay"
    );
    let audit = get(collector.address, "/api/audit", &[("Cookie", &root)]);
    for what in ["key_revoked", "link_revoked"] {
        assert_eq!(
            audit.body.matches(what).count(),
            2,
            "{what}: {}",
            audit.body
        );
    }
}

#[test]
fn the_owner_of_every_site_can_remove_a_person_without_roles() {
    let collector = with_two_owners();
    let (root, ann) = (
        log_in(&collector, "root", PASSWORD),
        log_in(&collector, "ann", PASSWORD),
    );
    let avi = names_and_ids(&collector, &ann);
    let avi = avi
        .iter()
        .find(|(name, _)| name == "avi")
        .expect("Ann sees Avi")
        .1;
    let path = format!("/api/people/{avi}");
    let taken = json!({"site": "example.com", "role": null});
    assert_eq!(
        change(&collector, "PUT", &format!("{path}/role"), &ann, &taken).status,
        200
    );
    assert_eq!(
        change(&collector, "DELETE", &path, &ann, &json!({})).status,
        404
    );
    let reset = change(
        &collector,
        "POST",
        &format!("{path}/reset"),
        &root,
        &json!({}),
    );
    assert_eq!(reset.status, 200, "{}", reset.body);
    assert_eq!(
        change(&collector, "DELETE", &path, &root, &json!({})).status,
        200
    );
}
