//! A visitor's own data: what the choices page can show of it, and how it is refused and erased.
//!
//! Visitor ids are hashes of a request's cookie, address and agent under salts that cannot be read
//! by anyone, so only the visitor's own request can name them. A request therefore finds its own
//! events of today, and neither those of others nor those of an earlier day.
//!
//! A refusal deletes the measurement cookie, and with it the only way to name these ids. So the
//! device id moves into the erasure cookie, which lives as long as today's salt and is sent to the
//! choices page only.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::config::SiteId;
use crate::ingest::pipeline::Pipeline;
use crate::ingest::sender::{CookieChange, Sender};
use crate::salts::date_of;
use sillage_privacy::{
    Decision, DeviceId, Measurement, OPT_OUT_COOKIE, Refusal, Signals, VisitorId, decide,
    read_erasure, visitors_of, write_erasure,
};

/// The visitor ids of a request, and the day for which they hold.
pub struct OwnIds {
    /// Site-local day of the request.
    pub day: Date,
    /// Ids under which events of that day are stored, and of the day before while its salt exists.
    pub visitors: Vec<VisitorId>,
}

/// What one request shows of its visitor's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoiceState {
    /// The request has a valid measurement cookie.
    pub is_known_device: bool,
    /// The request has the opt-out cookie.
    pub is_opted_out: bool,
    /// `Sec-GPC: 1`.
    pub gpc: bool,
    /// `DNT: 1`.
    pub dnt: bool,
    /// The choice in the consent manager's cookie, where the site is configured to read it.
    pub manager: Option<bool>,
    /// The decision about a beacon of this browser that says neither yes nor no.
    pub without_choice: Decision,
}

impl Default for ChoiceState {
    fn default() -> Self {
        Self {
            is_known_device: false,
            is_opted_out: false,
            gpc: false,
            dnt: false,
            manager: None,
            without_choice: Decision::Refused(Refusal::NoConsent),
        }
    }
}

impl Pipeline {
    /// What this request shows of its visitor's choice on a site.
    pub fn state(&self, id: SiteId, sender: &Sender<'_>) -> ChoiceState {
        let state = ChoiceState {
            is_known_device: self.measurement(id, sender).is_some(),
            is_opted_out: (sender.cookie)(OPT_OUT_COOKIE).is_some(),
            gpc: sender.gpc,
            dnt: sender.dnt,
            manager: self.manager_choice(id, sender),
            ..ChoiceState::default()
        };
        ChoiceState {
            without_choice: self.decide_for(id, &state),
            ..state
        }
    }

    /// The decision about beacons of a browser in this state that say neither yes nor no.
    pub fn decide_for(&self, id: SiteId, state: &ChoiceState) -> Decision {
        let signals = Signals {
            opted_out: state.is_opted_out,
            gpc: state.gpc,
            dnt: state.dnt,
            manager: state.manager,
            ..Signals::default()
        };
        decide(&self.sites[id].consent, &signals)
    }

    /// Forgets the open visits of this request's visitor and returns the ids of its events of
    /// today: those of its devices, from the measurement and the erasure cookie, and those of its
    /// truncated address and agent, which neighbours with the same browser share.
    pub fn forget(&self, id: SiteId, sender: &Sender<'_>) -> OwnIds {
        let mut devices = self.refused_devices(id, sender);
        let measurement = self.measurement(id, sender);
        devices.extend(measurement.map(|known| known.device_id()));
        let (ip, agent) = ((sender.ip)(), (sender.agent)());
        let site = &self.sites[id].id;
        let visitors = self.salts.with(id, sender.received, |salts| {
            visitors_of(&salts, site, &ip, &agent, &devices)
        });
        for visitor in &visitors {
            self.visits.forget(*visitor);
        }
        let day = date_of(self.salts.day(id, sender.received));
        OwnIds { day, visitors }
    }

    /// Cookie changes of a refusal on the choices page.
    pub fn refuse(&self, id: SiteId, sender: &Sender<'_>) -> Vec<CookieChange> {
        let value = (sender.cookie)(&self.sites[id].cookie_name).unwrap_or_default();
        self.withdraw(id, &value, Some(sender), sender.received)
    }

    /// Deletes the cookies that an erasure needed, once it is accepted.
    pub fn end_cookies(&self, id: SiteId, sender: &Sender<'_>) -> Vec<CookieChange> {
        let site = &self.sites[id];
        let mut changes = vec![CookieChange::Delete {
            name: site.cookie_name.clone(),
        }];
        if (sender.cookie)(&site.erasure_cookie_name).is_some() {
            changes.push(CookieChange::DeleteErasure {
                name: site.erasure_cookie_name.clone(),
            });
        }
        changes
    }

    /// Deletes the measurement cookie, of which this is the value. The device id of a valid one
    /// moves into the erasure cookie, beside the ids already in it if the request carries that
    /// cookie. A beacon does not.
    pub(super) fn withdraw(
        &self,
        id: SiteId,
        measurement: &str,
        with_erasure: Option<&Sender<'_>>,
        now: Timestamp,
    ) -> Vec<CookieChange> {
        let site = &self.sites[id];
        let key = self.salts.cookie_key();
        let day = self.salts.day(id, now);
        let mut changes = vec![CookieChange::Delete {
            name: site.cookie_name.clone(),
        }];
        if let Some(known) = Measurement::read(measurement, &site.id, key, day) {
            let mut devices: Vec<DeviceId> =
                with_erasure.map_or_else(Vec::new, |sender| self.refused_devices(id, sender));
            devices.push(known.device_id());
            changes.push(CookieChange::SetErasure {
                name: site.erasure_cookie_name.clone(),
                value: write_erasure(&devices, day, &site.id, key),
                max_age_s: self.salts.salt_ends_in_s(id, now),
            });
        }
        changes
    }

    /// The device ids that the request's erasure cookie holds.
    fn refused_devices(&self, id: SiteId, sender: &Sender<'_>) -> Vec<DeviceId> {
        let site = &self.sites[id];
        let Some(value) = (sender.cookie)(&site.erasure_cookie_name) else {
            return Vec::new();
        };
        let now = sender.received;
        let day = self.salts.day(id, now);
        let has_yesterday = self.salts.with(id, now, |salts| salts.yesterday.is_some());
        let key = self.salts.cookie_key();
        read_erasure(&value, &site.id, key, day, has_yesterday)
    }

    fn measurement(&self, id: SiteId, sender: &Sender<'_>) -> Option<Measurement> {
        let site = &self.sites[id];
        let value = (sender.cookie)(&site.cookie_name)?;
        let day = self.salts.day(id, sender.received);
        Measurement::read(&value, &site.id, self.salts.cookie_key(), day)
    }
}
