//! Channels: the class of a visit's source.
//!
//! The rules are those of Google Analytics' default channel group, with AI assistants as a channel
//! of their own.

use sillage_privacy::{Campaign, ClickId};

/// Class of a known source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Search,
    Social,
    Video,
    Email,
    Assistant,
    Shopping,
    Referral,
}

impl Class {
    /// From the table's third column.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "search" => Self::Search,
            "social" => Self::Social,
            "video" => Self::Video,
            "email" => Self::Email,
            "ai" => Self::Assistant,
            "shopping" => Self::Shopping,
            "referral" => Self::Referral,
            _ => return None,
        })
    }

    /// Channel of a source that was not paid for.
    pub(super) fn organic(self) -> &'static str {
        match self {
            Self::Search => "Organic Search",
            Self::Social => "Organic Social",
            Self::Video => "Organic Video",
            Self::Email => "Email",
            Self::Assistant => "AI Assistant",
            Self::Shopping => "Organic Shopping",
            Self::Referral => "Referral",
        }
    }

    /// Channel of an advertisement.
    pub(super) fn paid(self) -> &'static str {
        match self {
            Self::Search => "Paid Search",
            Self::Social => "Paid Social",
            Self::Video => "Paid Video",
            Self::Shopping => "Paid Shopping",
            Self::Email => "Email",
            Self::Assistant | Self::Referral => "Paid Other",
        }
    }
}

/// Whether a click id stands for an advertisement. Facebook adds its id to every link, paid or not.
fn is_advertising(click: ClickId) -> bool {
    !matches!(click, ClickId::Fbclid)
}

/// The channel of a visit: by its campaign's medium, then by the class of its source.
pub(super) fn channel(
    campaign: &Campaign,
    click: Option<ClickId>,
    class: Option<Class>,
    has_referrer: bool,
) -> &'static str {
    let medium = campaign.medium.trim().to_lowercase();
    let is_paid = matches!(
        medium.as_str(),
        "ppc" | "cpc" | "retargeting" | "cpa" | "cpv"
    ) || medium.starts_with("paid")
        || (medium.is_empty() && click.is_some_and(is_advertising));
    if is_paid {
        return class.map_or("Paid Other", Class::paid);
    }
    match medium.as_str() {
        "display" | "banner" | "expandable" | "interstitial" | "cpm" => return "Display",
        "email" | "e-mail" | "e_mail" | "e mail" | "newsletter" => return "Email",
        "affiliate" => return "Affiliates",
        "audio" | "podcast" => return "Audio",
        "sms" => return "SMS",
        "push" | "mobile" | "notification" => return "Mobile Push",
        "social" | "social-network" | "social-media" | "sm" | "social network" | "social media" => {
            return "Organic Social";
        }
        "video" => return "Organic Video",
        "organic" => return "Organic Search",
        "referral" | "app" | "link" => return class.map_or("Referral", Class::organic),
        _ => {}
    }
    match class {
        Some(class) => class.organic(),
        None if has_referrer => "Referral",
        None if !campaign.is_empty() => "Campaign",
        None => "Direct",
    }
}

/// Every channel.
const CHANNELS: [&str; 20] = [
    "Direct",
    "Referral",
    "Organic Search",
    "Organic Social",
    "Organic Video",
    "Organic Shopping",
    "Email",
    "AI Assistant",
    "Paid Search",
    "Paid Social",
    "Paid Video",
    "Paid Shopping",
    "Paid Other",
    "Display",
    "Affiliates",
    "Audio",
    "SMS",
    "Mobile Push",
    "Campaign",
    "",
];

/// A channel read back from its column; empty for an unknown one, which another version wrote.
pub fn channel_named(name: &str) -> &'static str {
    CHANNELS
        .into_iter()
        .find(|channel| *channel == name)
        .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_name_parses_back() {
        // Every literal in the code that names a channel.
        let named = [
            "Organic ", "Paid ", "Direct", "Referral", "Email", "AI ", "Campaign", "Display",
        ];
        let mut found = 0;
        for code in [include_str!("channel.rs"), include_str!("source.rs")] {
            let code = code.split("mod tests").next().expect("code before tests");
            for literal in code.split('"').skip(1).step_by(2) {
                if named.iter().any(|start| literal.starts_with(start)) {
                    assert_eq!(channel_named(literal), literal);
                    found += 1;
                }
            }
        }
        assert!(found > 20, "{found}");
        assert_eq!(channel_named("Telepathy"), "");
    }
}
