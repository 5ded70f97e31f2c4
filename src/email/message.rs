//! Writes e-mails: a subject, plain text, and the same content as HTML without remote resources.

use std::fmt::Write as _;

use crate::control::subscription::{Cadence, Topic};
use crate::email::alert::{Alert, Kind};
use crate::email::summary::{Summary, Totals};
use crate::email::texts::Texts;
use crate::html::escape;

/// The links in an e-mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The dashboard of this site.
    pub dashboard: Option<String>,
    /// Ends the subscription in one click (RFC 8058). The address also accepts POST.
    pub unsubscribe: Option<String>,
}

/// An e-mail that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// One line.
    pub subject: String,
    pub text: String,
    pub html: String,
    /// For the header `List-Unsubscribe`.
    pub unsubscribe: Option<String>,
}

/// Most characters of a value in a list. Longer ones are cut.
const VALUE_CHARS_MAX: usize = 80;

/// Writes a summary.
pub fn of_summary(summary: &Summary, texts: &Texts, links: &Links) -> Email {
    let period = summary.period;
    let (first, last) = (texts.date(period.first), texts.date(period.last));
    let dates = match period.first == period.last {
        true => first.clone(),
        false => format!("{first} – {last}"),
    };
    let visitors = texts.count(summary.now.visitors);
    let subject = texts.fill(
        "subject",
        &[
            ("site", &summary.site),
            ("visitors", &visitors),
            ("dates", &dates),
        ],
    );
    let about = texts.fill(
        match summary.cadence {
            Cadence::Day => "period_day",
            Cadence::Week => "period_week",
            Cadence::Month => "period_month",
        },
        &[("first", &first), ("last", &last)],
    );
    let mut page = Page::new(texts, &summary.site, &about);
    if summary.now.visits == 0 && summary.now.pageviews == 0 {
        page.paragraph(texts.get("nothing"));
    } else {
        page.table(&totals(&summary.now, &summary.before, texts));
        for (key, rows) in [
            ("pages", &summary.pages),
            ("sources", &summary.sources),
            ("countries", &summary.countries),
        ] {
            page.list(texts.get(key), texts.get("list_head"), &named(rows, texts));
        }
        page.paragraph(texts.get(if summary.is_exact {
            "note_exact"
        } else {
            "note_daily"
        }));
    }
    page.finish(subject, links)
}

/// Writes an alert.
pub fn of_alert(site: &str, alert: &Alert, texts: &Texts, links: &Links) -> Email {
    let clock = |at: &jiff::ZonedDateTime| at.strftime("%H:%M").to_string();
    let (visitors, usual) = (texts.count(alert.visitors), texts.count(alert.usual));
    let (since, until) = (clock(&alert.since), clock(&alert.until));
    let date = texts.date(alert.since.date());
    let pairs = [
        ("site", site),
        ("visitors", visitors.as_str()),
        ("usual", usual.as_str()),
        ("since", since.as_str()),
        ("until", until.as_str()),
        ("date", date.as_str()),
    ];
    let (subject, text) = match alert.kind {
        Kind::Spike => ("spike_subject", "spike_text"),
        Kind::Drop => ("drop_subject", "drop_text"),
    };
    let mut page = Page::new(texts, site, &texts.fill(text, &pairs));
    page.paragraph(texts.get("rule"));
    page.finish(texts.fill(subject, &pairs), links)
}

/// Writes the first e-mail to an address, with the link to confirm or decline the subscription. It
/// is the only one until the holder of the address confirms. It contains no text that the
/// subscriber chose, such as a name, because the address may belong to a stranger.
pub fn of_request(site: &str, topic: Topic, texts: &Texts, link: &str) -> Email {
    let topic = texts.get(match topic {
        Topic::Summary(Cadence::Day) => "topic_day",
        Topic::Summary(Cadence::Week) => "topic_week",
        Topic::Summary(Cadence::Month) => "topic_month",
        Topic::Alert => "topic_alert",
    });
    let pairs = [("site", site), ("topic", topic)];
    let mut page = Page::new(texts, site, &texts.fill("request_text", &pairs));
    page.link("request_open", Some(link));
    page.paragraph(texts.get("request_otherwise"));
    page.finish(texts.fill("request_subject", &pairs), &Links::default())
}

