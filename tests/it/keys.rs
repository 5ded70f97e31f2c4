//! API keys: each reads one site, has an hourly limit, and can be revoked with immediate effect.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    Answer, Collector, PASSWORD, binary, get, log_in, post, send, user_add, write_config,
};

/// A second site.
const OTHER_SITE: &str = "[[site]]\nid = \"other.example\"\n";

fn key_command(collector: &Collector, arguments: &[&str]) -> Output {
    binary()
        .args(["--log-level", "off", "key", "--config"])
        .arg(collector.folder.path().join("sillage.toml"))
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn start(extra: &str) -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), extra);
    user_add(folder.path(), "root", "*", "owner");
    Collector::start_guarded(folder)
}

fn ask(collector: &Collector, key: &str, site: &str) -> Answer {
    let query = json!({"site_id": site, "metrics": ["visitors"], "date_range": "day"});
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str())];
    post(
        collector.address,
        "/api/v2/query",
        &query.to_string(),
        &headers,
    )
}

#[test]
fn a_key_reads_its_site_until_it_is_revoked() {
    let collector = start(OTHER_SITE);
    let root = log_in(&collector, "root", PASSWORD);
    let me = get(collector.address, "/api/me", &[("Cookie", &root)]);
    let me: Value = serde_json::from_str(&me.body).expect("JSON");
    let headers = [
        ("Cookie", root.as_str()),
        ("x-sillage-csrf", me["csrf"].as_str().expect("a text")),
    ];
    let keys = "/api/sites/example.com/keys";
    let made = post(
        collector.address,
        keys,
        "{\"name\": \"weekly report\"}",
        &headers,
    );
    assert_eq!(made.status, 200, "{}", made.body);
    let made: Value = serde_json::from_str(&made.body).expect("JSON");
    let key = made["key"].as_str().expect("a key");
    assert!(key.starts_with("sk_") && key.len() == 67);
    for body in [
        "",
        "{}",
        "{\"name\": \"\"}",
        "{\"name\": \"x\", \"scopes\": [\"all\"]}",
        "{\"name\": \"x\", \"site\": \"other.example\"}",
    ] {
        assert_eq!(
            post(collector.address, keys, body, &headers).status,
            400,
            "{body}"
        );
    }
    let nowhere = post(
        collector.address,
        "/api/sites/nowhere/keys",
        "{\"name\": \"x\"}",
        &headers,
    );
    assert_eq!(nowhere.status, 403);

    let answer = ask(&collector, key, "example.com");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let other = ask(&collector, key, "other.example");
    let unknown = ask(&collector, key, "unknown.example");
    assert_eq!(
        (other.status, &other.body),
        (401, &unknown.body),
        "the answer does not reveal whether the site exists"
    );
    assert_eq!(unknown.status, 401);
    let batch = json!({"queries": [
        {"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"},
        {"site_id": "other.example", "metrics": ["visitors"], "date_range": "day"},
    ]});
    let bearer = format!("bearer {key}");
    let answer = post(
        collector.address,
        "/api/v2/batch",
        &batch.to_string(),
        &[("Authorization", &bearer)],
    );
    let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(
        (
            &answer["results"][0]["status"],
            &answer["results"][1]["status"]
        ),
        (&json!(200), &json!(401))
    );
    for wrong in ["", "sk_", "x", &key[..66], &key.to_uppercase(), &key[3..]] {
        assert_eq!(ask(&collector, wrong, "example.com").status, 401, "{wrong}");
    }
    // A wrong key is refused even with a valid log-in cookie.
    let query =
        json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"}).to_string();
    let both = [("Cookie", root.as_str()), ("Authorization", "Bearer x")];
    assert_eq!(
        post(collector.address, "/api/v2/query", &query, &both).status,
        401
    );

    let listed = get(collector.address, keys, &[("Cookie", &root)]);
    let listed: Value = serde_json::from_str(&listed.body).expect("JSON");
    let listed = &listed["keys"][0];
    assert_eq!(
        (&listed["name"], &listed["created_by"]),
        (&json!("weekly report"), &json!("root"))
    );
    assert_eq!(
        listed["used"].as_str().map(str::len),
        Some(10),
        "the last use is stored as a day"
    );
    let file = std::fs::read(collector.folder.path().join("data/control.db")).expect("read");
    assert!(
        !file
            .windows(key.len() - 3)
            .any(|window| window == &key.as_bytes()[3..])
    );
    let revoked = send(
        collector.address,
        "DELETE",
        &format!("{keys}/{}", made["id"]),
        "",
        &headers,
    );
    assert_eq!(revoked.status, 200);
    assert_eq!(ask(&collector, key, "example.com").status, 401);
    let again = send(
        collector.address,
        "DELETE",
        &format!("{keys}/{}", made["id"]),
        "",
        &headers,
    );
    assert_eq!(again.status, 404);
}

#[test]
fn the_command_line_manages_keys_beside_a_running_collector() {
    let collector = start("");
    let added = key_command(&collector, &["add", "example.com", "cron"]);
    let key = String::from_utf8(added.stdout)
        .expect("text")
        .trim()
        .to_owned();
    assert_eq!(ask(&collector, &key, "example.com").status, 200);
    let listed = String::from_utf8(key_command(&collector, &["list"]).stdout).expect("text");
    assert!(
        listed.contains("\"cron\" of example.com") && listed.contains("last used 20"),
        "{listed}"
    );
    assert!(!listed.contains(&key));
    let unknown = key_command(&collector, &["revoke", "77"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("sillage key list"));
    assert!(
        !key_command(&collector, &["add", "nowhere", "x"])
            .status
            .success()
    );
    assert!(key_command(&collector, &["revoke", "1"]).status.success());
    assert_eq!(ask(&collector, &key, "example.com").status, 401);
}

#[test]
fn a_key_has_an_hourly_limit_and_each_question_of_a_batch_counts() {
    let collector = start("[limits]\nkey_queries_per_hour_max = 4\n");
    let make = |name: &str| {
        let added = key_command(&collector, &["add", "example.com", name]);
        String::from_utf8(added.stdout)
            .expect("text")
            .trim()
            .to_owned()
    };
    let (key, other) = (make("one"), make("two"));
    let batch = |key: &str, count: usize| {
        let query = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"});
        let body = json!({"queries": vec![query; count]}).to_string();
        let bearer = format!("Bearer {key}");
        post(
            collector.address,
            "/api/v2/batch",
            &body,
            &[("Authorization", &bearer)],
        )
    };
    assert_eq!(ask(&collector, &key, "example.com").status, 200);
    assert_eq!(batch(&key, 4).status, 429);
    assert_eq!(batch(&key, 3).status, 200);
    let refused = ask(&collector, &key, "example.com");
    assert_eq!(refused.status, 429);
    let wait: u32 = refused
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("seconds");
    assert!((600..=901).contains(&wait), "{wait}");
    assert_eq!(batch(&other, 4).status, 200, "each key has its own limit");
}
