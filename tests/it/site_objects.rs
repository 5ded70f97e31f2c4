//! Goals, funnels, annotations and saved filters through their JSON routes.

use serde_json::{Value, json};

use crate::support::{
    Answer, Collector, PASSWORD, cookie, get, log_in, pageview, post, send, user_add, write_config,
};

struct Someone {
    cookie: String,
    csrf: String,
}

impl Someone {
    fn log_in(collector: &Collector, name: &str) -> Self {
        let cookie = log_in(collector, name, PASSWORD);
        let me = get(collector.address, "/api/me", &[("Cookie", &cookie)]);
        let me: Value = serde_json::from_str(&me.body).expect("JSON");
        let csrf = me["csrf"].as_str().expect("a text").to_owned();
        Self { cookie, csrf }
    }

    fn send(&self, collector: &Collector, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("x-sillage-csrf", self.csrf.as_str()),
        ];
        let path = format!("/api/sites/example.com/{path}");
        send(collector.address, method, &path, body.to_string(), &headers)
    }

    fn list(&self, collector: &Collector, path: &str) -> Vec<Value> {
        let answer = self.send(collector, "GET", path, &Value::Null);
        assert_eq!(answer.status, 200, "{}", answer.body);
        parse(&answer)["items"].as_array().expect("a list").clone()
    }
}

fn parse(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).expect("JSON")
}

fn start() -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "");
    for (name, role) in [("viewer", "viewer"), ("one", "owner"), ("two", "owner")] {
        user_add(folder.path(), name, "example.com", role);
    }
    user_add(folder.path(), "root", "*", "owner");
    Collector::start_guarded(folder)
}

fn page_goal(name: &str, pattern: &str) -> Value {
    json!({"name": name, "achieved_by": {"kind": "page", "pattern": pattern}})
}

#[test]
fn concurrent_changes_by_two_owners_lose_nothing() {
    let collector = start();
    let (one, two) = (
        Someone::log_in(&collector, "one"),
        Someone::log_in(&collector, "two"),
    );
    let made = one.send(&collector, "POST", "goals", &page_goal("Thanks", "/thanks"));
    assert_eq!(made.status, 201, "{}", made.body);
    let made = parse(&made);
    let goal = format!("goals/{}", made["id"]);
    let change = |who: &Someone, version: i64, pattern: &str| {
        let body = json!({"version": version, "value": page_goal("Thanks", pattern)});
        who.send(&collector, "PUT", &goal, &body)
    };
    assert_eq!(parse(&change(&one, 1, "/thanks/*"))["version"], json!(2));
    let late = change(&two, 1, "/merci");
    assert_eq!(late.status, 409);
    let current = &parse(&late)["current"];
    assert_eq!(
        current["value"]["achieved_by"]["pattern"],
        json!("/thanks/*")
    );
    assert_eq!(
        (&current["version"], &current["changed_by"]),
        (&json!(2), &json!("one"))
    );
    assert_eq!(
        change(&two, 2, "/merci").status,
        200,
        "with the current version"
    );
    let remove = |version: i64| {
        one.send(
            &collector,
            "DELETE",
            &format!("{goal}?version={version}"),
            &Value::Null,
        )
    };
    assert_eq!(remove(2).status, 409);
    assert_eq!(
        one.send(&collector, "DELETE", &goal, &Value::Null).status,
        400
    );
    assert_eq!(two.list(&collector, "goals").len(), 1);
    assert_eq!(remove(3).status, 200);
    assert_eq!(remove(3).status, 404);
    assert_eq!(change(&two, 3, "/x").status, 404);
}

