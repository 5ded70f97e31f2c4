//! The pipeline: what happens to a beacon, in the only function that knows the order.
//!
//! ```text
//! parse ▶ site ▶ consent ▶ filter ▶ source ▶ [ privacy door: place, device ] ▶ bot? ▶ distinct values ▶ visit ▶ spool
//! ```
//!
//! Whether a program sent it is known only inside the door, where the agent is read; what the door
//! then gives for a bot is dropped at once. Consent comes first here: nothing is derived from a
//! refused beacon, not even its address or agent. (Before it the server counts the truncated
//! address against its bound, in memory; of what is no beacon at all the truncated address is
//! counted as a fault.) Any stage may end the way with an [`Outcome`], a closed list of which each
//! is counted; an expected loss is no error. An [`IngestError`] is the sender's fault or ours, and
//! then nothing was kept: a beacon that names several sites goes to the disk for all of them at
//! once. Should the disk fail exactly between two segments, it is kept for those before the one
//! that failed; sent again with its `k` it counts once for them.
//!
//! Deliberately not here: HTTP, and anything about how rows are stored.

pub mod addresses;
pub mod beacon;
pub mod cardinality;
pub mod dedup;
pub mod device;
pub mod email_opens;
pub mod geo;
pub mod referrer_spam;
mod remembered;
pub mod source;
pub mod visitor_rights;

pub use device::Devices;
pub use geo::{Geo, GeoError};

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Config, SiteId, Sites};
use crate::event_row::encode;
use crate::ingest::beacon::{Beacon, BeaconError};
use crate::ingest::cardinality::{Cardinality, Place};
use crate::ingest::dedup::{Mark, Pending, Seen};
use crate::ingest::device::BOT;
use crate::ingest::source::Origins;

use crate::random;
use crate::salts::{SaltError, SaltKeeper};
use crate::telemetry::{Counters, FaultyNetworks, Outcome, VisitGauges};
use crate::visits::{Beginning, Step, Visits};
use sillage_privacy::{
    AnonymousEvent, Basis, ClientIp, DAY_BEGINS_HOUR, Decision, DeviceId, EventName, Language,
    Lookups, Measurement, OPT_OUT_COOKIE, RawBeacon, Refusal, Salts, Signals, TruncatedIp,
    UserAgent, anonymise, decide, event_key, truncate,
};
use sillage_spool::{Spool, SpoolError};

/// What came with a beacon. The address and the agent are asked for at the door and not before.
pub struct Sender<'a> {
    pub ip: &'a (dyn Fn() -> ClientIp + Sync),
    pub agent: &'a (dyn Fn() -> UserAgent + Sync),
    /// Whether the request says that nobody looks at the page yet (`Sec-Purpose`, `Purpose`,
    /// `X-Moz`).
    pub is_prefetch: bool,
    pub gpc: bool,
    pub dnt: bool,
    pub language: Option<Language>,
    /// Value of a cookie by its name; no other cookie is looked at.
    pub cookie: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// When the server received it.
    pub received: Timestamp,
}

/// A change of a cookie that goes back with the answer.
#[derive(PartialEq, Eq)]
pub enum CookieChange {
    /// The measurement cookie.
    Set {
        name: String,
        value: String,
        max_age_s: u32,
    },
    /// The measurement cookie goes.
    Delete { name: String },
    /// The erasure cookie, which only the choices page gets back.
    SetErasure {
        name: String,
        value: String,
        max_age_s: u32,
    },
    /// The erasure cookie goes.
    DeleteErasure { name: String },
}

/// The end of a beacon's way.
pub struct Taken {
    pub outcome: Outcome,
    pub cookies: Vec<CookieChange>,
}

/// Nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Beacon(#[from] BeaconError),
    #[error("the event could not be kept: {0}")]
    Spool(#[from] SpoolError),
    #[error("the system gives no random numbers")]
    Random(#[from] getrandom::Error),
    #[error("the same event is being kept right now")]
    InFlight,
}

/// Seconds for which a retry is looked for under the key of the day before: as long as keys are
/// remembered.
const RETRY_S: i64 = 2 * dedup::MEMORY_S as i64;

/// Sites that one beacon may name; more are not looked at.
const SITES_MAX: usize = 8;

/// Everything that a beacon meets on its way.
pub struct Pipeline {
    sites: Arc<Sites>,
    salts: SaltKeeper,
    devices: Devices,
    origins: Origins,
    geo: Geo,
    visits: Visits,
    seen: Seen,
    cardinality: Cardinality,
    opens: email_opens::Opens,
    spool: Spool,
    counters: Arc<Counters>,
    faults: Arc<FaultyNetworks>,
}

impl Pipeline {
    /// Puts the parts together.
    ///
    /// # Errors
    /// The salts can't be read or kept secret.
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
            seen: Seen::new(config.limits.seen_keys_max),
            cardinality: Cardinality::new(config.sites.len()),
            opens: email_opens::Opens::new(config.sites.clone()),
            spool,
            counters,
            faults: Arc::default(),
        })
    }

    /// Faulty requests by network, to be stored apart.
    pub fn faults(&self) -> &Arc<FaultyNetworks> {
        &self.faults
    }

    /// The open visits.
    pub fn visits(&self) -> &Visits {
        &self.visits
    }

    /// What `/metrics` says of them.
    pub fn visit_gauges(&self) -> VisitGauges {
        VisitGauges {
            open: self.visits.len(),
            evicted: self.visits.evicted(),
        }
    }

    /// The events that were kept a short while ago.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The values that sites have shown.
    pub fn cardinality(&self) -> &Cardinality {
        &self.cardinality
    }

    /// The site-local day of a moment.
    pub fn day(&self, site: SiteId, moment: Timestamp) -> i32 {
        self.salts.day(site, moment)
    }

    /// Stores as `(other)` what has no place among a site's values of the day.
    fn fold(&self, index: SiteId, day: i32, network: TruncatedIp, event: &mut AnonymousEvent) {
        event.fold(&mut |field, text| {
            match self.cardinality.place(index, day, network, field, text) {
                Place::Kept => true,
                Place::Folded { is_first } => {
                    self.counters.count_folded(field);
                    if is_first {
                        tracing::warn!(
                            site = self.sites[index].id,
                            field = field.as_str(),
                            "too many new values from one network, or for the site, today; values beyond the limit are stored as (other)"
                        );
                    }
                    false
                }
            }
        });
    }

    /// Does what the clock asks for: rotates salts, closes silent visits. Call it every few
    /// seconds.
    ///
    /// # Errors
    /// A new salt could not be written; beacons of a day without one are answered 503.
    pub fn tick(&self, now: Timestamp) -> Result<(), SaltError> {
        self.visits.sweep(unix_seconds(now));
        self.seen.tick(unix_seconds(now));
        self.salts.tick(now)
    }

    /// Takes one beacon, for each site that it names. Returns when all that is to be kept is on
    /// disk.
    ///
    /// # Errors
    /// [`IngestError`]; the beacon may be sent again.
    pub async fn ingest(&self, body: &[u8], sender: &Sender<'_>) -> Result<Taken, IngestError> {
        // Parsed in a plain function: what an async one holds, each waiting beacon would keep.
        let (site, walked) = match self.begin(body, sender)? {
            Begun::One(site, walked) => (site, walked),
            Begun::Several => return Box::pin(self.take_all(body, sender)).await,
        };
        let result = match walked {
            Ok(Walked::Dropped(taken)) => Ok(taken),
            // spool: on disk before anybody is told
            Ok(Walked::Kept {
                record,
                pending,
                cookies,
            }) => match self.spool.append(record).await {
                Ok(()) => {
                    if let Some(pending) = pending {
                        pending.kept();
                    }
                    Ok(Taken {
                        outcome: Outcome::Accepted,
                        cookies,
                    })
                }
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error),
        };
        self.counters.count(
            site,
            result
                .as_ref()
                .map_or(Outcome::Unavailable, |taken| taken.outcome),
        );
        result
    }

    /// Parses a beacon, and goes the way with it where it is for one site.
    fn begin<'a>(&'a self, body: &[u8], sender: &Sender<'_>) -> Result<Begun<'a>, IngestError> {
        // parse
        let beacon = match Beacon::parse(body) {
            Ok(beacon) => beacon,
            Err(fault) => {
                self.counters.count(None, Outcome::Malformed);
                let network = truncate(&(sender.ip)());
                self.faults.count(network, Outcome::Malformed);
                return Err(fault.into());
            }
        };
        let (site, others) = self.sites_of(&beacon);
        Ok(match site {
            _ if !others.is_empty() => Begun::Several,
            None => Begun::One(None, Ok(Walked::Dropped(dropped(Outcome::UnknownSite)))),
            Some(index) => Begun::One(site, self.walk(index, beacon, sender)),
        })
    }

    /// The sites that a beacon names in `d`, or that its page's host belongs to: the first, and the
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
                        sites.find(|(_, site)| site.hostnames.iter().any(|own| own == host));
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

    /// What the consent manager's own cookie says, where the site has one read.
    fn manager_choice(&self, index: SiteId, sender: &Sender<'_>) -> Option<bool> {
        let site = &self.sites[index];
        let manager = site.consent_cookie.as_ref()?;
        let since_s = site.policy_since().map(|start| start.as_second());
        manager.choice(sender.cookie, since_s)
    }

    /// Takes a beacon for several sites and counts what became of it.
    async fn take_all(&self, body: &[u8], sender: &Sender<'_>) -> Result<Taken, IngestError> {
        let beacon = Beacon::parse(body)?;
        let (first, others) = self.sites_of(&beacon);
        let result = self.take_each(body, (first, beacon), &others, sender).await;
        if result.is_err() {
            for site in std::iter::once(first).chain(others) {
                self.counters.count(site, Outcome::Unavailable);
            }
        }
        result
    }

    /// What is to be kept for any of the sites goes to the disk together, or none of it is kept.
    async fn take_each(
        &self,
        body: &[u8],
        (first, beacon): (Option<SiteId>, Beacon<'_>),
        others: &[Option<SiteId>],
        sender: &Sender<'_>,
    ) -> Result<Taken, IngestError> {
        let mut all = vec![(first, beacon)];
        for site in others {
            // Named twice, it is meant once.
            if site.is_none() || all.iter().all(|(other, _)| other != site) {
                all.push((*site, Beacon::parse(body)?));
            }
        }
        let (mut outcomes, mut cookies) = (Vec::new(), Vec::new());
        let (mut records, mut marks) = (Vec::new(), Vec::new());
        for (site, beacon) in all {
            let walked = match site {
                Some(index) => self.walk(index, beacon, sender)?,
                None => Walked::Dropped(dropped(Outcome::UnknownSite)),
            };
            let (outcome, changes) = match walked {
                Walked::Dropped(taken) => (taken.outcome, taken.cookies),
                Walked::Kept {
                    record,
                    pending,
                    cookies,
                } => {
                    records.push(record);
                    marks.push(pending);
                    (Outcome::Accepted, cookies)
                }
            };
            outcomes.push((site, outcome));
            // Each site has cookies of its own, and a no reaches all of them.
            cookies.extend(changes);
        }
        let appended = self.spool.append_all(&records).await;
        let kept = appended
            .as_ref()
            .map_or_else(|failed| failed.durable, |()| records.len());
        for pending in marks.into_iter().take(kept).flatten() {
            pending.kept();
        }
        appended.map_err(|failed| failed.error)?;
        for (site, outcome) in &outcomes {
            self.counters.count(*site, *outcome);
        }
        Ok(Taken {
            outcome: outcomes
                .first()
                .map_or(Outcome::UnknownSite, |(_, outcome)| *outcome),
            cookies,
        })
    }

    /// The day under which an event's key is stored, and the day before it while its retries may
    /// still come.
    fn key_days(&self, index: SiteId, now: Timestamp) -> (i32, Option<i32>) {
        let hours = SignedDuration::from_hours(DAY_BEGINS_HOUR);
        let day_at = |moment: Timestamp| self.salts.day(index, moment);
        let begun = now.saturating_sub(hours).unwrap_or(now);
        let retried = begun
            .saturating_sub(SignedDuration::from_secs(RETRY_S))
            .unwrap_or(begun);
        let (day, earlier) = (day_at(begun), day_at(retried));
        (day, (earlier != day).then_some(earlier))
    }

    /// The way from consent to the spool.
    fn walk<'a>(
        &'a self,
        index: SiteId,
        beacon: Beacon<'_>,
        sender: &Sender<'_>,
    ) -> Result<Walked<'a>, IngestError> {
        let site = &self.sites[index];

        // consent
        let cookie = (sender.cookie)(&site.cookie_name);
        let signals = Signals {
            said: beacon.said,
            policy: beacon.policy.claim(),
            opted_out: (sender.cookie)(OPT_OUT_COOKIE).is_some(),
            gpc: sender.gpc,
            dnt: sender.dnt,
            manager: self.manager_choice(index, sender),
        };
        let basis = match decide(&site.consent, &signals) {
            Decision::Count(basis) => basis,
            Decision::Refused(refusal) => {
                // A no ends the measurement cookie; silence does not (the page may not have asked
                // yet).
                let cookies = match cookie {
                    Some(value) if refusal != Refusal::NoConsent => {
                        self.withdraw(index, &value, None, sender.received)
                    }
                    _ => Vec::new(),
                };
                return Ok(Walked::Dropped(Taken {
                    outcome: refusal.into(),
                    cookies,
                }));
            }
        };

        // filter
        let reason = if !basis.keeps(&beacon.name) {
            Some(Outcome::PagesOnly)
        } else if sender.is_prefetch {
            Some(Outcome::Prefetch)
        } else if beacon.automated {
            Some(Outcome::Automated)
        } else if !site.hostnames.iter().any(|host| host == beacon.page.host()) {
            Some(Outcome::ForeignHost)
        } else if beacon
            .referrer
            .as_deref()
            .is_some_and(referrer_spam::is_spam)
        {
            Some(Outcome::Spam)
        } else {
            None
        };
        if let Some(reason) = reason {
            return Ok(Walked::Dropped(dropped(reason)));
        }

        // a retry counts once; an engagement is cumulative and may come often
        let stored_key = |day| {
            let id = beacon.key.as_deref()?;
            Some(event_key(id, &site.id, day, self.salts.cookie_key()))
        };
        let (key_day, earlier_day) = self.key_days(index, sender.received);
        let key = stored_key(key_day);
        let mut pending = None;
        if beacon.name != EventName::Engagement {
            let earlier = earlier_day.and_then(stored_key);
            // The last one is the event's own; of an earlier day's only a kept one matters.
            for key in earlier.into_iter().chain(key) {
                pending = match self.seen.mark(&site.id, beacon.name.as_str(), key) {
                    Mark::New(pending) => Some(pending),
                    Mark::Kept => return Ok(Walked::Dropped(dropped(Outcome::Duplicate))),
                    Mark::InFlight => return Err(IngestError::InFlight),
                };
            }
        }

        // source, door, visit
        let day = self.salts.day(index, sender.received);
        let measurement = (basis == Basis::Full)
            .then(|| {
                let known = cookie.as_deref().and_then(|value| {
                    Measurement::read(value, &site.id, self.salts.cookie_key(), day)
                });
                known.map_or_else(|| begin(day, &site.consent.policy), Ok)
            })
            .transpose()?;
        let fresh_visit = random_u64()?;
        let (referrer, page) = (beacon.referrer.as_deref(), &beacon.page);
        let origin = self.origins.origin(index, referrer, page, &site.hostnames);
        // What the policy does not name as a purpose is not collected, so no later one can use it.
        let origin = if site.keeps_campaigns() {
            origin
        } else {
            Arc::new(Arc::unwrap_or_clone(origin).into_plain())
        };
        let now_s = unix_seconds(sender.received);
        let ip = (sender.ip)();
        let network = truncate(&ip);
        let raw = RawBeacon {
            site: site.shared_id.clone(),
            minute: u32::try_from(now_s / 60).unwrap_or(u32::MAX),
            key: match key {
                Some(key) => key,
                None => random_u64()?,
            },
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
        let look = Lookups {
            place: &|ip| self.geo.place(ip),
            device: &|agent| self.devices.device(agent),
        };
        let anonymised = self.salts.with(index, sender.received, |salts: Salts<'_>| {
            anonymise(raw, basis, &salts, &site.scrub, &look)
        });
        let mut event = anonymised.event;
        if event.device() == BOT {
            return Ok(Walked::Dropped(dropped(Outcome::Bot)));
        }
        self.fold(index, day, network, &mut event);
        let step = match event.name() {
            EventName::Pageview => Step::Pageview { path: event.path() },
            EventName::Engagement => Step::Engagement,
            EventName::Custom(_) => Step::Event { path: event.path() },
        };
        let visit = event.visitor().and_then(|visitor| {
            self.visits
                .touch(visitor, anonymised.yesterday, now_s, step, || Beginning {
                    id: fresh_visit,
                    origin: event.origin().clone(),
                    visit_number: measurement.as_ref().map_or(0, Measurement::visit_number),
                    days_since_seen: measurement
                        .as_ref()
                        .map_or(-1, |known| known.days_since_seen(day)),
                })
        });

        // The cookie remembers a visit when one begins, and only then changes.
        let cookies = measurement
            .filter(|_| visit.as_ref().is_some_and(|visit| visit.is_first))
            .map(|mut known| {
                known.visited(day);
                CookieChange::Set {
                    name: site.cookie_name.clone(),
                    value: known.write(&site.id, self.salts.cookie_key()),
                    max_age_s: known.max_age_s(day),
                }
            })
            .into_iter()
            .collect();
        let terms = encode::Terms {
            policy: &site.consent.policy,
            expires: u16::try_from(day + i32::from(site.retention_days)).unwrap_or(u16::MAX),
        };
        Ok(Walked::Kept {
            record: encode::encode(&event, visit.as_ref(), terms),
            pending,
            cookies,
        })
    }
}

/// What is to be done with a beacon.
enum Begun<'a> {
    One(Option<SiteId>, Result<Walked<'a>, IngestError>),
    Several,
}

/// How far a beacon came.
enum Walked<'a> {
    Dropped(Taken),
    Kept {
        record: Vec<u8>,
        pending: Option<Pending<'a>>,
        cookies: Vec<CookieChange>,
    },
}

fn dropped(outcome: Outcome) -> Taken {
    Taken {
        outcome,
        cookies: Vec::new(),
    }
}

fn unix_seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0)
}

/// A device that is seen for the first time.
fn begin(day: i32, policy: &str) -> Result<Measurement, getrandom::Error> {
    let id = DeviceId::from_random(random::bytes()?);
    Ok(Measurement::begin(id, day, policy))
}

/// Never 0.
fn random_u64() -> Result<u64, getrandom::Error> {
    Ok(u64::from_le_bytes(random::bytes()?).max(1))
}

#[cfg(test)]
mod tests;
