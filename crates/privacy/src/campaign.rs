//! Campaign parameters and click ids, as they are in a page's address.

/// Campaign parameters as written in a link; empty = absent. They are not scrubbed yet and may hold
/// personal data, so there is no `Debug`.
#[derive(Default)]
pub struct Campaign {
    /// `utm_source`, else `source`, else `ref`.
    pub source: String,
    /// `utm_medium`.
    pub medium: String,
    /// `utm_campaign`.
    pub campaign: String,
    /// `utm_content`.
    pub content: String,
    /// `utm_term`.
    pub term: String,
}

impl Campaign {
    /// Whether all parameters are absent.
    pub fn is_empty(&self) -> bool {
        let Self {
            source,
            medium,
            campaign,
            content,
            term,
        } = self;
        [source, medium, campaign, content, term]
            .iter()
            .all(|value| value.is_empty())
    }
}

/// The name of an advertiser's click id in a page's address. Its value is never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClickId {
    /// Google Ads.
    Gclid,
    /// Google Ads, from an app.
    Gbraid,
    /// Google Ads, from the web to an app.
    Wbraid,
    /// Microsoft Advertising.
    Msclkid,
    /// Meta.
    Fbclid,
    /// X.
    Twclid,
}

impl ClickId {
    /// The parameter's name.
    pub fn as_str(self) -> &'static str {
        match self {
            ClickId::Gclid => "gclid",
            ClickId::Gbraid => "gbraid",
            ClickId::Wbraid => "wbraid",
            ClickId::Msclkid => "msclkid",
            ClickId::Fbclid => "fbclid",
            ClickId::Twclid => "twclid",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gclid" => ClickId::Gclid,
            "gbraid" => ClickId::Gbraid,
            "wbraid" => ClickId::Wbraid,
            "msclkid" => ClickId::Msclkid,
            "fbclid" => ClickId::Fbclid,
            "twclid" => ClickId::Twclid,
            _ => return None,
        })
    }
}
