//! Consent: decides from a request's signals whether the beacon may be stored, and how much of it.
//! First stage after parsing, so that nothing is derived from a refused beacon.
//!
//! The rule above all others: a no always wins, whichever signal it comes from, and unknown is not
//! consent.

use serde::Deserialize;

use crate::fields::EventName;

/// What a site measures, depending on the visitor's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Nothing until the visitor says yes.
    Consent,
    /// Audience measurement without a cookie until the visitor objects.
    Exempt,
    /// Page counts only, until the visitor says yes.
    Count,
}

impl Profile {
    /// The name in the configuration and on the dashboard.
    pub fn as_str(self) -> &'static str {
        match self {
            Profile::Consent => "consent",
            Profile::Exempt => "exempt",
            Profile::Count => "count",
        }
    }
}

/// What a site does with an objection that the browser sends to every site (`Sec-GPC`, `DNT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectionRule {
    /// Nothing is stored.
    #[default]
    Deny,
    /// At most page counts, whatever the other signals are.
    Count,
    /// The header is ignored.
    Ignore,
}

/// A site's rules; one per site, from the configuration.
#[derive(Debug, Clone)]
pub struct ConsentRules {
    /// What is measured when the visitor has not chosen.
    pub profile: Profile,
    /// Version of the privacy policy in force.
    pub policy: String,
    /// What `Sec-GPC: 1` does.
    pub gpc: ObjectionRule,
    /// What `DNT: 1` does.
    pub dnt: ObjectionRule,
}

/// The policy version sent with the visitor's choice (`cv`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PolicyClaim<'a> {
    /// No version was sent: the choice is about the one in force.
    #[default]
    InForce,
    /// The version that was sent.
    Version(&'a str),
    /// Something other than a version (a number, null, a list), or two versions that differ. It
    /// never matches the one in force.
    Unreadable,
}

impl PolicyClaim<'_> {
    /// Whether a yes under this claim is a yes to `policy`. The text has to be exactly the same.
    fn names(self, policy: &str) -> bool {
        match self {
            Self::InForce => true,
            Self::Version(version) => version == policy,
            Self::Unreadable => false,
        }
    }
}

/// The consent signals of one request. All of them are claims of the sender. Each can withhold
/// consent; only [`said`](Self::said) and [`manager`](Self::manager) can give it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals<'a> {
    /// The page's own signal (`c`): yes, no, or nothing.
    pub said: Option<bool>,
    /// The policy version of that choice. A yes to another version has lapsed.
    pub policy: PolicyClaim<'a>,
    /// The opt-out cookie came with the request.
    pub opted_out: bool,
    /// `Sec-GPC: 1`.
    pub gpc: bool,
    /// `DNT: 1`.
    pub dnt: bool,
    /// The choice in the consent manager's first-party cookie, if one is configured; `None` = no
    /// cookie or no choice.
    pub manager: Option<bool>,
}

/// Whether a beacon may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is stored, on this basis.
    Count(Basis),
    /// Only a daily count by site and reason is stored.
    Refused(Refusal),
}

/// The basis on which an event is stored, from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The visitor said yes: device id, visits, engagement, clicks, campaigns.
    Full,
    /// Audience measurement: a visitor for the day, no cookie, no campaigns, no clicks, no props,
    /// no revenue.
    Exempt,
    /// Page counts: pageviews only, without visitor, visit or engagement.
    CountOnly,
}

impl Basis {
    /// Whether an event of this name is stored: page counts hold pageviews only.
    pub fn keeps(self, name: &EventName) -> bool {
        match self {
            Basis::Full | Basis::Exempt => true,
            Basis::CountOnly => *name == EventName::Pageview,
        }
    }

    /// The value stored with the row: `consent`, `exempt` or `count`.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Full => "consent",
            Basis::Exempt => "exempt",
            Basis::CountOnly => "count",
        }
    }
}

