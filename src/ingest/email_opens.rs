//! Opened e-mails: numbers by campaign and day, and nothing else.
//!
//! An image in an e-mail can say that *somebody* opened it and must not say who: no recipient is in
//! its address, no event is made, neither address nor agent is looked at, and of the time only the
//! day stays. Only campaigns that the configuration names are counted, so that an address made for
//! one recipient counts nothing. Same consent rules as for pages, without a word of consent (an
//! image has none): a `consent` site counts none, and an opt-out, `Sec-GPC` or `DNT` that comes
//! along is a no, not even counted as one, because the counts of outcomes tell what share of a
//! site's *pages* is measured. Programs are not told apart: mail services fetch images on behalf of
//! people.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Pipeline, Sender};
use crate::config::{Site, SiteId, Sites};
use crate::telemetry::Outcome;
use sillage_privacy::Decision;

/// Opened e-mails since they were last stored: one number for each configured campaign of each
/// site.
#[derive(Debug, Default)]
pub struct Opens {
    sites: Arc<Sites>,
    /// By site.
    campaigns: Vec<Vec<(String, AtomicU64)>>,
}

impl Opens {
    /// Nothing counted yet.
    pub fn new(sites: Arc<Sites>) -> Self {
        let campaigns = |site: &Site| {
            let campaigns = site.mail_campaigns.iter();
            campaigns
                .map(|name| (name.clone(), AtomicU64::new(0)))
                .collect()
        };
        Self {
            campaigns: sites.iter().map(campaigns).collect(),
            sites,
        }
    }

    fn of(&self, site: SiteId, campaign: &str) -> Option<&AtomicU64> {
        let campaigns = self.campaigns.get(site.index())?;
        campaigns
            .iter()
            .find(|(name, _)| name == campaign)
            .map(|(_, opens)| opens)
    }

    /// Takes what was counted: (site, campaign, opens above 0).
    pub fn take(&self) -> Vec<(SiteId, &str, u64)> {
        let mut taken = Vec::new();
        for ((site, _), campaigns) in self.sites.numbered().zip(&self.campaigns) {
            for (campaign, opens) in campaigns {
                match opens.swap(0, Relaxed) {
                    0 => {}
                    opens => taken.push((site, campaign.as_str(), opens)),
                }
            }
        }
        taken
    }
}

impl Pipeline {
    /// Opened e-mails that wait to be stored.
    pub fn opens(&self) -> &Opens {
        &self.opens
    }

    /// Counts an opened e-mail of a site's campaign, site first, then consent.
    pub fn open_mail(&self, site: &str, campaign: &str, sender: &Sender<'_>) {
        let Some(index) = self.sites.find(site) else {
            self.counters.count(None, Outcome::UnknownSite);
            return;
        };
        let Some(opens) = self.opens.of(index, campaign) else {
            self.counters.count(Some(index), Outcome::UnknownCampaign);
            return;
        };
        let state = self.state(index, sender);
        if matches!(state.without_word, Decision::Count(_)) {
            opens.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three sites: the first and the last with two campaigns.
    fn opens() -> Opens {
        let text = r#"
            [[site]]
            id = "a"
            mail_campaigns = ["spring", "autumn"]
            [[site]]
            id = "b"
            [[site]]
            id = "c"
            mail_campaigns = ["spring", "autumn"]
        "#;
        let config = crate::config::Config::parse(text, std::path::Path::new("sillage.toml"));
        Opens::new(config.expect("sound").sites)
    }

    #[test]
    fn an_opening_is_taken_once_and_counting_goes_on() {
        let opens = opens();
        assert!(opens.take().is_empty());
        for _ in 0..3 {
            opens
                .of(SiteId::nth(2), "autumn")
                .expect("configured")
                .fetch_add(1, Relaxed);
        }
        let taken = opens.take();
        assert_eq!(taken, [(SiteId::nth(2), "autumn", 3)]);
        opens
            .of(SiteId::nth(2), "autumn")
            .expect("configured")
            .fetch_add(1, Relaxed);
        assert_eq!(opens.take(), [(SiteId::nth(2), "autumn", 1)]);
    }

    #[test]
    fn an_unconfigured_campaign_has_no_number() {
        let opens = opens();
        assert!(opens.of(SiteId::nth(0), "spring/taro@example.jp").is_none());
        assert!(
            opens.of(SiteId::nth(1), "spring").is_none()
                && opens.of(SiteId::nth(3), "spring").is_none()
        );
    }
}