/// Name, number, number of the period before, change.
type Line = [String; 4];

fn totals(now: &Totals, before: &Totals, texts: &Texts) -> Vec<Line> {
    let has_before = before.visits > 0 || before.pageviews > 0;
    let line = |key: &str, write: &dyn Fn(f64) -> String, number: f64, earlier: f64| {
        let (old, change) = if has_before {
            let change = (earlier > 0.0).then(|| (number / earlier - 1.0) * 100.0);
            (
                format!("{} {}", texts.get("before"), write(earlier)),
                change.map_or_else(String::new, |change| texts.percent(change, true)),
            )
        } else {
            (texts.get("no_before").to_owned(), String::new())
        };
        [texts.get(key).to_owned(), write(number), old, change]
    };
    let count = |number: f64| texts.count(number as u64);
    let percent = |number: f64| texts.percent(number, false);
    let mean = |number: f64| texts.decimal(number, 2);
    let duration = |seconds: f64| texts.duration(seconds);
    vec![
        line(
            "visitors",
            &count,
            now.visitors as f64,
            before.visitors as f64,
        ),
        line("visits", &count, now.visits as f64, before.visits as f64),
        line(
            "pageviews",
            &count,
            now.pageviews as f64,
            before.pageviews as f64,
        ),
        line(
            "views_per_visit",
            &mean,
            now.views_per_visit,
            before.views_per_visit,
        ),
        line("bounce_rate", &percent, now.bounce_rate, before.bounce_rate),
        line(
            "visit_duration",
            &duration,
            now.visit_duration,
            before.visit_duration,
        ),
    ]
}

/// Values under their displayed names, and their numbers.
fn named(rows: &[(String, u64)], texts: &Texts) -> Vec<(String, String)> {
    let name = |value: &str| match value {
        "Direct / None" => texts.get("direct").to_owned(),
        "(not set)" => texts.get("unknown").to_owned(),
        value if value.chars().count() > VALUE_CHARS_MAX => {
            let cut: String = value.chars().take(VALUE_CHARS_MAX - 1).collect();
            cut + "…"
        }
        value => value.to_owned(),
    };
    rows.iter()
        .map(|(value, count)| (name(value), texts.count(*count)))
        .collect()
}

/// Text and HTML of an e-mail, written together so that they say the same.
struct Page<'a> {
    texts: &'a Texts,
    text: String,
    html: String,
}

const TABLE: &str = "border-collapse:collapse;width:100%";
const CELL: &str = "padding:6px 8px;border-bottom:1px solid #d9dee5;text-align:left";
const NUMBER: &str =
    "padding:6px 8px;border-bottom:1px solid #d9dee5;text-align:right;white-space:nowrap";
const QUIET: &str = "color:#4b5563;font-size:13px";

// Writing to a String can't fail, so the result of `write!` is ignored.
impl<'a> Page<'a> {
    fn new(texts: &'a Texts, heading: &str, about: &str) -> Self {
        let mut page = Self {
            texts,
            text: String::new(),
            html: String::new(),
        };
        let _ = writeln!(page.text, "{heading}\n{about}");
        let _ = write!(
            page.html,
            "<h1 style=\"margin:0 0 4px;font-size:22px\">{}</h1><p style=\"margin:0 0 16px\">{}</p>",
            escape(heading),
            escape(about)
        );
        page
    }

    fn paragraph(&mut self, text: &str) {
        let _ = write!(self.text, "\n{text}\n");
        let _ = write!(self.html, "<p style=\"{QUIET}\">{}</p>", escape(text));
    }

