//! What became of a beacon: a closed list, each counted.

use sillage_privacy::Refusal;

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What became of a beacon.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Outcome { $($(#[$doc])* $name),* }

        impl Outcome {
            /// Every outcome, in the order of its discriminant.
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];

            /// The name in metrics, in the table `outcomes` and on the dashboard.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

outcomes! {
    /// Kept, and on disk.
    Accepted = "accepted",
    /// A retry of one that was kept.
    Duplicate = "duplicate",
    /// The visitor said nothing, and the site's profile needs a yes.
    NoConsent = "no_consent",
    /// The visitor said no.
    Refused = "refused",
    /// The visitor said yes to an earlier policy.
    StalePolicy = "stale_policy",
    /// The visitor opted out on the choices page.
    OptedOut = "opted_out",
    /// Global Privacy Control.
    Gpc = "gpc",
    /// Do Not Track.
    Dnt = "dnt",
    /// The consent manager's own cookie says no.
    Manager = "consent_manager",
    /// Reading time or an event of the site's own, where only page views are counted.
    PagesOnly = "pages_only",
    /// A crawler or another program, by its user agent.
    Bot = "bot",
    /// The page said that a program drives it.
    Automated = "automated",
    /// Fetched ahead, not looked at.
    Prefetch = "prefetch",
    /// The referrer is known for spam.
    Spam = "spam",
    /// `d` names no configured site.
    UnknownSite = "unknown_site",
    /// The page's host is none of the site's.
    ForeignHost = "foreign_host",
    /// The e-mail's campaign is not configured.
    UnknownCampaign = "unknown_campaign",
    /// Not a beacon.
    Malformed = "malformed",
    /// Too many came from one network; the sender was told so.
    TooMany = "too_many",
    /// Could not be kept; the sender was told so.
    Unavailable = "unavailable",
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoConsent => Self::NoConsent,
            Refusal::Said => Self::Refused,
            Refusal::StalePolicy => Self::StalePolicy,
            Refusal::OptedOut => Self::OptedOut,
            Refusal::Gpc => Self::Gpc,
            Refusal::Dnt => Self::Dnt,
            Refusal::Manager => Self::Manager,
        }
    }
}
