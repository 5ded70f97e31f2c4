//! Shared links: each shows one site, read-only and through fixed filters, until it expires or is
//! revoked.

use serde_json::{Value, json};

use crate::support::{
    Answer, Collector, PASSWORD, get, log_in, pageview, post, send, user_add, write_config,
};

const LINKS: &str = "/api/sites/example.com/links";

struct Owner {
    cookie: String,
    csrf: String,
}

impl Owner {
    fn send(&self, collector: &Collector, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("x-sillage-csrf", self.csrf.as_str()),
        ];
        send(collector.address, method, path, body.to_string(), &headers)
    }

    /// Creates a link. Returns its id and its path.
    fn share(&self, collector: &Collector, wanted: &Value) -> (i64, String) {
        let answer = self.send(collector, "POST", LINKS, wanted);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let made: Value = serde_json::from_str(&answer.body).expect("JSON");
        (
            made["id"].as_i64().expect("a number"),
            made["path"].as_str().expect("a path").to_owned(),
        )
    }
}

fn start() -> (Collector, Owner) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "[[site]]\nid = \"other.example\"\n");
    user_add(folder.path(), "root", "*", "owner");
    let collector = Collector::start_guarded(folder);
    let cookie = log_in(&collector, "root", PASSWORD);
    let me = get(collector.address, "/api/me", &[("Cookie", &cookie)]);
    let me: Value = serde_json::from_str(&me.body).expect("JSON");
    let csrf = me["csrf"].as_str().expect("a text").to_owned();
    (collector, Owner { cookie, csrf })
}

/// The start data embedded in the page of a link.
fn boot(page: &Answer) -> Value {
    assert_eq!(page.status, 200, "{}", page.body);
    let start = page.body.split("id=\"boot\">").nth(1).expect("data");
    serde_json::from_str(start.split("</script>").next().expect("an end")).expect("JSON")
}

fn bearer(page: &Answer) -> String {
    boot(page)["link"]["bearer"]
        .as_str()
        .expect("a text")
        .to_owned()
}

fn ask(collector: &Collector, bearer: &str, query: &Value) -> Answer {
    let bearer = format!("Bearer {bearer}");
    post(
        collector.address,
        "/api/v2/query",
        &query.to_string(),
        &[("Authorization", &bearer)],
    )
}

fn pages(filters: Value, site: &str) -> Value {
    json!({"site_id": site, "metrics": ["pageviews"], "date_range": "28d", "filters": filters})
}

/// The single number of a report.
fn number(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let report: Value = serde_json::from_str(&answer.body).expect("JSON");
    report["results"][0]["metrics"][0].clone()
}

#[test]
fn a_shared_link_shows_only_what_its_filters_allow() {
    let (collector, owner) = start();
    // Twelve visitors on one page and fourteen on another: more than the floor of ten, below which
    // a link shows no counts.
    for number in 0..26 {
        let path = if number < 12 { "/a" } else { "/b" };
        let beacon = pageview(path, &number.to_string());
        assert_eq!(collector.beacon(&beacon).status, 202);
    }
    collector.until("SELECT count() FROM events", "26");
    let collector = collector.three_days_later(Collector::start_guarded);
    let wanted = json!({"name": "for the agency", "filters": [["is", "event:page", ["/a"]]]});
    let (id, path) = owner.share(&collector, &wanted);
    let page = get(collector.address, &path, &[]);
    let start = boot(&page);
    assert_eq!(start["sites"].as_array().map(Vec::len), Some(1));
    assert!(!page.body.contains("other.example"));
    assert_eq!(page.header("set-cookie"), None);
    let bearer = bearer(&page);
    assert_eq!(
        number(&ask(&collector, &bearer, &pages(json!([]), "example.com"))),
        json!(12)
    );
    for filters in [
        json!([["is", "event:page", ["/b"]]]),
        json!([[
            "or",
            [["is", "event:page", ["/b"]], ["is", "event:page", ["/c"]]]
        ]]),
    ] {
        assert_eq!(
            number(&ask(&collector, &bearer, &pages(filters, "example.com"))),
            json!(0)
        );
    }
    // Of a repeated member most JSON parsers take the last one. It must not replace the filters.
    let twice = "{\"site_id\":\"example.com\",\"metrics\":[\"pageviews\"],\"date_range\":\"28d\",\"filters\":[],\"filters\":[]}";
    let header = format!("Bearer {bearer}");
    let answer = post(
        collector.address,
        "/api/v2/query",
        twice,
        &[("Authorization", &header)],
    );
    assert_eq!(number(&answer), json!(12));
    let batch =
        json!({"queries": [pages(json!([]), "example.com"), pages(json!([]), "other.example")]});
    let answer = post(
        collector.address,
        "/api/v2/batch",
        &batch.to_string(),
        &[("Authorization", &header)],
    );
    let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(
        answer["results"][0]["body"]["results"][0]["metrics"],
        json!([12])
    );
    assert_eq!(answer["results"][1]["status"], json!(401));
    // The link's filters apply on the other routes as well.
    let export = json!({
        "query": pages(json!([]), "example.com"), "format": "csv", "recipient": "the agency", "purpose": "a test",
    });
    let asked = |route: &str, body: &Value| {
        let bearer = [("Authorization", header.as_str())];
        post(collector.address, route, &body.to_string(), &bearer)
    };
    let file = asked("/api/v2/export", &export);
    assert_eq!(file.status, 200, "{}", file.body);
    assert!(
        file.body.contains("12") && !file.body.contains("26"),
        "{}",
        file.body
    );
    let changes = json!({"site_id": "example.com", "metric": "pageviews", "date_range": "28d"});
    let answer = asked("/api/v2/changes", &changes);
    let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(answer["total"]["now"], json!(12), "{answer}");
    let step = json!({"filters": [["is", "event:page", ["/b"]]]});
    let funnel = json!({"site_id": "example.com", "date_range": "day", "steps": [step, step]});
    assert_eq!(asked("/api/v2/funnel", &funnel).status, 403);
    for body in ["", "[]", "{\"filters\": 1}", "{\"queries\": 1}"] {
        for route in ["/api/v2/query", "/api/v2/batch"] {
            let answer = post(
                collector.address,
                route,
                body,
                &[("Authorization", &header)],
            );
            assert!(
                matches!(answer.status, 400 | 401),
                "{route} {body}: {}",
                answer.body
            );
        }
    }
    // A rate divides by visitors that a filter on a goal or a property excludes.
    let fixed = json!({"name": "buyers", "filters": [["is", "event:props:plan", ["pro"]]]});
    let (_, path_of_buyers) = owner.share(&collector, &fixed);
    let of_buyers = boot(&get(collector.address, &path_of_buyers, &[]));
    let of_buyers = of_buyers["link"]["bearer"]
        .as_str()
        .expect("a text")
        .to_owned();
    for metric in ["conversion_rate", "group_conversion_rate"] {
        let mut query = pages(json!([]), "example.com");
        query["metrics"] = json!(["visitors", metric]);
        query["dimensions"] = json!(["visit:source"]);
        let refused = ask(&collector, &of_buyers, &query);
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(
            refused.body.contains("through this link"),
            "{}",
            refused.body
        );
    }
    // `or` over different dimensions would reveal intersections.
    let or = json!([[
        "or",
        [["is", "event:page", ["/a"]], ["is", "visit:source", ["x"]]]
    ]]);
    let refused = ask(&collector, &bearer, &pages(or, "example.com"));
    assert_eq!(refused.status, 400, "{}", refused.body);
    let revoked = owner.send(&collector, "DELETE", &format!("{LINKS}/{id}"), &json!({}));
    assert_eq!(revoked.status, 200);
    assert_eq!(
        ask(&collector, &bearer, &pages(json!([]), "example.com")).status,
        401,
        "at once"
    );
    assert_eq!(get(collector.address, &path, &[]).status, 410);
}

