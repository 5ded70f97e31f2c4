//! Accepts a beacon: parses its body, has each site that it names process it, and waits until the
//! events are on disk.

use std::sync::atomic::Ordering::Relaxed;

use crate::config::SiteId;
use crate::ingest::beacon::Beacon;
use crate::ingest::dedup::PendingEvent;
use crate::ingest::error::IngestError;
use crate::ingest::pipeline::Pipeline;
use crate::ingest::process::Processed;
use crate::ingest::sender::{CookieChange, Sender};
use crate::telemetry::Outcome;
use sillage_privacy::{Decision, truncate};

/// Sites that one beacon may name; the rest of the list is ignored.
const SITES_MAX: usize = 8;

/// What became of a beacon that was understood.
pub struct Accepted {
    pub outcome: Outcome,
    pub cookies: Vec<CookieChange>,
}

/// A parsed beacon, processed for the sites that it names. `None` stands for a name that is not
/// configured.
enum ForSites<'a> {
    One(Option<SiteId>, Result<Processed<'a>, IngestError>),
    Several {
        named: Vec<Option<SiteId>>,
        processed: Result<Vec<(Option<SiteId>, Processed<'a>)>, IngestError>,
    },
}

impl Pipeline {
    /// Accepts one beacon, for each site that it names. Returns when everything that is to be
    /// stored is on disk.
    ///
    /// # Errors
    /// [`IngestError`]; the beacon may be sent again.
    pub async fn ingest(&self, body: &[u8], sender: &Sender<'_>) -> Result<Accepted, IngestError> {
        // Processed in a plain function: what an async function holds, each waiting request holds.
        let (site, result) = match self.process_all(body, sender)? {
            ForSites::One(site, processed) => (site, self.store_one(processed).await),
            ForSites::Several { named, processed } => {
                return Box::pin(self.store_several(&named, processed)).await;
            }
        };
        let outcome = result
            .as_ref()
            .map_or(Outcome::Unavailable, |it| it.outcome);
        self.counters.count(site, outcome);
        result
    }

    /// Counts an opened e-mail of a site's campaign: site first, then consent.
    pub fn open_mail(&self, site: &str, campaign: &str, sender: &Sender<'_>) {
        let Some(site) = self.sites.find(site) else {
            self.counters.count(None, Outcome::UnknownSite);
            return;
        };
        let Some(opens) = self.opens.of(site, campaign) else {
            self.counters.count(Some(site), Outcome::UnknownCampaign);
            return;
        };
        let state = self.state(site, sender);
        if matches!(state.without_choice, Decision::Count(_)) {
            opens.fetch_add(1, Relaxed);
        }
    }

    /// Parses a beacon and processes it for the sites that it names.
    fn process_all<'a>(
        &'a self,
        body: &[u8],
        sender: &Sender<'_>,
    ) -> Result<ForSites<'a>, IngestError> {
        let beacon = match Beacon::parse(body) {
            Ok(beacon) => beacon,
            Err(error) => {
                self.counters.count(None, Outcome::Malformed);
                let network = truncate(&(sender.ip)());
                self.faulty_networks.count(network, Outcome::Malformed);
                return Err(error.into());
            }
        };
        let (first, others) = self.sites_of(&beacon);
        if others.is_empty() {
            return Ok(ForSites::One(first, self.process(first, beacon, sender)));
        }
        let named = std::iter::once(first).chain(others).collect::<Vec<_>>();
        let processed = self.process_each(&named, &beacon, sender);
        Ok(ForSites::Several { named, processed })
    }

    fn process(
        &self,
        site: Option<SiteId>,
        beacon: Beacon<'_>,
        sender: &Sender<'_>,
    ) -> Result<Processed<'_>, IngestError> {
        match site {
            Some(site) => self.process_for_site(site, beacon, sender),
            None => Ok(Processed::dropped(Outcome::UnknownSite)),
        }
    }

    /// Processes a beacon for each of several sites; a site that is named twice counts once.
    fn process_each(
        &self,
        named: &[Option<SiteId>],
        beacon: &Beacon<'_>,
        sender: &Sender<'_>,
    ) -> Result<Vec<(Option<SiteId>, Processed<'_>)>, IngestError> {
        let mut all = Vec::with_capacity(named.len());
        for (index, site) in named.iter().enumerate() {
            if site.is_none() || !named[..index].contains(site) {
                all.push((*site, self.process(*site, beacon.copy()?, sender)?));
            }
        }
        Ok(all)
    }

    /// The sites that a beacon names in `d`, or the site of its page's host: the first, and the
    /// rest.
    fn sites_of(&self, beacon: &Beacon<'_>) -> (Option<SiteId>, Vec<Option<SiteId>>) {
        let find = |name: &str| {
            let name = name.trim();
            self.sites
                .find(name)
                .or_else(|| self.sites.find(name.strip_prefix("www.")?))
        };
        match beacon.site.as_deref() {
            None => {
                let host = beacon.page.host();
                let by_host = || {
                    let mut sites = self.sites.numbered();
                    let found =
                        sites.find(|(_, site)| site.hostnames.iter().any(|name| name == host));
                    found.map(|(id, _)| id)
                };
                (find(host).or_else(by_host), Vec::new())
            }
            Some(one) if !one.contains(',') => (find(one), Vec::new()),
            Some(list) => {
                let mut names = list.split(',').take(SITES_MAX).map(find);
                (names.next().flatten(), names.collect())
            }
        }
    }

    /// Stores the event of one site.
    async fn store_one(
        &self,
        processed: Result<Processed<'_>, IngestError>,
    ) -> Result<Accepted, IngestError> {
        let (record, pending, cookies) = match processed? {
            Processed::Dropped { outcome, cookies } => return Ok(Accepted { outcome, cookies }),
            Processed::Event {
                record,
                pending,
                cookies,
            } => (record, pending, cookies),
        };
        self.spool.append(record).await?;
        if let Some(pending) = pending {
            pending.stored();
        }
        Ok(Accepted {
            outcome: Outcome::Accepted,
            cookies,
        })
    }

    /// Stores the events of several sites and counts what became of each.
    async fn store_several(
        &self,
        named: &[Option<SiteId>],
        processed: Result<Vec<(Option<SiteId>, Processed<'_>)>, IngestError>,
    ) -> Result<Accepted, IngestError> {
        let result = match processed {
            Ok(processed) => self.store_together(processed).await,
            Err(error) => Err(error),
        };
        if result.is_err() {
            for site in named {
                self.counters.count(*site, Outcome::Unavailable);
            }
        }
        result
    }

    /// The events of all sites go to the disk together: all of them are stored, or none.
    async fn store_together(
        &self,
        processed: Vec<(Option<SiteId>, Processed<'_>)>,
    ) -> Result<Accepted, IngestError> {
        let mut outcomes = Vec::with_capacity(processed.len());
        let mut cookies = Vec::new();
        let mut records = Vec::new();
        let mut claims: Vec<Option<PendingEvent<'_>>> = Vec::new();
        for (site, processed) in processed {
            // Each site has its own cookies, and a refusal reaches all of them.
            let (outcome, changes) = match processed {
                Processed::Dropped { outcome, cookies } => (outcome, cookies),
                Processed::Event {
                    record,
                    pending,
                    cookies,
                } => {
                    records.push(record);
                    claims.push(pending);
                    (Outcome::Accepted, cookies)
                }
            };
            outcomes.push((site, outcome));
            cookies.extend(changes);
        }
        let appended = self.spool.append_all(&records).await;
        let durable = appended
            .as_ref()
            .map_or_else(|failed| failed.durable, |()| records.len());
        for pending in claims.into_iter().take(durable).flatten() {
            pending.stored();
        }
        appended.map_err(|failed| failed.error)?;
        for (site, outcome) in &outcomes {
            self.counters.count(*site, *outcome);
        }
        let first = outcomes.first();
        Ok(Accepted {
            outcome: first.map_or(Outcome::UnknownSite, |(_, outcome)| *outcome),
            cookies,
        })
    }
}
