//! Where a visit came from: referrer, source, channel and campaign.

use crate::bounds::CAMPAIGN_BYTES_MAX;
use crate::campaign::Campaign;
use crate::open_field::OpenField;
use crate::scrub;

/// Where a visit came from, scrubbed. It holds no personal data and may be stored, printed and
/// cloned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    referrer: String,
    source: String,
    channel: &'static str,
    utm: [String; 5],
    /// Source and channel by the referrer alone, where a campaign says otherwise.
    plain: Option<(String, &'static str)>,
}

impl Origin {
    /// From a referrer's host, the source's name and class, and the campaign. Every part is
    /// scrubbed here, whatever the caller has done: a referrer that is an IP address, or has an id
    /// in its host, is masked.
    pub fn new(referrer: &str, source: &str, channel: &'static str, campaign: &Campaign) -> Self {
        let part = |text: &str| scrub::label(text, CAMPAIGN_BYTES_MAX);
        let Campaign {
            source: utm_source,
            medium,
            campaign,
            content,
            term,
        } = campaign;
        Self {
            referrer: scrub::host(referrer),
            source: part(source),
            channel,
            utm: [utm_source, medium, campaign, content, term].map(|value| part(value)),
            plain: None,
        }
    }

    /// Sets source and channel without the campaign, which is all that `exempt` and `count` store.
    /// If this is not called and there is a campaign, they store the referrer's host and `Referral`
    /// or `Direct`.
    pub fn without_campaign(mut self, source: &str, channel: &'static str) -> Self {
        self.plain = Some((scrub::label(source, CAMPAIGN_BYTES_MAX), channel));
        self
    }

    /// The origin with `(other)` in place of the texts to fold; `None` if there are none.
    pub(crate) fn folded(
        &self,
        is_folded: &mut dyn FnMut(OpenField, &str) -> bool,
    ) -> Option<Self> {
        let mut folded = None;
        let other = || scrub::OTHER.to_owned();
        if is_folded(OpenField::Referrer, &self.referrer) {
            folded.get_or_insert_with(|| self.clone()).referrer = other();
        }
        if is_folded(OpenField::Source, &self.source) {
            folded.get_or_insert_with(|| self.clone()).source = other();
        }
        for (index, value) in self.utm.iter().enumerate() {
            if is_folded(OpenField::Campaign, value) {
                folded.get_or_insert_with(|| self.clone()).utm[index] = other();
            }
        }
        folded
    }

    /// Drops the campaign and everything derived from it.
    pub fn into_plain(mut self) -> Self {
        let had_campaign = self.utm.iter().any(|value| !value.is_empty());
        self.utm = Default::default();
        match self.plain.take() {
            Some((source, channel)) => (self.source, self.channel) = (source, channel),
            None if had_campaign || self.channel.starts_with("Paid") => {
                self.channel = if self.referrer.is_empty() {
                    "Direct"
                } else {
                    "Referral"
                };
                self.source.clone_from(&self.referrer);
            }
            None => {}
        }
        self
    }

    /// Host of the page that linked here; empty = none.
    pub fn referrer(&self) -> &str {
        &self.referrer
    }

    /// Name of the source; empty = direct.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Class of the source.
    pub fn channel(&self) -> &'static str {
        self.channel
    }

    /// `utm_source`, `_medium`, `_campaign`, `_content`, `_term`; empty = absent.
    pub fn utm(&self) -> &[String; 5] {
        &self.utm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_origin_is_scrubbed() {
        let campaign = Campaign {
            source: "taro@example.jp".into(),
            term: "090-1234-5678".into(),
            ..Campaign::default()
        };
        let origin = Origin::new("203.0.113.77", "8988280000000000001", "Referral", &campaign);
        assert_eq!(origin.referrer(), ":ip");
        assert_eq!(origin.source(), ":id");
        assert_eq!(
            origin.utm(),
            &[":email", "", "", "", ":phone"].map(String::from)
        );
    }

    #[test]
    fn without_a_campaign_the_origin_comes_from_the_referrer() {
        let campaign = Campaign {
            source: "newsletter".into(),
            ..Campaign::default()
        };
        let origin = |campaign| Origin::new("www.google.com", "newsletter", "Email", campaign);
        let told = origin(&campaign)
            .without_campaign("Google", "Organic Search")
            .into_plain();
        assert_eq!(
            (told.source(), told.channel()),
            ("Google", "Organic Search")
        );
        let untold = origin(&campaign).into_plain();
        assert_eq!(
            (untold.source(), untold.channel()),
            ("www.google.com", "Referral")
        );
        assert!(untold.utm().iter().all(String::is_empty));
        let none = Origin::new(
            "www.google.com",
            "Google",
            "Organic Search",
            &Campaign::default(),
        )
        .into_plain();
        assert_eq!(
            (none.source(), none.channel()),
            ("Google", "Organic Search")
        );
        let paid = Origin::new("", "Google", "Paid Search", &Campaign::default()).into_plain();
        assert_eq!((paid.source(), paid.channel()), ("", "Direct"));
    }
}
