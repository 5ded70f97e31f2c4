//! What a page embeds: `sillage snippet SITE` prints it, in the variant that the page needs, and
//! the dashboard shows the same line for a new site (`GET /api/sites/{site}/snippet?origin=…`
//! answers `{"snippet"}`).
//!
//! The addresses and hashes are those of the files that this binary serves.

use clap::ValueEnum;
use serde_json::{Value as Json, json};
use url::Url;

use crate::access::call::{Call, SitePart};
use crate::access::error::ApiError;
use crate::access::identity::Identity;
use crate::collector::visitor_cookies::CHOICES_PATH;
use crate::config::Site;
use crate::html::escape;
use crate::tracker_files;
use sillage_privacy::Profile;

/// A button for the footer of a page, with which a visitor refuses. It posts straight to the path
/// that the measurement cookie is bound to, so that what was measured today can still be erased
/// afterwards.
pub fn refuse_button(site: &Site, origin: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{origin}{CHOICES_PATH}?site={}\"><button name=\"action\" value=\"refuse\">Do not measure me</button></form>",
        site.id
    )
}

/// How a page embeds the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// One line, for sites that may count before the visitor has chosen.
    Plain,
    /// One line that holds everything until the page says `sillage('consent', true)`.
    Wait,
    /// For a content security policy with nonces.
    Nonce,
    /// A version that never changes, with its integrity hash.
    Integrity,
    /// For a tag manager, which strips attributes.
    Gtm,
    /// For a bundler.
    Npm,
    /// An image for browsers that run no script.
    Noscript,
    /// An image for e-mails, one for each of the site's `mail_campaigns`.
    Mail,
}

/// Why no snippet can be printed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SnippetError {
    #[error(
        "the origin {0:?} is not an address such as https://stats.example.com; omit it if pages and collector share a host"
    )]
    Origin(String),
    #[error("the tracker is not built into this binary; run `make tracker` and build again")]
    NotBuilt,
    #[error(
        "site {0:?} has the profile `consent`, and an image can't ask for it: nothing would be counted; use the script, or the profile `exempt` or `count`"
    )]
    NeedsConsent(String),
    #[error("site {0:?} names no mail_campaigns in the configuration; only those are counted")]
    NoCampaigns(String),
    #[error("an e-mail has no host of its own; add --origin https://stats.example.com")]
    MailNeedsOrigin,
    #[error(
        "a bundled page has no script address to go by; add --origin https://stats.example.com, or call init({{ site: {0:?} }}) when pages and collector share a host"
    )]
    NpmNeedsOrigin(String),
}

/// The variant that fits a site's profile.
pub fn fitting(site: &Site) -> Variant {
    match site.consent.profile {
        Profile::Consent => Variant::Wait,
        Profile::Exempt | Profile::Count => Variant::Plain,
    }
}

/// `{"snippet"}`: the line that fits the site. `origin`, the address of the collector as the
/// dashboard sees it, may be left out as in [`snippet`].
pub async fn show(call: Call<Identity, SitePart>) -> Result<Json, ApiError> {
    let site = call.app.config.site(&call.path.0);
    let site = site.ok_or(ApiError::NotFound)?;
    let origin = call.parameter("origin").unwrap_or_default();
    match snippet(site, &origin, fitting(site)) {
        Ok(line) => Ok(json!({ "snippet": line })),
        // The rule only: the error repeats the input.
        Err(SnippetError::Origin(_)) => Err(ApiError::rule(
            "origin must be an address such as https://stats.example.com",
        )),
        Err(error) => Err(ApiError::rule(error)),
    }
}