/// Why a beacon is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The site asks first, and the visitor has not answered.
    NoConsent,
    /// The visitor said no.
    Said,
    /// The visitor said yes to a policy that is no longer in force.
    StalePolicy,
    /// The opt-out cookie.
    OptedOut,
    /// `Sec-GPC: 1`, on a site that treats it as a no.
    Gpc,
    /// `DNT: 1`, on a site that treats it as a no.
    Dnt,
    /// The consent manager's cookie says no.
    Manager,
}

impl Refusal {
    /// Every reason, for metrics that start at zero.
    pub const ALL: [Refusal; 7] = [
        Refusal::NoConsent,
        Refusal::Said,
        Refusal::StalePolicy,
        Refusal::OptedOut,
        Refusal::Gpc,
        Refusal::Dnt,
        Refusal::Manager,
    ];

    /// The outcome's name in metrics and in the `outcomes` table.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::NoConsent => "no_consent",
            Refusal::Said => "refused",
            Refusal::StalePolicy => "stale_policy",
            Refusal::OptedOut => "opted_out",
            Refusal::Gpc => "gpc",
            Refusal::Dnt => "dnt",
            Refusal::Manager => "consent_manager",
        }
    }
}

/// Decides from the site's rules and the request's signals. Total: every combination has a result.
pub fn decide(rules: &ConsentRules, signals: &Signals<'_>) -> Decision {
    let gpc = if signals.gpc {
        rules.gpc
    } else {
        ObjectionRule::Ignore
    };
    let dnt = if signals.dnt {
        rules.dnt
    } else {
        ObjectionRule::Ignore
    };
    let refusal = if signals.opted_out {
        Some(Refusal::OptedOut)
    } else if signals.said == Some(false) {
        Some(Refusal::Said)
    } else if signals.manager == Some(false) {
        Some(Refusal::Manager)
    } else if gpc == ObjectionRule::Deny {
        Some(Refusal::Gpc)
    } else if dnt == ObjectionRule::Deny {
        Some(Refusal::Dnt)
    } else {
        None
    };
    if let Some(refusal) = refusal {
        return Decision::Refused(refusal);
    }
    let stale = signals.said == Some(true) && !signals.policy.names(&rules.policy);
    let yes = !stale && (signals.said == Some(true) || signals.manager == Some(true));
    let basis = match (yes, rules.profile) {
        (true, _) => Basis::Full,
        (false, Profile::Exempt) => Basis::Exempt,
        (false, Profile::Count) => Basis::CountOnly,
        (false, Profile::Consent) if stale => return Decision::Refused(Refusal::StalePolicy),
        (false, Profile::Consent) => return Decision::Refused(Refusal::NoConsent),
    };
    if gpc == ObjectionRule::Count || dnt == ObjectionRule::Count {
        return Decision::Count(Basis::CountOnly);
    }
    Decision::Count(basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(profile: Profile) -> ConsentRules {
        ConsentRules {
            profile,
            policy: "2".into(),
            gpc: ObjectionRule::Deny,
            dnt: ObjectionRule::Deny,
        }
    }

    const PROFILES: [Profile; 3] = [Profile::Consent, Profile::Exempt, Profile::Count];

    /// Every combination of signals.
    fn all_signals() -> Vec<Signals<'static>> {
        let mut all = Vec::new();
        for said in [None, Some(false), Some(true)] {
            for policy in [
                PolicyClaim::InForce,
                PolicyClaim::Version("1"),
                PolicyClaim::Version("2"),
                PolicyClaim::Unreadable,
            ] {
                for manager in [None, Some(false), Some(true)] {
                    for bits in 0..8 {
                        let (opted_out, gpc, dnt) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
                        all.push(Signals {
                            said,
                            policy,
                            opted_out,
                            gpc,
                            dnt,
                            manager,
                        });
                    }
                }
            }
        }
        all
    }

    #[test]
    fn a_deny_wins_over_every_yes_under_every_profile() {
        for profile in PROFILES {
            for signals in all_signals() {
                let denied = signals.opted_out
                    || signals.gpc
                    || signals.dnt
                    || signals.said == Some(false)
                    || signals.manager == Some(false);
                if denied {
                    let decision = decide(&rules(profile), &signals);
                    assert!(
                        matches!(decision, Decision::Refused(_)),
                        "{profile:?} {signals:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn silence_is_not_consent() {
        let silent = Signals::default();
        assert_eq!(
            decide(&rules(Profile::Consent), &silent),
            Decision::Refused(Refusal::NoConsent)
        );
        assert_eq!(
            decide(&rules(Profile::Exempt), &silent),
            Decision::Count(Basis::Exempt)
        );
        assert_eq!(
            decide(&rules(Profile::Count), &silent),
            Decision::Count(Basis::CountOnly)
        );
    }

    #[test]
    fn only_a_yes_gives_full_measurement_under_every_profile() {
        for profile in PROFILES {
            let yes = Signals {
                said: Some(true),
                policy: PolicyClaim::Version("2"),
                ..Signals::default()
            };
            assert_eq!(decide(&rules(profile), &yes), Decision::Count(Basis::Full));
            for signals in all_signals() {
                let never_said_yes = signals.said != Some(true) && signals.manager != Some(true);
                if never_said_yes {
                    assert_ne!(
                        decide(&rules(profile), &signals),
                        Decision::Count(Basis::Full),
                        "{signals:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_yes_under_an_older_policy_has_lapsed() {
        let others = [
            PolicyClaim::Version("1"),
            PolicyClaim::Version(""),
            PolicyClaim::Version(" 2"),
            PolicyClaim::Unreadable,
        ];
        for policy in others {
            let stale = Signals {
                said: Some(true),
                policy,
                manager: Some(true),
                ..Signals::default()
            };
            assert_eq!(
                decide(&rules(Profile::Consent), &stale),
                Decision::Refused(Refusal::StalePolicy)
            );
            assert_eq!(
                decide(&rules(Profile::Exempt), &stale),
                Decision::Count(Basis::Exempt)
            );
            assert_eq!(
                decide(&rules(Profile::Count), &stale),
                Decision::Count(Basis::CountOnly)
            );
        }
    }

    #[test]
    fn the_consent_managers_yes_counts_when_the_page_is_silent() {
        let manager = Signals {
            manager: Some(true),
            ..Signals::default()
        };
        assert_eq!(
            decide(&rules(Profile::Consent), &manager),
            Decision::Count(Basis::Full)
        );
    }

    #[test]
    fn an_objection_allows_page_counts_at_most() {
        for profile in PROFILES {
            let lenient = ConsentRules {
                gpc: ObjectionRule::Count,
                dnt: ObjectionRule::Ignore,
                ..rules(profile)
            };
            for signals in all_signals().into_iter().filter(|signals| signals.gpc) {
                let decision = decide(&lenient, &signals);
                let without = decide(
                    &lenient,
                    &Signals {
                        gpc: false,
                        ..signals
                    },
                );
                match without {
                    Decision::Count(_) => assert_eq!(decision, Decision::Count(Basis::CountOnly)),
                    refused => assert_eq!(decision, refused),
                }
            }
        }
    }

    #[test]
    fn an_ignored_header_changes_nothing() {
        for profile in PROFILES {
            let ignoring = ConsentRules {
                gpc: ObjectionRule::Ignore,
                dnt: ObjectionRule::Ignore,
                ..rules(profile)
            };
            for signals in all_signals() {
                let without = Signals {
                    gpc: false,
                    dnt: false,
                    ..signals
                };
                assert_eq!(decide(&ignoring, &signals), decide(&ignoring, &without));
            }
        }
    }

    #[test]
    fn outcome_names_are_distinct() {
        let names: std::collections::HashSet<_> =
            Refusal::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), Refusal::ALL.len());
    }
}
