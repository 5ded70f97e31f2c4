//! Site objects: conflicts, names, limits and refusals.

use super::*;
use crate::control::database::in_memory;
use crate::control::people::{Role, add as add_person, remove as remove_person};
use serde_json::json;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn actor(site: &str, person: Option<PersonId>) -> Actor {
    Actor {
        site: site.into(),
        person,
        name: "ada".into(),
    }
}

fn goal(name: &str) -> Body {
    let goal = json!({"name": name, "achieved_by": {"kind": "page", "pattern": "/thanks"}});
    Kind::Goal.parse(goal).expect("a goal")
}

fn filter(name: &str) -> Body {
    let filter = json!({"name": name, "filters": [["is", "visit:country", ["JP"]]]});
    Kind::SavedFilter.parse(filter).expect("a filter")
}

#[test]
fn of_two_concurrent_edits_the_second_gets_a_conflict() {
    let mut connection = in_memory();
    let actor = actor("a", None);
    let id = add(&mut connection, at(1), &actor, &goal("one"), false).expect("added");
    let first = change(&mut connection, at(2), &actor, (id, 1), &goal("two")).expect("changed");
    assert_eq!(first, Changed::Done(2));
    let second =
        change(&mut connection, at(3), &actor, (id, 1), &goal("three")).expect("a conflict");
    let Changed::Conflict(present) = second else {
        panic!("{second:?}");
    };
    assert_eq!((present.version, &present.body["name"]), (2, &json!("two")));
    assert!(matches!(
        remove(&mut connection, at(3), &actor, Kind::Goal, (id, 1)),
        Ok(Changed::Conflict(_))
    ));
    assert_eq!(
        list(&connection, Kind::Goal, "a", None).expect("read"),
        [present]
    );
    assert_eq!(
        change(&mut connection, at(4), &actor, (id, 2), &goal("three")).expect("changed"),
        Changed::Done(3)
    );
    assert_eq!(
        remove(&mut connection, at(5), &actor, Kind::Goal, (id, 3)).expect("removed"),
        Changed::Done(3)
    );
    assert!(matches!(
        change(&mut connection, at(6), &actor, (id, 3), &goal("x")),
        Err(ControlError::NotThere)
    ));
    assert!(matches!(
        remove(&mut connection, at(6), &actor, Kind::Goal, (id, 3)),
        Err(ControlError::NotThere)
    ));
}

#[test]
fn names_are_unique_per_site_and_kind() {
    let mut connection = in_memory();
    let (a, b) = (actor("a", None), actor("b", None));
    let id = add(&mut connection, at(1), &a, &goal("one"), false).expect("added");
    assert!(matches!(
        add(&mut connection, at(1), &a, &goal("one"), false),
        Err(ControlError::Taken)
    ));
    add(&mut connection, at(1), &b, &goal("one"), false).expect("another site");
    add(&mut connection, at(1), &a, &filter("one"), false).expect("another kind");
    let two = add(&mut connection, at(1), &a, &goal("two"), false).expect("added");
    assert!(matches!(
        change(&mut connection, at(2), &a, (two, 1), &goal("one")),
        Err(ControlError::Taken)
    ));
    assert!(matches!(
        change(&mut connection, at(2), &b, (id, 1), &goal("x")),
        Err(ControlError::NotThere)
    ));
    assert!(matches!(
        remove(&mut connection, at(2), &a, Kind::SavedFilter, (id, 1)),
        Err(ControlError::NotThere)
    ));
    let names: Vec<String> = goals(&connection, "a")
        .expect("read")
        .into_iter()
        .map(|(_, goal)| goal.name)
        .collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn personal_objects_are_private_and_removed_with_the_person() {
    let mut connection = in_memory();
    let mut person = |name| {
        add_person(&mut connection, at(0), "x", name, "p", ("*", Role::Owner)).expect("added")
    };
    let (ada, bob) = (person("ada"), person("bob"));
    let (of_ada, of_bob) = (actor("a", Some(ada)), actor("a", Some(bob)));
    let id = add(&mut connection, at(1), &of_ada, &filter("mine"), true).expect("added");
    add(&mut connection, at(1), &of_bob, &filter("mine"), true)
        .expect("the same name for another person");
    add(&mut connection, at(1), &of_bob, &filter("mine"), false)
        .expect("the same name for the site");
    let seen = |connection: &Connection, person| {
        list(connection, Kind::SavedFilter, "a", person)
            .expect("read")
            .len()
    };
    assert_eq!(
        (seen(&connection, Some(ada)), seen(&connection, None)),
        (2, 1)
    );
    assert!(matches!(
        change(&mut connection, at(2), &of_bob, (id, 1), &filter("x")),
        Err(ControlError::NotThere)
    ));
    remove_person(&mut connection, at(3), "x", ada).expect("removed");
    assert_eq!(seen(&connection, Some(ada)), 1);
}

#[test]
fn goals_per_site_are_bounded() {
    let mut connection = in_memory();
    let actor = actor("a", None);
    for n in 0..Kind::Goal.count_max() {
        add(&mut connection, at(1), &actor, &goal(&n.to_string()), false).expect("added");
    }
    let one_more = add(&mut connection, at(1), &actor, &goal("one more"), false);
    assert!(matches!(one_more, Err(ControlError::Rule(_))));
}

#[test]
fn malformed_objects_are_refused_without_echoing_the_input() {
    for (kind, given) in [
        (Kind::Goal, json!({"name": "secret"})),
        (
            Kind::Goal,
            json!({"name": "x", "achieved_by": {"kind": "secret"}}),
        ),
        (
            Kind::Goal,
            json!({"name": "x", "secret": 1, "achieved_by": {"kind": "page", "pattern": "/"}}),
        ),
        (Kind::Annotation, json!("secret")),
        (
            Kind::Funnel,
            json!({"name": "secret", "order": "secret", "steps": []}),
        ),
        (Kind::SavedFilter, json!({"name": "secret"})),
    ] {
        let fault = kind.parse(given).err().expect("refused").to_string();
        assert!(
            fault.contains("shape") && !fault.contains("secret"),
            "{fault}"
        );
    }
}
