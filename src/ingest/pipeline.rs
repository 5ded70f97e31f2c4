//! The parts that a beacon meets on its way, put together once at start.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::{Config, SiteId, Sites};
use crate::ingest::cardinality::{Cardinality, Place};
use crate::ingest::dedup::Dedup;
use crate::ingest::device::Devices;
use crate::ingest::email_opens::Opens;
use crate::ingest::geo::Geo;
use crate::ingest::sender::Sender;
use crate::ingest::source::Origins;
use crate::salts::{SaltError, SaltKeeper};
use crate::telemetry::{Counters, FaultyNetworks, VisitGauges};
use crate::visits::Visits;
use sillage_privacy::{AnonymousEvent, TruncatedIp};
use sillage_spool::Spool;

/// Everything that a beacon meets on its way.
pub struct Pipeline {
    pub(super) sites: Arc<Sites>,
    pub(super) salts: SaltKeeper,
    pub(super) devices: Devices,
    pub(super) origins: Origins,
    pub(super) geo: Geo,
    pub(super) visits: Visits,
    pub(super) dedup: Dedup,
    pub(super) cardinality: Cardinality,
    pub(super) opens: Opens,
    pub(super) spool: Spool,
    pub(super) counters: Arc<Counters>,
    pub(super) faulty_networks: Arc<FaultyNetworks>,
}

impl Pipeline {
    /// Puts the parts together.
    ///
    /// # Errors
    /// The salts cannot be read or kept secret.
    pub fn new(
        config: &Config,
        geo: Geo,
        spool: Spool,
        counters: Arc<Counters>,
        now: Timestamp,
    ) -> Result<Self, SaltError> {
        Ok(Self {
            sites: config.sites.clone(),
            salts: SaltKeeper::open(&config.salts_dir, &config.data_dir, &config.sites, now)?,
            devices: Devices::new(),
            origins: Origins::default(),
            geo,
            visits: Visits::new(config.limits.open_visits_bytes_max),
            dedup: Dedup::new(config.limits.seen_keys_max),
            cardinality: Cardinality::new(config.sites.len()),
            opens: Opens::new(config.sites.clone()),
            spool,
            counters,
            faulty_networks: Arc::default(),
        })
    }

    /// Faulty requests by network, which are stored apart from events.
    pub fn faulty_networks(&self) -> &Arc<FaultyNetworks> {
        &self.faulty_networks
    }

    /// The open visits.
    pub fn visits(&self) -> &Visits {
        &self.visits
    }

    /// What `/metrics` says of the visits.
    pub fn visit_gauges(&self) -> VisitGauges {
        VisitGauges {
            open: self.visits.len(),
            evicted: self.visits.evicted(),
        }
    }

    /// The events that were stored a short while ago.
    pub fn dedup(&self) -> &Dedup {
        &self.dedup
    }

    /// The distinct values that sites have shown.
    pub fn cardinality(&self) -> &Cardinality {
        &self.cardinality
    }

    /// Opened e-mails that wait to be stored.
    pub fn opens(&self) -> &Opens {
        &self.opens
    }

    /// The site-local day of a moment.
    pub fn day(&self, site: SiteId, moment: Timestamp) -> i32 {
        self.salts.day(site, moment)
    }

    /// Work of the clock: rotates salts, closes silent visits, forgets old keys. Call it every few
    /// seconds.
    ///
    /// # Errors
    /// A new salt could not be written; beacons of a day without a salt are answered 503.
    pub fn tick(&self, now: Timestamp) -> Result<(), SaltError> {
        self.visits.sweep(unix_seconds(now));
        self.dedup.tick(unix_seconds(now));
        self.salts.tick(now)
    }

    /// Replaces by `(other)` the values of an event that exceed the site's bounds of distinct
    /// values for the day.
    pub(super) fn fold(
        &self,
        site: SiteId,
        day: i32,
        network: TruncatedIp,
        event: &mut AnonymousEvent,
    ) {
        event.fold(&mut |field, text| {
            match self.cardinality.place(site, day, network, field, text) {
                Place::Stored => true,
                Place::Folded { is_first } => {
                    self.counters.count_folded(field);
                    if is_first {
                        tracing::warn!(
                            site = self.sites[site].id,
                            field = field.as_str(),
                            "too many new values from one network, or for the site, today; values beyond the limit are stored as (other)"
                        );
                    }
                    false
                }
            }
        });
    }

    /// The choice in the consent manager's own cookie, where the site is configured to read it.
    pub(super) fn manager_choice(&self, site: SiteId, sender: &Sender<'_>) -> Option<bool> {
        let site = &self.sites[site];
        let manager = site.consent_cookie.as_ref()?;
        let since_s = site.policy_since().map(|start| start.as_second());
        manager.choice(sender.cookie, since_s)
    }
}

/// Unix seconds; 0 before 1970.
pub(super) fn unix_seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0)
}