    fn table(&mut self, lines: &[Line]) {
        let _ = write!(self.html, "<table style=\"{TABLE}\">");
        self.text.push('\n');
        for [name, number, before, change] in lines {
            let change_text = if change.is_empty() {
                before.clone()
            } else {
                format!("{change}, {before}")
            };
            let _ = writeln!(self.text, "{name}: {number} ({change_text})");
            let _ = write!(
                self.html,
                "<tr><th scope=\"row\" style=\"{CELL};font-weight:normal\">{}</th><td style=\"{NUMBER};font-weight:bold\">{}</td>\
                 <td style=\"{NUMBER}\">{}</td><td style=\"{NUMBER};{QUIET}\">{}</td></tr>",
                escape(name),
                escape(number),
                escape(change),
                escape(before)
            );
        }
        self.html.push_str("</table>");
    }

    fn list(&mut self, title: &str, head: &str, rows: &[(String, String)]) {
        if rows.is_empty() {
            return;
        }
        let _ = write!(self.text, "\n{title} ({head})\n");
        let _ = write!(
            self.html,
            "<table style=\"{TABLE};margin-top:24px\"><tr><th scope=\"col\" style=\"{CELL}\">{}</th>\
             <th scope=\"col\" style=\"{NUMBER};{QUIET}\">{}</th></tr>",
            escape(title),
            escape(head)
        );
        for (name, number) in rows {
            let _ = writeln!(self.text, "- {name}: {number}");
            let _ = write!(
                self.html,
                "<tr><td style=\"{CELL};word-break:break-all\">{}</td><td style=\"{NUMBER}\">{}</td></tr>",
                escape(name),
                escape(number)
            );
        }
        self.html.push_str("</table>");
    }

    fn link(&mut self, key: &str, url: Option<&str>) {
        let Some(url) = url else {
            return;
        };
        let word = self.texts.get(key);
        let _ = write!(self.text, "\n{word}: {url}\n");
        let _ = write!(
            self.html,
            "<p><a href=\"{}\">{}</a></p>",
            escape(url),
            escape(word)
        );
    }

