//! Published privacy policies and legal holds: `[[policy]]` and `[[hold]]`.

use std::collections::HashSet;

use jiff::civil::Date;
use serde::Deserialize;

use super::bounds::RETENTION_DAYS_MAX;
use sillage_privacy::bounds::POLICY_BYTES_MAX;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    version: String,
    effective: String,
    notified: Option<String>,
    replaces: Option<String>,
    purposes: Vec<Purpose>,
    #[serde(default)]
    recipients: Vec<String>,
    retention_days: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHold {
    site: String,
    reason: String,
    from: String,
    to: String,
    until: String,
}

/// What measurement is for. The list is closed, so that every purpose has a text in each language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// How many visits there are, when and from where.
    UsageTrend,
    /// Which pages help and which do not.
    ContentEval,
    /// The effect of campaigns; measured only for visitors who said yes.
    CampaignEffect,
    /// How fast and how reliable the site is.
    ServiceHealth,
    /// Faulty and abusive requests.
    Security,
}

impl Purpose {
    /// The word in the configuration and in `/privacy/policy.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsageTrend => "usage_trend",
            Self::ContentEval => "content_eval",
            Self::CampaignEffect => "campaign_effect",
            Self::ServiceHealth => "service_health",
            Self::Security => "security",
        }
    }
}

/// One version of the privacy policy. Once published it never changes; see
/// [`crate::config::policy_ledger`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Stored with every row.
    pub version: String,
    /// First day on which it is in force.
    pub effective: Date,
    /// Day on which visitors were notified of it; before `effective` if the change is material.
    pub notified: Option<Date>,
    /// The version that it replaces. Default: the previous one by date.
    pub replaces: Option<String>,
    /// Sorted.
    pub purposes: Vec<Purpose>,
    /// Recipients of the data besides the controller. Sorted.
    pub recipients: Vec<String>,
    /// Days for which a row collected under it is kept.
    pub retention_days: u16,
}

impl Policy {
    /// Whether it is a material change compared with `before`: a new purpose, a new recipient or a
    /// longer retention.
    pub fn is_material_after(&self, before: &Policy) -> bool {
        self.retention_days > before.retention_days
            || self
                .purposes
                .iter()
                .any(|purpose| !before.purposes.contains(purpose))
            || self
                .recipients
                .iter()
                .any(|recipient| !before.recipients.contains(recipient))
    }
}

/// A legal hold: rows of a site that are not destroyed although they have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub site: String,
    /// The reason; published in `/privacy/policy.json`.
    pub reason: String,
    /// First day of the rows, UTC.
    pub from: Date,
    /// Last day of the rows, UTC.
    pub to: Date,
    /// Last day of the hold, UTC; afterwards the rows are destroyed as usual.
    pub until: Date,
}

impl Hold {
    /// Whether it suspends anything on `today`.
    pub fn is_active(&self, today: Date) -> bool {
        today <= self.until
    }
}

pub(super) fn validate_policies(raw: Vec<RawPolicy>, faults: &mut Vec<String>) -> Vec<Policy> {
    let mut policies: Vec<Policy> = Vec::with_capacity(raw.len());
    for policy in raw {
        let version = policy.version;
        if version.is_empty() || version.len() > POLICY_BYTES_MAX {
            faults.push(format!(
                "policy {version:?}: a version has 1 to {POLICY_BYTES_MAX} bytes"
            ));
        }
        if policies.iter().any(|other| other.version == version) {
            faults.push(format!("policy {version:?} is defined twice"));
        }
        if policy.retention_days == 0 || policy.retention_days > RETENTION_DAYS_MAX {
            faults.push(format!(
                "policy {version:?}: retention_days = {}: 1 to {RETENTION_DAYS_MAX} is allowed",
                policy.retention_days
            ));
        }
        let of = format!("policy {version:?}");
        let effective = day(&of, "effective", &policy.effective, faults);
        let notified = policy
            .notified
            .map(|text| day(&of, "notified", &text, faults));
        let (mut purposes, mut recipients) = (policy.purposes, policy.recipients);
        purposes.sort();
        recipients.sort();
        if let Some(effective) = effective {
            policies.push(Policy {
                version,
                effective,
                notified: notified.flatten(),
                replaces: policy.replaces,
                purposes,
                recipients,
                retention_days: policy.retention_days,
            });
        }
    }
    policies.sort_by_key(|policy| policy.effective);
    for (index, policy) in policies.iter().enumerate() {
        let before = match &policy.replaces {
            None => policies[..index].last(),
            Some(replaced) => {
                let before = policies[..index]
                    .iter()
                    .find(|other| other.version == *replaced);
                if before.is_none() {
                    faults.push(format!(
                        "policy {:?}: replaces = {replaced:?} names no earlier policy",
                        policy.version
                    ));
                }
                before
            }
        };
        let is_material = before.is_some_and(|before| policy.is_material_after(before));
        if is_material
            && policy
                .notified
                .is_none_or(|notified| notified >= policy.effective)
        {
            faults.push(format!(
                "policy {:?} adds a purpose or a recipient, or extends the retention, compared with the one before it: \
                 tell visitors first, and set `notified` to a day before `effective`",
                policy.version
            ));
        }
    }
    policies
}

impl RawHold {
    pub(super) fn validate(
        self,
        sites: &HashSet<String>,
        faults: &mut Vec<String>,
    ) -> Option<Hold> {
        let of = format!("hold on {:?}", self.site);
        if !sites.contains(&self.site) {
            faults.push(format!("{of}: there is no such site"));
        }
        if self.reason.trim().is_empty() {
            faults.push(format!("{of}: say why in `reason`"));
        }
        let from = day(&of, "from", &self.from, faults)?;
        let to = day(&of, "to", &self.to, faults)?;
        let until = day(&of, "until", &self.until, faults)?;
        if from > to {
            faults.push(format!("{of}: from = {from} is after to = {to}"));
        }
        Some(Hold {
            site: self.site,
            reason: self.reason,
            from,
            to,
            until,
        })
    }
}

fn day(of: &str, key: &str, text: &str, faults: &mut Vec<String>) -> Option<Date> {
    let day = text.parse().ok();
    if day.is_none() {
        faults.push(format!(
            "{of}: {key} = {text:?} is not a day such as \"2026-11-23\""
        ));
    }
    day
}
