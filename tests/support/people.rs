//! People of a collector: adding them, logging in, submitting forms.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use super::{Answer, Collector, binary, cookie, get, post, write_config};

/// The password of every person that [`user_add`] adds.
pub const PASSWORD: &str = "a long enough password";

/// Runs `sillage user add`: a person with a role on a site (`*` = every site).
pub fn user_add(folder: &Path, name: &str, site: &str, role: &str) {
    let mut child = binary()
        .args(["--log-level", "off", "user", "--config"])
        .arg(folder.join("sillage.toml"))
        .args(["add", name, "--site", site, "--role", role])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all(PASSWORD.as_bytes())
        .expect("the command reads the password");
    drop(stdin);
    assert!(
        child.wait().expect("the command ends").success(),
        "{name} is added"
    );
}

/// Logs in. Returns the `name=value` of the cookie.
pub fn log_in(collector: &Collector, name: &str, password: &str) -> String {
    let body = format!("name={name}&password={}", password.replace(' ', "+"));
    let headers = [("Sec-Fetch-Site", "same-origin")];
    let answer = post(collector.address, "/login", &body, &headers);
    assert_eq!(answer.status, 303, "{name}: {}", answer.body);
    cookie(&answer).expect("a cookie").to_owned()
}

/// A folder with a configuration and `root`, an owner of every site.
pub fn folder_with_root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "");
    user_add(folder.path(), "root", "*", "owner");
    folder
}

/// The value of an attribute or JSON string that follows `before` in a page.
pub fn after<'a>(text: &'a str, before: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .expect("the text before the value")
        .1;
    rest.split('"').next().expect("a closing quote")
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

/// Submits a form of our pages as a browser does.
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