    fn finish(mut self, subject: String, links: &Links) -> Email {
        self.link("open", links.dashboard.as_deref());
        self.paragraph(self.texts.get("footer"));
        self.link("unsubscribe", links.unsubscribe.as_deref());
        let html = format!(
            "<!DOCTYPE html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{}</title></head>\
             <body style=\"font-family:sans-serif;line-height:1.4;color:#111827;background:#ffffff;max-width:600px;margin:0 auto;padding:16px\">{}</body></html>",
            self.texts.lang,
            escape(&subject),
            self.html
        );
        Email {
            // A line break in the subject would start another header.
            subject: subject.split_whitespace().collect::<Vec<_>>().join(" "),
            text: self.text,
            html,
            unsubscribe: links.unsubscribe.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::cadence::Days;
    use crate::email::texts::LANGUAGES;

    fn summary() -> Summary {
        let totals = |visitors: u64| Totals {
            visitors,
            visits: visitors * 2,
            pageviews: visitors * 3,
            views_per_visit: 1.5,
            bounce_rate: 40.0,
            visit_duration: 95.0,
        };
        Summary {
            site: "example.com".into(),
            cadence: Cadence::Week,
            period: Days {
                first: "2026-11-16".parse().expect("a date"),
                last: "2026-11-22".parse().expect("a date"),
            },
            now: totals(1_500),
            before: totals(1_000),
            pages: vec![("/<b>".into(), 900), ("x".repeat(200), 3)],
            sources: vec![("Direct / None".into(), 800), ("Google".into(), 700)],
            countries: vec![("(not set)".into(), 5)],
            is_exact: true,
        }
    }

    #[test]
    fn the_confirmation_e_mail_contains_no_text_from_the_form() {
        for language in LANGUAGES {
            let texts = Texts::of(language);
            for text in [
                "request_subject",
                "request_text",
                "request_open",
                "request_otherwise",
            ] {
                assert!(!texts.get(text).contains("{who}"), "{language} {text}");
            }
            let link = "https://stats.example.com/letters/x";
            let email = of_request("example.com", Topic::Alert, texts, link);
            // Only the site, the topic and the link are filled in.
            let rest = email.text.replace(link, "").replace("example.com", "");
            assert!(
                !rest.contains("http") && !rest.contains('{'),
                "{}",
                email.text
            );
        }
    }

    #[test]
    fn text_and_html_of_a_summary_say_the_same() {
        let email = of_summary(&summary(), Texts::of("en"), &Links::default());
        assert_eq!(
            email.subject,
            "example.com: 1,500 visitors (November 16, 2026 – November 22, 2026)"
        );
        for said in [
            "Week from November 16, 2026 to November 22, 2026",
            "1,500",
            "before 1,000",
            "+50%",
            "1m 35s",
            "Direct or unknown",
            "(not set)",
            "Visitors are distinct people.",
        ] {
            assert!(email.text.contains(said), "{said}\n{}", email.text);
            assert!(email.html.contains(&escape(said)), "{said}\n{}", email.html);
        }
        assert!(
            email
                .text
                .contains("Visitors: 1,500 (+50%, before 1,000)\n"),
            "{}",
            email.text
        );
        assert!(email.text.contains("- /<b>: 900\n"));
        assert!(email.html.contains("/&lt;b&gt;") && !email.html.contains("/<b>"));
        assert!(!email.text.contains(&"x".repeat(VALUE_CHARS_MAX)));
    }

    #[test]
    fn an_e_mail_loads_no_remote_content() {
        for lang in LANGUAGES {
            let links = Links {
                dashboard: Some("https://stats.example.com/?site=a&b=1".into()),
                unsubscribe: Some("https://stats.example.com/u/1".into()),
            };
            let email = of_summary(&summary(), Texts::of(lang), &links);
            for loads in [
                "<img",
                "src=",
                "url(",
                "<link",
                "@import",
                "<script",
                "background=",
            ] {
                assert!(!email.html.contains(loads), "{lang}: {loads}");
            }
            assert!(
                email
                    .html
                    .contains("href=\"https://stats.example.com/?site=a&amp;b=1\"")
            );
            assert!(email.text.contains("https://stats.example.com/u/1"));
            assert_eq!(email.unsubscribe, links.unsubscribe);
        }
    }

    #[test]
    fn no_visitors_and_no_comparison_are_stated_in_words() {
        let mut alone = summary();
        alone.before = Totals {
            visitors: 0,
            visits: 0,
            pageviews: 0,
            ..alone.before
        };
        let email = of_summary(&alone, Texts::of("en"), &Links::default());
        assert!(
            email
                .text
                .contains("Visitors: 1,500 (nothing to compare with)"),
            "{}",
            email.text
        );
        assert!(!email.text.contains("inf") && !email.text.contains("NaN"));
        let mut empty = alone;
        empty.now = empty.before;
        let email = of_summary(&empty, Texts::of("en"), &Links::default());
        assert!(
            email.text.contains("No visitors were counted"),
            "{}",
            email.text
        );
    }

    #[test]
    fn an_alert_states_the_change_the_hours_and_the_rule() {
        let at = |time: &str| {
            format!("2026-11-25T{time}[Asia/Tokyo]")
                .parse()
                .expect("a time")
        };
        let alert = Alert {
            kind: Kind::Drop,
            since: at("12:00"),
            until: at("15:00"),
            visitors: 4,
            usual: 1_200,
        };
        let email = of_alert("a\r\nBcc: b", &alert, Texts::of("en"), &Links::default());
        assert_eq!(
            email.subject,
            "a Bcc: b: only 4 visitors from 12:00 to 15:00, usually 1,200"
        );
        assert!(email.text.contains("November 25, 2026"), "{}", email.text);
        assert!(email.text.contains("four deviations"));
    }
}