/// What to embed. `origin` is the address at which browsers reach the collector, including a path
/// if there is one; empty when pages share its host.
///
/// # Errors
/// [`SnippetError`]; its text says what to do.
pub fn snippet(site: &Site, origin: &str, variant: Variant) -> Result<String, SnippetError> {
    let origin = origin.trim_end_matches('/');
    let parsed = Url::parse(origin).ok();
    let is_sound = parsed.as_ref().is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !origin.is_empty() && !is_sound {
        return Err(SnippetError::Origin(origin.to_owned()));
    }
    // The tracker sends to the host that it was loaded from; a path has to be configured.
    let has_path = parsed.is_some_and(|url| url.path() != "/");
    let api = has_path.then(|| format!("{origin}/api/event"));
    let is_waiting = site.consent.profile == Profile::Consent;

    let tag = |before: &str, path: &str, after: &str, is_waiting: bool| {
        let mut tag = format!(
            "<script defer{before} src=\"{}{path}\"{after}",
            escape(origin)
        );
        tag += &format!(" data-site=\"{}\"", escape(&site.id));
        if let Some(api) = &api {
            tag += &format!(" data-api=\"{}\"", escape(api));
        }
        if is_waiting {
            tag += &format!(
                " data-consent=\"wait\" data-policy=\"{}\"",
                escape(&site.consent.policy)
            );
        }
        tag + "></script>"
    };
    let settings = |api: Option<&str>| {
        let mut settings = json!({ "site": site.id });
        if let Some(api) = api {
            settings["api"] = json!(api);
        }
        if is_waiting {
            settings["consent"] = json!("wait");
            settings["policy"] = json!(site.consent.policy);
        }
        // Inside a script element `<` could end it.
        settings.to_string().replace('<', "\\u003c")
    };
    Ok(match variant {
        Variant::Plain => tag("", "/s.js", "", false),
        Variant::Wait => tag("", "/s.js", "", true),
        Variant::Nonce => tag(" nonce=\"NONCE\"", "/s.js", "", is_waiting),
        Variant::Integrity => {
            let release = tracker_files::release().ok_or(SnippetError::NotBuilt)?;
            let code = tracker_files::file("s.js").ok_or(SnippetError::NotBuilt)?;
            let after = format!(
                " integrity=\"{}\" crossorigin=\"anonymous\"",
                tracker_files::integrity(&code)
            );
            tag("", &format!("/s/{release}/s.js"), &after, is_waiting)
        }
        Variant::Gtm => format!(
            "<script>\n  sillageConfig = {};\n  \
             window.sillage = window.sillage || function () {{ (sillage.q = sillage.q || []).push(arguments) }};\n  \
             document.head.appendChild(document.createElement('script')).src = {};\n</script>",
            settings(api.as_deref()),
            json!(format!("{origin}/s.js"))
                .to_string()
                .replace('<', "\\u003c"),
        ),
        Variant::Npm if origin.is_empty() => {
            return Err(SnippetError::NpmNeedsOrigin(site.id.clone()));
        }
        Variant::Npm => format!(
            "import {{ init }} from '@sillage/tracker';\n\nexport const sillage = init({});",
            settings(Some(&format!("{origin}/api/event")))
        ),
        Variant::Noscript | Variant::Mail if is_waiting => {
            return Err(SnippetError::NeedsConsent(site.id.clone()));
        }
        Variant::Noscript => format!(
            "<noscript><img src=\"{}/p.gif?d={}\" alt=\"\" width=\"1\" height=\"1\" referrerpolicy=\"no-referrer-when-downgrade\"></noscript>",
            escape(origin),
            parameter(&site.id)
        ),
        Variant::Mail if origin.is_empty() => return Err(SnippetError::MailNeedsOrigin),
        Variant::Mail if site.mail_campaigns.is_empty() => {
            return Err(SnippetError::NoCampaigns(site.id.clone()));
        }
        Variant::Mail => {
            let image = |campaign: &String| {
                format!(
                    "<img src=\"{}/p.gif?d={}&amp;m={}\" alt=\"\" width=\"1\" height=\"1\">",
                    escape(origin),
                    parameter(&site.id),
                    parameter(campaign)
                )
            };
            let images: Vec<_> = site.mail_campaigns.iter().map(image).collect();
            images.join("\n")
        }
    })
}

fn parameter(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn site(lines: &str) -> Site {
        let text = format!("[[site]]\nid = \"example.com\"\n{lines}");
        let config = Config::parse(&text, std::path::Path::new("sillage.toml"));
        config
            .expect("a configuration")
            .sites
            .first()
            .expect("a site")
            .clone()
    }
    fn print(lines: &str, origin: &str, variant: Variant) -> Result<String, SnippetError> {
        snippet(&site(lines), origin, variant)
    }

    #[test]
    fn the_snippet_is_one_line_with_what_the_profile_needs() {
        assert_eq!(fitting(&site("")), Variant::Wait);
        assert_eq!(fitting(&site("profile = \"count\"")), Variant::Plain);
        assert_eq!(
            print("", "https://stats.example.com/", Variant::Wait).as_deref(),
            Ok(
                "<script defer src=\"https://stats.example.com/s.js\" data-site=\"example.com\" data-consent=\"wait\" data-policy=\"1\"></script>"
            )
        );
        assert_eq!(
            print("profile = \"exempt\"", "", Variant::Nonce).as_deref(),
            Ok("<script defer nonce=\"NONCE\" src=\"/s.js\" data-site=\"example.com\"></script>")
        );
    }

    #[test]
    fn under_a_path_prefix_the_snippet_names_the_event_address() {
        let line = print("", "https://example.com/stats", Variant::Plain).expect("a line");
        assert!(
            line.contains("src=\"https://example.com/stats/s.js\""),
            "{line}"
        );
        assert!(
            line.contains("data-api=\"https://example.com/stats/api/event\""),
            "{line}"
        );
    }

    #[test]
    fn a_snippet_that_would_count_nothing_is_refused_with_a_reason() {
        let refused = |lines, origin, variant| print(lines, origin, variant).expect_err("refused");
        let exempt = "profile = \"exempt\"";
        for origin in [
            "stats.example.com",
            "ftp://x",
            "https://x/?a",
            "javascript:1",
        ] {
            assert_eq!(
                refused("", origin, Variant::Plain),
                SnippetError::Origin(origin.to_owned())
            );
        }
        let id = || "example.com".to_owned();
        assert_eq!(
            refused("", "https://x", Variant::Noscript),
            SnippetError::NeedsConsent(id())
        );
        assert_eq!(
            refused("", "https://x", Variant::Mail),
            SnippetError::NeedsConsent(id())
        );
        assert_eq!(
            refused(exempt, "https://x", Variant::Mail),
            SnippetError::NoCampaigns(id())
        );
        assert_eq!(
            refused(exempt, "", Variant::Mail),
            SnippetError::MailNeedsOrigin
        );
        assert_eq!(
            refused("", "", Variant::Npm),
            SnippetError::NpmNeedsOrigin(id())
        );
    }

    #[test]
    fn configured_values_are_escaped_in_the_snippet() {
        let text = "[[site]]\nid = 'x\"></script><b>'\nprofile = \"exempt\"\n";
        let config = Config::parse(text, std::path::Path::new("sillage.toml")).expect("usable");
        for variant in Variant::value_variants()
            .iter()
            .filter(|v| **v != Variant::Mail)
        {
            let Ok(text) = snippet(config.sites.first().expect("a site"), "https://x", *variant)
            else {
                // Without a built tracker there is no hash to print.
                assert_eq!(*variant, Variant::Integrity);
                continue;
            };
            assert!(!text.contains("<b>"), "{variant:?}: {text}");
        }
    }
}
