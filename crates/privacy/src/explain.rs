//! Explains what is stored of an address, for `sillage scrub --explain URL`, with the functions
//! that scrub.

use crate::bounds::{CAMPAIGN_BYTES_MAX, SEGMENT_BYTES_MAX};
use crate::campaign::ClickId;
use crate::page_url::{PageUrl, UrlFault};
use crate::scrub::{self, ScrubRules};

/// One part of an address and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `host`, `path`, `campaign`, `query`, `fragment` or `stored`.
    pub part: &'static str,
    /// As it was given, in normal form.
    pub given: String,
    /// As it is stored; empty = dropped.
    pub kept: String,
    /// The reason, as a clause.
    pub why: String,
}

/// Explains an address part by part. The last step is `stored`, the whole that is stored. The
/// result repeats what was typed in, so it is for the operator's terminal only.
///
/// # Errors
/// When it is not the address of a page.
pub fn explain(url: &str, rules: &ScrubRules) -> Result<Vec<Step>, UrlFault> {
    let page = PageUrl::parse(url, true)?;
    let mut steps = vec![step(
        "host",
        page.host(),
        page.host(),
        "a site's name, compared with the configured ones",
    )];
    let (path, query) = page.target().split_once('?').unwrap_or((page.target(), ""));
    explain_path(path, rules, &mut steps);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        let campaign = campaign(pair);
        let is_dropped = campaign.is_none() && !rules.allows(name);
        steps.extend(campaign);
        if rules.allows(name) {
            let kept = scrub::path(&format!("/?{pair}"), rules);
            steps.push(step(
                "query",
                pair,
                kept.trim_start_matches("/?"),
                "is on this site's allowlist",
            ));
        }
        if is_dropped {
            steps.push(step("query", pair, "", "is not on this site's allowlist"));
        }
    }
    if !page.fragment().is_empty() {
        steps.push(step(
            "fragment",
            page.fragment(),
            "",
            "fragments are dropped unless the page routes by them",
        ));
    }
    steps.push(step(
        "stored",
        url,
        &scrub::path(page.target(), rules),
        "what is written",
    ));
    Ok(steps)
}

/// What is stored of a parameter as a property of the visit: the scrubbed value of a campaign
/// parameter, as [`PageUrl::campaign`] reads it, or the name of an advertiser's click id.
fn campaign(pair: &str) -> Option<Step> {
    const NAMES: [&str; 7] = [
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
        "utm_term",
        "source",
        "ref",
    ];
    let (name, value) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
    if NAMES.contains(&&*name) {
        let kept = scrub::label(&value, CAMPAIGN_BYTES_MAX);
        let why = "is stored separately from the page, for visitors who said yes";
        return Some(step("campaign", pair, &kept, why));
    }
    ClickId::from_name(&name).filter(|_| !value.is_empty())?;
    let why = "shows that the visit came from an advertisement; the id itself is dropped";
    Some(step("campaign", pair, &name, why))
}

fn explain_path(path: &str, rules: &ScrubRules, steps: &mut Vec<Step>) {
    let Some(normal) = scrub::normalise(path) else {
        steps.push(step(
            "path",
            path,
            "/:token",
            "is encoded too many times, which is a way to hide something",
        ));
        return;
    };
    if let Some(template) = rules.template_of(&normal) {
        steps.push(step(
            "path",
            &normal,
            template,
            "is a known route of this site",
        ));
        return;
    }
    // First what spans several segments: each of its segments alone would be kept.
    let mut rest = String::with_capacity(normal.len());
    let mut done = 0;
    for found in scrub::across(&normal) {
        let (given, kept) = (&normal[found.range.clone()], found.kind.placeholder());
        steps.push(step("path", given, kept, found.kind.reason()));
        rest.push_str(&normal[done..found.range.start]);
        done = found.range.end;
    }
    rest.push_str(&normal[done..]);
    for segment in rest.split('/').filter(|segment| !segment.is_empty()) {
        let kept = scrub::path(&format!("/{segment}"), &ScrubRules::default());
        let kept = kept.trim_start_matches('/');
        let reasons: Vec<&str> = scrub::findings(segment)
            .iter()
            .map(|found| found.kind.reason())
            .collect();
        let why = match (reasons.is_empty(), kept == segment) {
            (false, _) => reasons.join("; "),
            (true, true) => "is kept".to_owned(),
            (true, false) if segment.len() > SEGMENT_BYTES_MAX => {
                "is too long for a page's name".to_owned()
            }
            (true, false) => "path parameters and invalid text are dropped".to_owned(),
        };
        steps.push(step("path", segment, kept, &why));
    }
}