#[test]
fn invalid_objects_are_refused_with_the_rule_and_without_the_input() {
    let collector = start();
    let one = Someone::log_in(&collector, "one");
    for (path, value, rule) in [
        ("goals", page_goal("x", "canary"), "path"),
        (
            "goals",
            page_goal("x", &format!("/canary{}", "x".repeat(200))),
            "200 bytes",
        ),
        ("goals", page_goal("x", &"/canary*".repeat(9)), "8 stars"),
        ("goals", json!({"canary": 1}), "shape"),
        ("goals", page_goal("", "/"), "name"),
        ("funnels", json!({"name": "x", "steps": []}), "2 to 8 steps"),
        (
            "funnels",
            json!({"name": "x", "steps": [{"filters": [["is", "canary", ["x"]]]}, {"filters": []}]}),
            "#/steps/0/filters",
        ),
        ("annotations", json!({"at": "canary", "text": "x"}), "day"),
        (
            "annotations",
            json!({"at": "2026-11-24", "text": "canary".repeat(100)}),
            "500",
        ),
        (
            "saved-filters",
            json!({"name": "x", "filters": [["is", "canary", ["x"]]]}),
            "filters",
        ),
        (
            "saved-filters",
            json!({"name": "x", "filters": [["matches", "event:page", ["canary("]]]}),
            "filters",
        ),
    ] {
        let answer = one.send(&collector, "POST", path, &value);
        assert_eq!(answer.status, 400, "{path} {value}: {}", answer.body);
        assert!(answer.body.contains(rule), "{rule} in {}", answer.body);
        assert!(!answer.body.contains("canary"), "{}", answer.body);
    }
    let huge =
        json!({"name": "x", "filters": vec![json!(["is", "event:page", ["x".repeat(1_900)]]); 40]});
    assert_eq!(
        one.send(&collector, "POST", "saved-filters", &huge).status,
        413
    );
    let large =
        json!({"name": "x", "filters": vec![json!(["is", "event:page", ["x".repeat(1_900)]]); 10]});
    assert_eq!(
        one.send(&collector, "POST", "saved-filters", &large).status,
        400
    );
    assert_eq!(
        one.send(&collector, "POST", "goals", &page_goal("twice", "/"))
            .status,
        201
    );
    assert_eq!(
        one.send(&collector, "POST", "goals", &page_goal("twice", "/"))
            .status,
        409
    );
    assert_eq!(
        one.send(&collector, "POST", "goals?own", &page_goal("own", "/"))
            .status,
        400
    );
}

#[test]
fn a_viewer_saves_personal_filters_and_reads_the_sites_objects() {
    let collector = start();
    let (one, viewer) = (
        Someone::log_in(&collector, "one"),
        Someone::log_in(&collector, "viewer"),
    );
    let filter = json!({"name": "Japan", "filters": [["is", "visit:country", ["JP"]]]});
    let of_site = parse(&one.send(&collector, "POST", "saved-filters", &filter));
    assert_eq!(
        viewer
            .send(&collector, "POST", "saved-filters", &filter)
            .status,
        403
    );
    let own = viewer.send(&collector, "POST", "saved-filters?own", &filter);
    assert_eq!(own.status, 201, "{}", own.body);
    let own = parse(&own);
    assert_eq!(
        (
            viewer.list(&collector, "saved-filters").len(),
            one.list(&collector, "saved-filters").len()
        ),
        (2, 1)
    );
    let change = |who: &Someone, id: &Value| {
        let body = json!({"version": 1, "value": filter});
        who.send(&collector, "PUT", &format!("saved-filters/{id}"), &body)
            .status
    };
    assert_eq!(change(&viewer, &of_site["id"]), 403);
    assert_eq!(change(&one, &own["id"]), 404, "another person's filter");
    assert_eq!(change(&viewer, &own["id"]), 200);

    let note = json!({"at": "2026-11-24T15:30", "text": "新製品"});
    assert_eq!(
        one.send(&collector, "POST", "annotations", &note).status,
        201
    );
    assert_eq!(viewer.list(&collector, "annotations")[0]["value"], note);
    assert_eq!(
        viewer.send(&collector, "POST", "annotations", &note).status,
        403
    );
}

#[test]
fn all_saved_objects_survive_a_kill() {
    let collector = start();
    let one = Someone::log_in(&collector, "one");
    assert_eq!(
        one.send(&collector, "POST", "goals", &page_goal("Thanks", "/thanks"))
            .status,
        201
    );
    let collector = Collector::start_guarded(collector.kill());
    assert_eq!(
        one.list(&collector, "goals")[0]["value"],
        page_goal("Thanks", "/thanks")
    );
}

