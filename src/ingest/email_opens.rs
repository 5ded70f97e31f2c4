//! Opened e-mails: a number for each campaign and day, and nothing else.
//!
//! An image in an e-mail shows that it was opened, and must not show by whom: its address names no
//! recipient, no event is made, neither the client's address nor its agent is read, and of the time
//! only the day is stored. Only configured campaigns are counted, so that an address made for one
//! recipient counts nothing. The consent rules are those of pages without a choice, since an image
//! cannot carry one: a `consent` site counts none, and an opt-out, `Sec-GPC` or `DNT` is a refusal.
//! Such a refusal is not counted as an outcome, because outcomes tell what share of a site's
//! *pages* is measured. Programs count too: mail services fetch images on behalf of people.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::config::{Site, SiteId, Sites};

/// Opened e-mails that are not stored yet: a number for each configured campaign of each site.
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

    /// The number of a configured campaign.
    pub(super) fn of(&self, site: SiteId, campaign: &str) -> Option<&AtomicU64> {
        let campaigns = self.campaigns.get(site.index())?;
        campaigns
            .iter()
            .find(|(name, _)| name == campaign)
            .map(|(_, opens)| opens)
    }

    /// Takes the numbers above 0: (site, campaign, opens).
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
