//! Outcomes of beacons: a closed list, each counted.

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
    /// A retry of a stored event.
    Duplicate = "duplicate",
    /// The visitor made no choice, and the site's profile needs a yes.
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
    /// The page reported that a program controls the browser.
    Automated = "automated",
    /// Fetched ahead and not shown yet.
    Prefetch = "prefetch",
    /// The referrer is known for spam.
    Spam = "spam",
    /// `d` names no configured site.
    UnknownSite = "unknown_site",
    /// The page's host does not belong to the site.
    ForeignHost = "foreign_host",
    /// The e-mail's campaign is not configured.
    UnknownCampaign = "unknown_campaign",
    /// Not a beacon.
    Malformed = "malformed",
    /// Too many beacons came from one network; answered 429.
    TooMany = "too_many",
    /// Could not be stored; answered 503.
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
