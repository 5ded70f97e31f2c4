//! Properties that hold an address: only web addresses are kept.
//!
//! Last step of parsing a beacon. A link can carry its content in its address: the table that a
//! page offers for download (`data:`), a person's mailbox or number (`mailto:`, `tel:`, `sms:`), a
//! path of the visitor's own disk (`file:`), code (`javascript:`). Our tracker sends none of these
//! since it looks at http and https links only; its earlier releases and other trackers do, so the
//! collector drops them from every sender.
//!
//! Two rules. In the events that trackers make of links and forms, `url`, `path` and `host` must be
//! what their names say. In any other property a value that is written as an address with one of
//! [`FOREIGN_SCHEMES`] is dropped. Only the property is dropped; the event counts.
//!
//! Deliberately not here: personal data inside a web address, which the privacy door scrubs; the
//! page's own address ([`PageUrl`](sillage_privacy::PageUrl)) and the referrer
//! ([`source`](crate::ingest::source)), which have their own rules.

use url::Url;

/// Events that trackers send by themselves: ours, then Plausible's.
const AUTOMATIC: [&str; 8] = [
    "outbound",
    "download",
    "form",
    "Outbound Link: Click",
    "File Download",
    "Cloaked Link: Click",
    "Form: Submission",
    "404",
];

/// Schemes of addresses that hold content, a person or a place on the visitor's machine instead of
/// a page.
const FOREIGN_SCHEMES: [&str; 20] = [
    "about",
    "blob",
    "callto",
    "cid",
    "data",
    "facetime",
    "facetime-audio",
    "file",
    "filesystem",
    "javascript",
    "mailto",
    "mms",
    "mmsto",
    "sip",
    "sips",
    "sms",
    "smsto",
    "tel",
    "vbscript",
    "xmpp",
];

/// Drops properties whose value is an address that is not a web address.
pub fn web_only(event: &str, mut props: Vec<(String, String)>) -> Vec<(String, String)> {
    let is_automatic = AUTOMATIC.contains(&event);
    props.retain(|(name, value)| match name.as_str() {
        "url" | "href" | "path" if is_automatic => is_web_address(value),
        "host" if is_automatic => is_host(value),
        _ => !is_foreign(value),
    });
    props
}

/// An http or https URL, or a path.
fn is_web_address(value: &str) -> bool {
    value.starts_with('/')
        || Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// A host with or without a port, written as browsers write it.
fn is_host(value: &str) -> bool {
    // A scheme's own port (443 of https) would be left out, so each is tried under a scheme that
    // has another.
    ["https", "http"].iter().any(|scheme| {
        let address = format!("{scheme}://{value}/");
        Url::parse(&address).is_ok_and(|url| url.as_str() == address && !value.contains(['/', '@']))
    })
}

/// Written as an address with a scheme of [`FOREIGN_SCHEMES`]. Browsers skip blanks around an
/// address and tabs and line breaks inside it. A blank behind the colon (`file: three pages`) is
/// prose.
fn is_foreign(value: &str) -> bool {
    let Some((scheme, rest)) = value.trim().split_once(':') else {
        return false;
    };
    let scheme: String = scheme
        .chars()
        .filter(|c| !c.is_ascii_control())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    FOREIGN_SCHEMES.contains(&&*scheme) && rest.starts_with(|c: char| c != ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(event: &str, name: &str, value: &str) -> bool {
        let props = vec![
            (name.to_owned(), value.to_owned()),
            ("plan".to_owned(), "pro".to_owned()),
        ];
        let kept = web_only(event, props);
        assert_eq!(kept.last().map(|(name, _)| name.as_str()), Some("plan"));
        kept.len() == 2
    }

    #[test]
    fn content_of_generated_files_is_dropped_from_every_event() {
        let table = "name;diagnosis\nErika Mustermann;asthma";
        for value in [
            format!("data:text/csv,{table}"),
            format!("DATA:text/csv;base64,{table}"),
            format!(" \u{1}da\nta:text/csv,{table}"),
            "blob:https://example.com/9115d58c-bcda-ff47-86e5-083e9a215304".to_owned(),
            "mailto:erika.mustermann@kanzlei.zip".to_owned(),
            "tel:+81312345678".to_owned(),
            "sms:+81312345678".to_owned(),
            "javascript:void(0)".to_owned(),
            "file:///home/erika/report.pdf".to_owned(),
            "filesystem:https://example.com/temporary/a.csv".to_owned(),
        ] {
            for event in AUTOMATIC.iter().chain(&["Export", "error"]) {
                for name in ["url", "href", "path", "host", "link"] {
                    assert!(!is_kept(event, name, &value), "{event} {name} {value}");
                }
            }
        }
    }

    #[test]
    fn automatic_events_keep_addresses_of_the_web_and_nothing_else() {
        for (event, name, value) in [
            ("download", "path", "/files/report.pdf"),
            ("outbound", "host", "other.example"),
            ("outbound", "host", "other.example:8443"),
            ("outbound", "host", "xn--r8jz45g.example"),
            ("outbound", "host", "[::1]:8080"),
            ("File Download", "url", "https://example.com/report.pdf"),
            ("Outbound Link: Click", "url", "http://other.example/a?b=c"),
            ("Form: Submission", "path", "/contact"),
            ("404", "path", "/gone"),
            ("download", "kind", "Annual report: 2026"),
        ] {
            assert!(is_kept(event, name, value), "{event} {name} {value}");
        }
        for (event, name, value) in [
            // What earlier trackers made of `data:`, `mailto:` and `blob:` links.
            (
                "download",
                "path",
                "text/csv;charset=utf-8,name%3Bdiagnosis",
            ),
            ("download", "path", "erika.mustermann@kanzlei.zip"),
            ("download", "path", "https:"),
            ("outbound", "host", ""),
            ("outbound", "host", "erika@kanzlei.example"),
            ("outbound", "host", "kanzlei.example/erika"),
            ("outbound", "host", "Erika Mustermann"),
            ("File Download", "url", "ftp://example.com/report.pdf"),
            ("File Download", "url", "tg://resolve?phone=81312345678"),
        ] {
            assert!(!is_kept(event, name, value), "{event} {name} {value}");
        }
    }

    #[test]
    fn prose_and_tags_with_a_colon_are_not_addresses() {
        for value in [
            "file: three pages",
            "size:XL",
            "10:30",
            "database:postgres",
            "https://other.example/a",
            "telephone:yes",
            ":",
            "",
        ] {
            assert!(is_kept("Signup", "note", value), "{value}");
        }
    }
}
