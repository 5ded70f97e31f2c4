//! People of a collector: adding them, logging in, filling in forms.

use std::process::Output;

use serde_json::Value;

use super::{Answer, Collector, get, post, user_add, write_config};

/// A folder with a configuration and one owner of every site, `root`.
pub fn folder_with_root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "");
    user_add(folder.path(), "root", "*", "owner");
    folder
}

/// The value of an attribute or JSON string that follows `before` in a page.
pub fn after<'a>(text: &'a str, before: &str) -> &'a str {
    let rest = text.split_once(before).expect("it is there").1;
    rest.split('"').next().expect("it ends")
}

pub fn me(collector: &Collector, cookie: &str) -> Value {
    let answer = get(collector.address, "/api/me", &[("Cookie", cookie)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

pub fn csrf(collector: &Collector, cookie: &str) -> String {
    me(collector, cookie)["csrf"]
        .as_str()
        .expect("a text")
        .to_owned()
}

/// A form of our own, as a browser sends it.
pub fn form(collector: &Collector, path: &str, fields: &[(&str, &str)], cookie: &str) -> Answer {
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut headers = vec![("Sec-Fetch-Site", "same-origin")];
    if !cookie.is_empty() {
        headers.push(("Cookie", cookie));
    }
    post(collector.address, path, &body, &headers)
}

pub fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).expect("text")
}