fn step(part: &'static str, given: &str, kept: &str, why: &str) -> Step {
    Step {
        part,
        given: given.to_owned(),
        kept: kept.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_over_several_segments_is_explained_once() {
        let url = "https://example.com/call/090/1234/5678/now";
        let steps = explain(url, &ScrubRules::default()).expect("a page");
        let expected = [
            ("090/1234/5678", ":phone"),
            ("call", "call"),
            ("now", "now"),
        ];
        let expected = expected.map(|(given, kept)| (given.to_owned(), kept.to_owned()));
        assert_eq!(kept_of(&steps, "path")[..3], expected);
    }

    fn kept_of(steps: &[Step], part: &str) -> Vec<(String, String)> {
        let steps = steps.iter().filter(|step| step.part == part);
        steps
            .map(|step| (step.given.clone(), step.kept.clone()))
            .collect()
    }

    #[test]
    fn every_part_is_explained_and_the_last_step_is_what_is_stored() {
        let rules = ScrubRules::new(&["q".into()], &["/portal/sims/:id".into()]).expect("sound");
        let url = "https://taro:x@example.com/u/taro%40example.jp/plans?q=esim&token=abc#top";
        let steps = explain(url, &rules).expect("a page");
        let pair = |given: &str, kept: &str| (given.to_owned(), kept.to_owned());
        assert_eq!(
            kept_of(&steps, "host"),
            [pair("example.com", "example.com")]
        );
        let path = [
            pair("u", "u"),
            pair("taro@example.jp", ":email"),
            pair("plans", "plans"),
        ];
        assert_eq!(kept_of(&steps, "path"), path);
        assert_eq!(
            kept_of(&steps, "query"),
            [pair("q=esim", "q=esim"), pair("token=abc", "")]
        );
        assert_eq!(kept_of(&steps, "fragment"), [pair("top", "")]);
        assert_eq!(
            kept_of(&steps, "stored"),
            [pair(url, "/u/:email/plans?q=esim")]
        );
        assert!(
            steps
                .iter()
                .any(|step| step.why == "looks like an e-mail address")
        );
        assert!(steps.iter().all(|step| !step.why.is_empty()));

        let steps = explain(
            "https://example.com/portal/sims/8988280000000000001",
            &rules,
        )
        .expect("a page");
        assert_eq!(
            kept_of(&steps, "path"),
            [pair("/portal/sims/8988280000000000001", "/portal/sims/:id")]
        );
        assert_eq!(explain("nonsense", &rules), Err(UrlFault::NotAUrl));
    }

    #[test]
    fn the_explanation_covers_campaign_parameters() {
        let url =
            "https://e.com/?utm_source=news+letter&utm_term=taro%40e.jp&ref=x&gclid=secret&id=1";
        let steps = explain(url, &ScrubRules::default()).expect("a page");
        let pair = |given: &str, kept: &str| (given.to_owned(), kept.to_owned());
        assert_eq!(
            kept_of(&steps, "campaign"),
            [
                pair("utm_source=news+letter", "news letter"),
                pair("utm_term=taro%40e.jp", ":email"),
                pair("ref=x", "x"),
                pair("gclid=secret", "gclid"),
            ]
        );
        assert_eq!(kept_of(&steps, "query"), [pair("id=1", "")]);
        assert_eq!(kept_of(&steps, "stored"), [pair(url, "/")]);
    }
}
