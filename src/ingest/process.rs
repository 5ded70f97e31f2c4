//! Processes a beacon for one site, from consent to the row that is stored.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Site, SiteId};
use crate::event_row::encode;
use crate::ingest::beacon::Beacon;
use crate::ingest::dedup::{self, Claim, PendingEvent};
use crate::ingest::device::BOT;
use crate::ingest::error::IngestError;
use crate::ingest::pipeline::{Pipeline, unix_seconds};
use crate::ingest::referrer_spam;
use crate::ingest::sender::{CookieChange, Sender};
use crate::random;
use crate::telemetry::Outcome;
use crate::visits::{Beginning, Step, VisitStamp};
use sillage_privacy::{
    AnonymousEvent, Basis, DAY_BEGINS_HOUR, Decision, DeviceId, EventName, Lookups, Measurement,
    OPT_OUT_COOKIE, Origin, RawBeacon, Refusal, Salts, Signals, VisitorId, anonymise, decide,
    event_key, truncate,
};

/// Seconds for which a retry is also looked up under the key of the day before: as long as keys are
/// remembered.
const RETRY_S: i64 = 2 * dedup::MEMORY_S as i64;

/// A beacon after every stage in front of the spool.
pub(super) enum Processed<'a> {
    /// Nothing of it is stored.
    Dropped {
        outcome: Outcome,
        cookies: Vec<CookieChange>,
    },
    /// An event to be stored.
    Event {
        record: Vec<u8>,
        /// `None` for events that may repeat.
        pending: Option<PendingEvent<'a>>,
        cookies: Vec<CookieChange>,
    },
}

impl Processed<'_> {
    pub(super) fn dropped(outcome: Outcome) -> Self {
        Self::Dropped {
            outcome,
            cookies: Vec::new(),
        }
    }
}

/// The key under which an event is stored, and its claim to be stored once.
struct Key<'a> {
    /// `None` when the sender gave no `k`.
    stored: Option<u64>,
    pending: Option<PendingEvent<'a>>,
}

