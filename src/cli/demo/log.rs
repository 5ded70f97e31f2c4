//! Turns the lines of an access log in the combined format into the pageviews that a tracker would
//! have sent.

use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::Path;

use anyhow::Context;
use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde_json::json;

use crate::cli::demo::request::{Sent, Visitor, jar};
use crate::config::Site;

/// Endings of files that are not pages.
const NO_PAGES: &[&str] = &[
    ".png", ".jpg", ".jpeg", ".gif", ".ico", ".svg", ".webp", ".css", ".js", ".json", ".xml",
    ".txt", ".woff", ".woff2", ".ttf", ".map", ".pdf", ".gz", ".zip", ".tar", ".mp4",
];

/// Reads the successful pageviews of a log, in order, moved in time so that the last one is at
/// `now`.
///
/// # Errors
/// The file can't be read. Lines in another format are skipped.
pub fn read(path: &Path, site: &Site, now: Timestamp) -> anyhow::Result<Vec<Sent>> {
    let file =
        std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let reader: Box<dyn Read> = if path.extension().is_some_and(|ending| ending == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let host = site.hostnames.first().map_or("localhost", String::as_str);
    let mut sent = Vec::new();
    for (number, line) in BufReader::new(reader).lines().enumerate() {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        let Some(view) = parse(&line) else { continue };
        let body = json!({
            "n": "pageview",
            "u": format!("https://{host}{}", view.target),
            "d": site.id,
            "r": view.referrer,
            "c": 1,
            "cv": site.consent.policy,
            "k": format!("log{number}"),
        });
        sent.push(Sent {
            at: view.at,
            jar: jar(view.ip, view.agent),
            from: Visitor {
                ip: view.ip,
                agent: view.agent.into(),
                language: "en",
            },
            body: body.to_string(),
        });
    }
    sent.sort_by_key(|one| one.at);
    if let Some(last) = sent.last() {
        let shift = now.duration_since(last.at);
        for one in &mut sent {
            one.at += shift;
        }
    }
    Ok(sent)
}

struct View<'a> {
    ip: IpAddr,
    at: Timestamp,
    target: &'a str,
    referrer: Option<&'a str>,
    agent: &'a str,
}

/// `ip ident user [time] "GET target HTTP/x" status bytes "referrer" "agent"`
fn parse(line: &str) -> Option<View<'_>> {
    let (head, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = rest.split_once("\" ")?;
    let (status, rest) = rest.split_once(' ')?;
    let mut quoted = rest.split('"');
    let referrer = quoted.nth(1)?;
    let agent = quoted.nth(1)?;
    let target = request.strip_prefix("GET ")?.split(' ').next()?;
    let path = target.split('?').next()?.to_ascii_lowercase();
    let is_page = status == "200"
        && target.starts_with('/')
        && !NO_PAGES.iter().any(|ending| path.ends_with(ending));
    is_page.then_some(())?;
    Some(View {
        ip: head.split(' ').next()?.parse().ok()?,
        at: jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", time)
            .ok()?
            .to_timestamp()
            .ok()?,
        target,
        referrer: (referrer != "-").then_some(referrer),
        agent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_and_files_errors_and_other_lines_are_not() {
        let line = |target: &str, status: u16| {
            format!(
                "203.0.113.9 - - [17/May/2015:10:05:03 +0200] \"GET {target} HTTP/1.1\" {status} 20 \"http://a.example/x\" \"Agent/1.0 (x)\""
            )
        };
        let text = line("/blog/?a=1", 200);
        let view = parse(&text).expect("a page");
        assert_eq!(
            (view.target, view.referrer, view.agent),
            ("/blog/?a=1", Some("http://a.example/x"), "Agent/1.0 (x)")
        );
        assert_eq!(view.at.to_string(), "2015-05-17T08:05:03Z");
        assert!(parse(&line("/a.PNG?x", 200)).is_none());
        assert!(parse(&line("/missing", 404)).is_none());
        assert!(parse("nonsense").is_none());
        assert!(parse("").is_none());
    }
}