#[test]
fn a_shared_links_password_expiry_and_frame_origins_are_enforced() {
    let (collector, owner) = start();
    for (wanted, rule) in [
        (
            json!({"name": "x", "expires": "2020-01-01T00:00:00Z"}),
            "in the future",
        ),
        (json!({"name": "x", "expires": "tomorrow"}), "moment"),
        (json!({"name": "x", "password": "short"}), "12"),
        (
            json!({"name": "x", "filters": [["is", "event:nothing", ["/a"]]]}),
            "filters",
        ),
        (json!({"name": "x", "frame_ancestors": ["*"]}), "origins"),
        (json!({"name": "x", "role": "owner"}), "unknown"),
    ] {
        let answer = owner.send(&collector, "POST", LINKS, &wanted);
        assert_eq!(answer.status, 400, "{wanted}");
        assert!(answer.body.contains(rule), "{rule} in {}", answer.body);
    }
    let wanted = json!({
        "name": "board", "password": "the board's password", "expires": "2100-01-01T00:00:00Z",
        "frame_ancestors": ["https://intranet.example.com"],
    });
    let (_, path) = owner.share(&collector, &wanted);
    let policy = |answer: &Answer| {
        answer
            .header("content-security-policy")
            .expect("a policy")
            .to_owned()
    };
    let closed = get(collector.address, &path, &[("Accept-Language", "ja")]);
    assert!(
        closed.body.contains("type=\"password\"") && !closed.body.contains("id=\"boot\""),
        "{}",
        closed.body
    );
    assert!(
        policy(&closed).contains("frame-ancestors https://intranet.example.com"),
        "{}",
        policy(&closed)
    );
    let open = |password: &str| {
        let body = format!(
            "password={}",
            password.replace(' ', "+").replace('\'', "%27")
        );
        post(
            collector.address,
            &path,
            &body,
            &[("Sec-Fetch-Site", "same-origin")],
        )
    };
    assert_eq!(open("wrong password").status, 403);
    let opened = open("the board's password");
    assert!(policy(&opened).contains("frame-ancestors https://intranet.example.com"));
    let bearer = bearer(&opened);
    let query = pages(json!([]), "example.com");
    assert_eq!(ask(&collector, &bearer, &query).status, 200);
    let secret = bearer.split('.').next().expect("a secret");
    assert_eq!(
        ask(&collector, secret, &query).status,
        401,
        "the secret alone, without the password's token"
    );
    let forged = bearer.replacen(&bearer[bearer.len() - 4..], "0000", 1);
    assert_eq!(ask(&collector, &forged, &query).status, 401);
    assert!(!collector.log().contains(&path["/share/".len()..]));

    let (_, plain) = owner.share(&collector, &json!({"name": "plain"}));
    assert!(policy(&get(collector.address, &plain, &[])).contains("frame-ancestors 'none'"));
    let listed = get(collector.address, LINKS, &[("Cookie", &owner.cookie)]);
    assert!(
        listed.body.contains("\"has_password\":true") && !listed.body.contains("argon2"),
        "{}",
        listed.body
    );
    assert_eq!(
        get(
            collector.address,
            &format!("/share/{}", "0".repeat(64)),
            &[]
        )
        .status,
        410
    );
}