#[test]
fn a_saved_goal_can_be_queried_at_once_until_it_is_deleted() {
    let collector = start();
    let one = Someone::log_in(&collector, "one");
    let signup = |plan: &str, key: &str| {
        let body = json!({
            "n": "Signup", "u": "https://example.com/", "d": "example.com", "c": 1, "k": key, "p": {"plan": plan},
            "$": {"amount": 10, "currency": "EUR"},
        });
        assert_eq!(collector.beacon(&body.to_string()).status, 202);
    };
    for (plan, key) in [("pro", "a"), ("team", "b"), ("free", "c")] {
        signup(plan, key);
    }
    assert_eq!(collector.beacon(&pageview("/thanks/x", "d")).status, 202);
    collector.until("SELECT count() FROM events", "4");
    // The goal's row of the report: visitors, conversion rate and revenue.
    let ask = |collector: &Collector, goal: &str| {
        let metrics = match goal {
            "Paid" => json!(["visitors", "conversion_rate", "total_revenue"]),
            _ => json!(["visitors", "conversion_rate"]),
        };
        let query = json!({
            "site_id": "example.com", "metrics": metrics, "date_range": "day",
            "filters": [["is", "event:goal", [goal]]],
        });
        let someone = Someone::log_in(collector, "one");
        let headers = [("Cookie", someone.cookie.as_str())];
        let answer = post(
            collector.address,
            "/api/v2/query",
            &query.to_string(),
            &headers,
        );
        match answer.status {
            200 => parse(&answer)["results"][0]["metrics"].clone(),
            status => json!(status),
        }
    };
    assert_eq!(
        ask(&collector, "Paid"),
        json!(400),
        "the goal is not saved yet"
    );
    let paid = json!({
        "name": "Paid", "currency": "EUR",
        "achieved_by": {"kind": "event", "name": "Signup", "props": {"plan": ["pro", "team"]}},
    });
    let made = one.send(&collector, "POST", "goals", &paid);
    assert_eq!(made.status, 201, "{}", made.body);
    let thanks = page_goal("Thanks", "/thanks/*");
    assert_eq!(one.send(&collector, "POST", "goals", &thanks).status, 201);

    // `Paid`: two of four visitors, and twenty euros. `Thanks`: one of four.
    let answered = |collector: &Collector| {
        let reached = ask(collector, "Paid");
        assert_eq!(reached[0], json!(2), "{reached}");
        assert_eq!(reached[1], json!(50), "{reached}");
        assert_eq!(reached[2]["value"], json!(20.0), "{reached}");
        assert_eq!(ask(collector, "Thanks"), json!([1, 25]));
    };
    answered(&collector);
    let collector = Collector::start_guarded(collector.kill());
    answered(&collector);
    let one = Someone::log_in(&collector, "one");
    let id = &parse(&made)["id"];
    let gone = one.send(
        &collector,
        "DELETE",
        &format!("goals/{id}?version=1"),
        &Value::Null,
    );
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert_eq!(ask(&collector, "Paid"), json!(400));
    assert_eq!(ask(&collector, "Thanks"), json!([1, 25]));
}

#[test]
fn only_the_sites_saved_filters_can_be_queried_by_id() {
    let collector = start();
    let (one, viewer) = (
        Someone::log_in(&collector, "one"),
        Someone::log_in(&collector, "viewer"),
    );
    for (path, views) in [("/a", 7), ("/b", 8), ("/c", 9)] {
        for view in 0..views {
            let key = format!("{}{view}", &path[1..]);
            assert_eq!(collector.beacon(&pageview(path, &key)).status, 202);
        }
    }
    collector.until("SELECT count() FROM events", "24");
    let collector = collector.three_days_later(Collector::start_guarded);
    let save = |who: &Someone, to: &str, page: &str| {
        let filter = json!({"name": page, "filters": [["is", "event:page", [page]]]});
        let saved = who.send(&collector, "POST", to, &filter);
        assert_eq!(saved.status, 201, "{}", saved.body);
        parse(&saved)["id"].clone()
    };
    let (a, b) = (
        save(&one, "saved-filters", "/a"),
        save(&one, "saved-filters", "/b"),
    );
    let own = save(&viewer, "saved-filters?own", "/c");
    let question = |filters: Value| json!({"site_id": "example.com", "metrics": ["pageviews"], "date_range": "28d", "filters": filters});
    let ask = |path: &str, body: &Value| {
        let headers = [("Cookie", viewer.cookie.as_str())];
        post(collector.address, path, &body.to_string(), &headers)
    };
    let count = |filters: Value| {
        let answer = ask("/api/v2/query", &question(filters));
        assert_eq!(answer.status, 200, "{}", answer.body);
        parse(&answer)["results"][0]["metrics"][0].clone()
    };
    assert_eq!(count(json!([["is", "segment", [a]]])), json!(7));
    assert_eq!(count(json!([["is", "segment", [a, b]]])), json!(15));
    assert_eq!(count(json!([["not", ["is", "segment", [a]]]])), json!(17));
    let batch = json!({"queries": [question(json!([["is", "segment", [b]]]))]});
    let answer = parse(&ask("/api/v2/batch", &batch));
    assert_eq!(
        answer["results"][0]["body"]["results"][0]["metrics"],
        json!([8])
    );
    let file = json!({
        "query": question(json!([["is", "segment", [b]]])), "format": "csv", "recipient": "me", "purpose": "a test",
    });
    assert_eq!(ask("/api/v2/export", &file).body, "pageviews\r\n8\r\n");
    for id in [own, json!(9_999)] {
        let refused = ask("/api/v2/query", &question(json!([["is", "segment", [id]]])));
        assert_eq!(refused.status, 400);
        assert!(
            refused
                .body
                .contains("#/filters/0/2: the site has no saved filter"),
            "{}",
            refused.body
        );
    }
    // The id of another site's filter is refused as well.
    let mut other = question(json!([["is", "segment", [9_999]]]));
    other["site_id"] = json!("other.example");
    assert_eq!(ask("/api/v2/query", &other).status, 401);
}

