//! One measured web site: `[[site]]`.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::bounds::{MAIL_CAMPAIGN_BYTES_MAX, MAIL_CAMPAIGNS_MAX, RETENTION_DAYS_MAX};
use super::policy::{Policy, Purpose};
use sillage_privacy::bounds::CATEGORY_BYTES_MAX;
use sillage_privacy::scrub::label;
use sillage_privacy::{
    ConsentManager, ConsentRules, ONETRUST_CATEGORY, ObjectionRule, Profile, ScrubRules,
    cookie_name, erasure_cookie_name,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSite {
    pub(super) id: String,
    hostnames: Option<Vec<String>>,
    timezone: Option<String>,
    profile: Option<Profile>,
    gpc: Option<ObjectionRule>,
    dnt: Option<ObjectionRule>,
    consent_cookie: Option<RawConsentCookie>,
    #[serde(default)]
    query_allow: Vec<String>,
    #[serde(default)]
    routes: Vec<String>,
    #[serde(default)]
    mail_campaigns: Vec<String>,
    policy_version: Option<String>,
    retention_days: Option<u16>,
    controller: Option<String>,
    contact: Option<String>,
    privacy_url: Option<String>,
    pub(super) residency: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConsentCookie {
    manager: ManagerName,
    category: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ManagerName {
    Cookiebot,
    OneTrust,
}

/// One measured web site.
#[derive(Debug, Clone)]
pub struct Site {
    /// What beacons send as `d`.
    pub id: String,
    /// The same, shared by its events.
    pub shared_id: Arc<str>,
    /// Hosts whose pages belong to this site; a page elsewhere is not counted.
    pub hostnames: Vec<String>,
    /// The site's days and hours.
    pub timezone: jiff::tz::TimeZone,
    /// What is measured with and without a choice of the visitor, the meaning of the browser's
    /// signals, and the policy in force, which is stored with every row.
    pub consent: ConsentRules,
    /// The consent manager whose own cookie is read on the server; `None` reads none.
    pub consent_cookie: Option<ConsentManager>,
    /// Query parameters of pages that are kept; all others are dropped.
    pub query_allow: Vec<String>,
    /// Routes that are kept by their template, e.g. `/portal/sims/:id`.
    pub routes: Vec<String>,
    /// Campaigns whose opened e-mails are counted; none by default.
    pub mail_campaigns: Vec<String>,
    /// `query_allow` and `routes` as the privacy door applies them.
    pub scrub: ScrubRules,
    /// The record of the policy in force; `None` where no `[[policy]]` is configured.
    pub policy: Option<Policy>,
    /// Names of its cookies.
    pub cookie_name: String,
    pub erasure_cookie_name: String,
    /// Days for which a row is kept.
    pub retention_days: u16,
    /// The data controller, as the choices page names it; empty = not stated.
    pub controller: String,
    /// Contact for visitors, e.g. an e-mail address; empty = not stated.
    pub contact: String,
    /// Address of the site's own privacy policy; empty = not stated.
    pub privacy_url: String,
    /// The `region` in which its rows may be stored; empty = any.
    pub residency: String,
}

impl Site {
    /// Name of the site's time zone; ClickHouse uses the same names.
    pub fn zone_name(&self) -> &str {
        self.timezone.iana_name().unwrap_or("UTC")
    }

    /// When the policy in force took effect; `None` without a `[[policy]]` record.
    pub fn policy_since(&self) -> Option<Timestamp> {
        let effective = self.policy.as_ref()?.effective;
        self.timezone.to_timestamp(effective.at(0, 0, 0, 0)).ok()
    }

    /// Whether campaigns are a purpose of the policy in force; true without a `[[policy]]` record.
    pub fn keeps_campaigns(&self) -> bool {
        let policy = self.policy.as_ref();
        policy.is_none_or(|policy| policy.purposes.contains(&Purpose::CampaignEffect))
    }
}

impl RawSite {
    pub(super) fn validate(self, policies: &[Policy], faults: &mut Vec<String>) -> Option<Site> {
        let id = self.id;
        let fault_count = faults.len();
        if id.is_empty() || id.len() > 253 || !id.bytes().all(|b| b.is_ascii_graphic() && b != b',')
        {
            faults.push(format!("site.id = {id:?}: use the site's domain, 1 to 253 visible ASCII characters without a comma"));
        }
        let zone = self.timezone.unwrap_or_else(|| "UTC".into());
        let timezone = jiff::tz::TimeZone::get(&zone);
        if timezone.is_err() {
            faults.push(format!("site {id:?}: timezone {zone:?} is not in the IANA database; use a name like \"Asia/Tokyo\""));
        }
        let policy_version = self.policy_version.unwrap_or_else(|| "1".into());
        let policy = policies
            .iter()
            .find(|policy| policy.version == policy_version);
        if policy.is_none() && !policies.is_empty() {
            faults.push(format!("site {id:?}: policy_version = {policy_version:?} is not the version of any [[policy]]"));
        }
        let promised = policy.map(|policy| policy.retention_days);
        let retention_days = self.retention_days.or(promised).unwrap_or(90);
        if promised.is_some_and(|promised| retention_days > promised) {
            faults.push(format!(
                "site {id:?}: retention_days = {retention_days} is more than policy {policy_version:?} promises; \
                 shorten it, or publish a new [[policy]]"
            ));
        }
        if retention_days == 0 || retention_days > RETENTION_DAYS_MAX {
            faults.push(format!("site {id:?}: retention_days = {retention_days}: 1 to {RETENTION_DAYS_MAX} is allowed"));
        }
        let scrub = ScrubRules::new(&self.query_allow, &self.routes)
            .map_err(|fault| faults.push(format!("site {id:?}: {fault}")));
        let consent_cookie = self
            .consent_cookie
            .and_then(|cookie| cookie.validate(&id, faults));
        for name in &self.mail_campaigns {
            // A name that the privacy door would mask may identify one recipient.
            if name.is_empty() || label(name, MAIL_CAMPAIGN_BYTES_MAX) != *name {
                faults.push(format!(
                    "site {id:?}: mail_campaigns: {name:?} is not a campaign name: 1 to {MAIL_CAMPAIGN_BYTES_MAX} bytes, and nothing that could identify a person"
                ));
            }
        }
        if self.mail_campaigns.len() > MAIL_CAMPAIGNS_MAX {
            faults.push(format!(
                "site {id:?}: mail_campaigns has {} names; at most {MAIL_CAMPAIGNS_MAX} are counted; remove old ones",
                self.mail_campaigns.len()
            ));
        }
        let hostnames = self
            .hostnames
            .unwrap_or_else(|| vec![id.clone()])
            .iter()
            .map(|h| h.to_ascii_lowercase())
            .collect();
        if faults.len() > fault_count {
            return None;
        }
        Some(Site {
            cookie_name: cookie_name(&id),
            erasure_cookie_name: erasure_cookie_name(&id),
            shared_id: id.as_str().into(),
            id,
            hostnames,
            timezone: timezone.ok()?,
            consent: ConsentRules {
                profile: self.profile.unwrap_or(Profile::Consent),
                policy: policy_version,
                gpc: self.gpc.unwrap_or(ObjectionRule::Deny),
                dnt: self.dnt.unwrap_or(ObjectionRule::Deny),
            },
            scrub: scrub.ok()?,
            policy: policy.cloned(),
            consent_cookie,
            query_allow: self.query_allow,
            routes: self.routes,
            mail_campaigns: self.mail_campaigns,
            retention_days,
            controller: self.controller.unwrap_or_default(),
            contact: self.contact.unwrap_or_default(),
            privacy_url: self.privacy_url.unwrap_or_default(),
            residency: self.residency.unwrap_or_default(),
        })
    }
}

impl RawConsentCookie {
    fn validate(self, site: &str, faults: &mut Vec<String>) -> Option<ConsentManager> {
        match (self.manager, self.category) {
            (ManagerName::Cookiebot, None) => Some(ConsentManager::Cookiebot),
            (ManagerName::Cookiebot, Some(_)) => {
                faults.push(format!(
                    "site {site:?}: consent_cookie.category is for \"onetrust\"; Cookiebot's category is always statistics"
                ));
                None
            }
            (ManagerName::OneTrust, category) => {
                let category = category.unwrap_or_else(|| ONETRUST_CATEGORY.into());
                let is_sound = (1..=CATEGORY_BYTES_MAX).contains(&category.len())
                    && category
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                if !is_sound {
                    faults.push(format!(
                        "site {site:?}: consent_cookie.category = {category:?}: use the id of the category, such as \"C0002\""
                    ));
                }
                is_sound.then_some(ConsentManager::OneTrust { category })
            }
        }
    }
}