impl Pipeline {
    /// The stages of a beacon in their order, from consent to the row.
    pub(super) fn process_for_site<'a>(
        &'a self,
        id: SiteId,
        beacon: Beacon<'_>,
        sender: &Sender<'_>,
    ) -> Result<Processed<'a>, IngestError> {
        let site = &self.sites[id];
        let cookie = (sender.cookie)(&site.cookie_name);

        // consent
        let basis = match self.consent(id, &beacon, sender) {
            Decision::Count(basis) => basis,
            Decision::Refused(refusal) => return Ok(self.refused(id, refusal, cookie, sender)),
        };

        // filter
        if let Some(outcome) = filter(site, basis, &beacon, sender) {
            return Ok(Processed::dropped(outcome));
        }

        // retry?
        let key = match self.claim(id, &beacon, sender.received) {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(Processed::dropped(Outcome::Duplicate)),
            Err(error) => return Err(error),
        };

        // source
        let day = self.salts.day(id, sender.received);
        let measurement = match basis {
            Basis::Full => Some(self.measurement_or_new(site, cookie.as_deref(), day)?),
            Basis::Exempt | Basis::CountOnly => None,
        };
        let visit_id = random_id()?;
        let stored_key = match key.stored {
            Some(key) => key,
            None => random_id()?,
        };
        let origin = self.origin(id, &beacon);

        // privacy door: place, device
        let now_s = unix_seconds(sender.received);
        let ip = (sender.ip)();
        let network = truncate(&ip);
        let raw = RawBeacon {
            site: site.shared_id.clone(),
            minute: u32::try_from(now_s / 60).unwrap_or(u32::MAX),
            key: stored_key,
            name: beacon.name,
            page: beacon.page,
            origin,
            ip,
            agent: (sender.agent)(),
            device: measurement.as_ref().map(Measurement::device_id),
            language: sender.language,
            viewport_width: beacon.viewport_width,
            interactive: beacon.interactive,
            engaged_ms: beacon.engaged_ms,
            scroll: beacon.scroll,
            props: beacon.props,
            revenue: beacon.revenue,
            clicks: beacon.clicks,
            vitals: beacon.vitals,
            automated: beacon.automated,
        };
        let lookups = Lookups {
            place: &|ip| self.geo.place(ip),
            device: &|agent| self.devices.device(agent),
        };
        let anonymised = self.salts.with(id, sender.received, |salts: Salts<'_>| {
            anonymise(raw, basis, &salts, &site.scrub, &lookups)
        });
        let mut event = anonymised.event;

        // bot?
        if event.device() == BOT {
            return Ok(Processed::dropped(Outcome::Bot));
        }

        // distinct values
        self.fold(id, day, network, &mut event);

        // visit
        let visit = self.visit(&event, anonymised.yesterday, now_s, || Beginning {
            id: visit_id,
            origin: event.origin().clone(),
            visit_number: measurement.as_ref().map_or(0, Measurement::visit_number),
            days_since_seen: measurement
                .as_ref()
                .map_or(-1, |known| known.days_since_seen(day)),
        });

        // The cookie records that a visit began. It does not change otherwise.
        let is_first = visit.as_ref().is_some_and(|visit| visit.is_first);
        let measurement = measurement.filter(|_| is_first);
        let cookies = measurement.map(|known| self.visited(site, known, day));
        let terms = encode::Terms {
            policy: &site.consent.policy,
            expires: u16::try_from(day + i32::from(site.retention_days)).unwrap_or(u16::MAX),
        };
        Ok(Processed::Event {
            record: encode::encode(&event, visit.as_ref(), terms),
            pending: key.pending,
            cookies: cookies.into_iter().collect(),
        })
    }

    /// What the beacon and its signals say about consent.
    fn consent(&self, site: SiteId, beacon: &Beacon<'_>, sender: &Sender<'_>) -> Decision {
        let signals = Signals {
            said: beacon.said,
            policy: beacon.policy.claim(),
            opted_out: (sender.cookie)(OPT_OUT_COOKIE).is_some(),
            gpc: sender.gpc,
            dnt: sender.dnt,
            manager: self.manager_choice(site, sender),
        };
        decide(&self.sites[site].consent, &signals)
    }

    /// A refusal ends the measurement cookie. Silence does not: the page may not have asked yet.
    fn refused(
        &self,
        site: SiteId,
        refusal: Refusal,
        cookie: Option<String>,
        sender: &Sender<'_>,
    ) -> Processed<'_> {
        let cookies = match cookie {
            Some(value) if refusal != Refusal::NoConsent => {
                self.withdraw(site, &value, None, sender.received)
            }
            _ => Vec::new(),
        };
        Processed::Dropped {
            outcome: refusal.into(),
            cookies,
        }
    }

    /// Claims the event, so that a retry counts once; `None` = it is stored already. Engagements
    /// are cumulative and may repeat, so they are not claimed.
    fn claim(
        &self,
        id: SiteId,
        beacon: &Beacon<'_>,
        now: Timestamp,
    ) -> Result<Option<Key<'_>>, IngestError> {
        let site = &self.sites[id].id;
        let key_of = |day| {
            let key = beacon.key.as_deref()?;
            Some(event_key(key, site, day, self.salts.cookie_key()))
        };
        let (day, earlier_day) = self.key_days(id, now);
        let stored = key_of(day);
        let mut pending = None;
        if beacon.name != EventName::Engagement {
            let earlier = earlier_day.and_then(key_of);
            // The last key is the one that is stored. A claim on an earlier day's key is dropped
            // again: it only finds an event that is stored.
            for key in earlier.into_iter().chain(stored) {
                pending = match self.dedup.claim(site, beacon.name.as_str(), key) {
                    Claim::New(pending) => Some(pending),
                    Claim::Duplicate => return Ok(None),
                    Claim::InFlight => return Err(IngestError::InFlight),
                };
            }
        }
        Ok(Some(Key { stored, pending }))
    }

    /// The day under which an event's key is stored, and the day before it while its retries may
    /// still come.
    fn key_days(&self, site: SiteId, now: Timestamp) -> (i32, Option<i32>) {
        let hours = SignedDuration::from_hours(DAY_BEGINS_HOUR);
        let day_at = |moment: Timestamp| self.salts.day(site, moment);
        let begun = now.saturating_sub(hours).unwrap_or(now);
        let retried = begun
            .saturating_sub(SignedDuration::from_secs(RETRY_S))
            .unwrap_or(begun);
        let (day, earlier) = (day_at(begun), day_at(retried));
        (day, (earlier != day).then_some(earlier))
    }

    /// The device of a valid measurement cookie, or a new one.
    fn measurement_or_new(
        &self,
        site: &Site,
        cookie: Option<&str>,
        day: i32,
    ) -> Result<Measurement, getrandom::Error> {
        let known = cookie
            .and_then(|value| Measurement::read(value, &site.id, self.salts.cookie_key(), day));
        match known {
            Some(known) => Ok(known),
            None => {
                let id = DeviceId::from_random(random::bytes()?);
                Ok(Measurement::begin(id, day, &site.consent.policy))
            }
        }
    }

    /// Where the visitor came from. Campaigns are collected only when the policy names their
    /// purpose.
    fn origin(&self, id: SiteId, beacon: &Beacon<'_>) -> Arc<Origin> {
        let site = &self.sites[id];
        let referrer = beacon.referrer.as_deref();
        let origin = self
            .origins
            .origin(id, referrer, &beacon.page, &site.hostnames);
        if site.keeps_campaigns() {
            origin
        } else {
            Arc::new(Arc::unwrap_or_clone(origin).into_plain())
        }
    }

    /// The visit of an event that has a visitor.
    fn visit(
        &self,
        event: &AnonymousEvent,
        yesterday: Option<VisitorId>,
        now_s: u64,
        begin: impl FnOnce() -> Beginning,
    ) -> Option<VisitStamp> {
        let step = match event.name() {
            EventName::Pageview => Step::Pageview { path: event.path() },
            EventName::Engagement => Step::Engagement,
            EventName::Custom(_) => Step::Event { path: event.path() },
        };
        self.visits
            .touch(event.visitor()?, yesterday, now_s, step, begin)
    }

    /// The measurement cookie after a visit began.
    fn visited(&self, site: &Site, mut measurement: Measurement, day: i32) -> CookieChange {
        measurement.visited(day);
        CookieChange::Set {
            name: site.cookie_name.clone(),
            value: measurement.write(&site.id, self.salts.cookie_key()),
            max_age_s: measurement.max_age_s(day),
        }
    }
}

/// Why a beacon that has consent is dropped; `None` = it is not.
fn filter(site: &Site, basis: Basis, beacon: &Beacon<'_>, sender: &Sender<'_>) -> Option<Outcome> {
    let referrer = beacon.referrer.as_deref();
    if !basis.keeps(&beacon.name) {
        Some(Outcome::PagesOnly)
    } else if sender.is_prefetch {
        Some(Outcome::Prefetch)
    } else if beacon.automated {
        Some(Outcome::Automated)
    } else if !site.hostnames.iter().any(|host| host == beacon.page.host()) {
        Some(Outcome::ForeignHost)
    } else if referrer.is_some_and(referrer_spam::is_spam) {
        Some(Outcome::Spam)
    } else {
        None
    }
}

/// A random id, never 0.
fn random_id() -> Result<u64, getrandom::Error> {
    Ok(u64::from_le_bytes(random::bytes()?).max(1))
}