#[test]
fn only_funnels_that_can_be_queried_can_be_saved() {
    let collector = start();
    let (one, viewer) = (
        Someone::log_in(&collector, "one"),
        Someone::log_in(&collector, "viewer"),
    );
    let step = |page: &str| json!({"filters": [["is", "event:page", [page]]]});
    let funnel =
        json!({"name": "Checkout", "order": "strict", "steps": [step("/cart"), step("/thanks")]});
    let made = one.send(&collector, "POST", "funnels", &funnel);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(
        viewer.send(&collector, "POST", "funnels", &funnel).status,
        403
    );
    let kept = viewer.list(&collector, "funnels").remove(0)["value"].clone();
    assert_eq!(kept, funnel);
    let question = json!({
        "site_id": "example.com", "date_range": "day", "steps": kept["steps"], "order": kept["order"],
    });
    let headers = [("Cookie", viewer.cookie.as_str())];
    let answer = post(
        collector.address,
        "/api/v2/funnel",
        &question.to_string(),
        &headers,
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn goals_are_suggested_from_events_and_can_be_tried_before_saving() {
    let collector = start();
    let one = Someone::log_in(&collector, "one");
    // Three visitors buy, one only looks.
    for person in 0..4 {
        let mut device = String::new();
        let mut send = |body: &str| {
            let answer = collector.beacon_with(body, &[("Cookie", device.as_str())]);
            assert_eq!(answer.status, 202, "{}", answer.body);
            if let Some(given) = cookie(&answer) {
                given.clone_into(&mut device);
            }
        };
        let seen = match person {
            3 => vec!["/", "/beans"],
            _ => vec!["/", "/cart", "/thank-you"],
        };
        for (index, path) in seen.iter().enumerate() {
            send(&pageview(path, &format!("{person}{index}")));
        }
        if person < 2 {
            let body = json!({
                "n": "Order", "u": "https://example.com/thank-you", "d": "example.com", "c": 1,
                "k": format!("o{person}"), "$": {"amount": 10, "currency": "EUR"},
            });
            send(&body.to_string());
        }
    }
    collector.until("SELECT count() FROM events", "13");
    let suggested = |collector: &Collector| {
        let answer = one.send(collector, "GET", "suggestions", &Value::Null);
        assert_eq!(answer.status, 200, "{}", answer.body);
        parse(&answer)
    };
    let found = suggested(&collector);
    let goal = |name: &str, by: Value, visits: u64| json!({"value": {"name": name, "achieved_by": by}, "visits": visits});
    let thanks = goal(
        "/thank-you",
        json!({"kind": "page", "pattern": "/thank-you"}),
        3,
    );
    let order = goal(
        "Order",
        json!({"kind": "event", "name": "Order", "props": {}}),
        2,
    );
    assert_eq!(found["goals"], json!([thanks, order]));
    let funnel = &found["funnels"][0];
    assert_eq!(funnel["visits"], json!(3), "{found}");
    let steps: Vec<&Value> = funnel["value"]["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| &step["filters"][0][2][0])
        .collect();
    assert_eq!(steps, ["/", "/cart", "/thank-you"]);
    let kept = one.send(&collector, "POST", "funnels", &funnel["value"]);
    assert_eq!(kept.status, 201, "{}", kept.body);

    let preview = |goal: &Value| {
        let answer = one.send(&collector, "POST", "goals/preview", goal);
        assert_eq!(answer.status, 200, "{}", answer.body);
        parse(&answer)
    };
    assert_eq!(
        preview(&thanks["value"]),
        json!({"days": 30, "visitors": 3, "conversions": 3, "conversion_rate": 75, "revenue": null})
    );
    let mut paid = order["value"].clone();
    paid["currency"] = json!("EUR");
    let tried = preview(&paid);
    assert_eq!(
        (&tried["visitors"], &tried["revenue"]["value"]),
        (&json!(2), &json!(20.0)),
        "{tried}"
    );
    let read =
        json!({"name": "Read", "achieved_by": {"kind": "scroll", "pattern": "/", "percent": 50}});
    assert_eq!(preview(&read)["visitors"], json!(0));
    let huge = page_goal("x", &"*a".repeat(40));
    let refused = one.send(&collector, "POST", "goals/preview", &huge);
    assert_eq!(refused.status, 400, "{}", refused.body);

    // Trying a goal does not save it, and saved goals are not suggested again.
    assert_eq!(one.list(&collector, "goals"), Vec::<Value>::new());
    let made = one.send(&collector, "POST", "goals", &order["value"]);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(suggested(&collector)["goals"], json!([thanks]));
}
