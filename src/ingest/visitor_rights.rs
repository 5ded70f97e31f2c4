//! A visitor's own data: what a request that comes from the choices page can be told, and what it
//! takes away.
//!
//! Only the visitor's very request can name its visitor ids, since they are hashes of its cookie,
//! its address and its agent under salts that nobody can read. So whoever asks can find their own
//! events of today, and nobody can find anybody else's, or those of an earlier day.
//!
//! A refusal ends the measurement cookie, and with it the only way to name these ids. So the device
//! id moves into the erasure cookie, which lives as long as today's salt and comes back to the
//! choices page only.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{CookieChange, Pipeline, Sender};
use crate::config::SiteId;
use crate::salts::date_of;
use sillage_privacy::{
    Decision, DeviceId, Measurement, OPT_OUT_COOKIE, Refusal, Signals, VisitorId, decide,
    read_erasure, visitors_of, write_erasure,
};

/// The visitor whose events are to be erased.
pub struct Own {
    /// Site-local day of the request.
    pub day: Date,
    /// The ids under which events of that day, and of the day before while its salt lives, are
    /// stored.
    pub visitors: Vec<VisitorId>,
}

/// What the server can see of a visitor's choice in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoiceState {
    /// A sound measurement cookie came along.
    pub is_known_device: bool,
    /// The opt-out cookie came along.
    pub is_opted_out: bool,
    /// `Sec-GPC: 1`.
    pub gpc: bool,
    /// `DNT: 1`.
    pub dnt: bool,
    /// What the consent manager's own cookie says, where the site has one read.
    pub manager: Option<bool>,
    /// What becomes of a beacon of this browser when the page says neither yes nor no.
    pub without_word: Decision,
}

impl Default for ChoiceState {
    fn default() -> Self {
        Self {
            is_known_device: false,
            is_opted_out: false,
            gpc: false,
            dnt: false,
            manager: None,
            without_word: Decision::Refused(Refusal::NoConsent),
        }
    }
}

impl Pipeline {
    /// What this request shows of its visitor's choice on the site with this index.
    pub fn state(&self, index: SiteId, sender: &Sender<'_>) -> ChoiceState {
        let seen = ChoiceState {
            is_known_device: self.measurement(index, sender).is_some(),
            is_opted_out: (sender.cookie)(OPT_OUT_COOKIE).is_some(),
            gpc: sender.gpc,
            dnt: sender.dnt,
            manager: self.manager_choice(index, sender),
            ..ChoiceState::default()
        };
        ChoiceState {
            without_word: self.decide_for(index, &seen),
            ..seen
        }
    }

    /// What becomes of beacons of a browser in this state when the page says neither yes nor no.
    pub fn decide_for(&self, index: SiteId, state: &ChoiceState) -> Decision {
        let signals = Signals {
            opted_out: state.is_opted_out,
            gpc: state.gpc,
            dnt: state.dnt,
            manager: state.manager,
            ..Signals::default()
        };
        decide(&self.sites[index].consent, &signals)
    }

    /// Forgets the open visits of this request's visitor and says under which ids its events of
    /// today are stored: those of its devices, from the measurement and the erasure cookie, and
    /// those of its truncated network and agent, which neighbours with the same browser share.
    pub fn forget(&self, index: SiteId, sender: &Sender<'_>) -> Own {
        let mut devices = self.refused_devices(index, sender);
        let measurement = self.measurement(index, sender);
        devices.extend(measurement.map(|known| known.device_id()));
        let (ip, agent) = ((sender.ip)(), (sender.agent)());
        let id = &self.sites[index].id;
        let visitors = self.salts.with(index, sender.received, |salts| {
            visitors_of(&salts, id, &ip, &agent, &devices)
        });
        for visitor in &visitors {
            self.visits.forget(*visitor);
        }
        let day = date_of(self.salts.day(index, sender.received));
        Own { day, visitors }
    }

    /// What a refusal on the choices page does to the cookies of this request.
    pub fn refuse(&self, index: SiteId, sender: &Sender<'_>) -> Vec<CookieChange> {
        let value = (sender.cookie)(&self.sites[index].cookie_name).unwrap_or_default();
        self.withdraw(index, &value, Some(sender), sender.received)
    }

    /// Ends the cookies of a site that an erasure needed, once it is accepted.
    pub fn end_cookies(&self, index: SiteId, sender: &Sender<'_>) -> Vec<CookieChange> {
        let site = &self.sites[index];
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

    /// Ends the measurement cookie with this value. The device id of a valid one goes into the
    /// erasure cookie, beside those that are in it already, as far as the request shows that
    /// cookie: a beacon's does not.
    pub(super) fn withdraw(
        &self,
        index: SiteId,
        measurement: &str,
        shows_erasure: Option<&Sender<'_>>,
        now: Timestamp,
    ) -> Vec<CookieChange> {
        let site = &self.sites[index];
        let key = self.salts.cookie_key();
        let day = self.salts.day(index, now);
        let mut changes = vec![CookieChange::Delete {
            name: site.cookie_name.clone(),
        }];
        if let Some(known) = Measurement::read(measurement, &site.id, key, day) {
            let mut devices: Vec<DeviceId> =
                shows_erasure.map_or_else(Vec::new, |sender| self.refused_devices(index, sender));
            devices.push(known.device_id());
            changes.push(CookieChange::SetErasure {
                name: site.erasure_cookie_name.clone(),
                value: write_erasure(&devices, day, &site.id, key),
                max_age_s: self.salts.salt_ends_in_s(index, now),
            });
        }
        changes
    }

    /// The device ids that the request's erasure cookie holds.
    fn refused_devices(&self, index: SiteId, sender: &Sender<'_>) -> Vec<DeviceId> {
        let site = &self.sites[index];
        let Some(value) = (sender.cookie)(&site.erasure_cookie_name) else {
            return Vec::new();
        };
        let now = sender.received;
        let day = self.salts.day(index, now);
        let lives_yesterday = self
            .salts
            .with(index, now, |salts| salts.yesterday.is_some());
        let key = self.salts.cookie_key();
        read_erasure(&value, &site.id, key, day, lives_yesterday)
    }

    fn measurement(&self, index: SiteId, sender: &Sender<'_>) -> Option<Measurement> {
        let site = &self.sites[index];
        let value = (sender.cookie)(&site.cookie_name)?;
        let day = self.salts.day(index, sender.received);
        Measurement::read(&value, &site.id, self.salts.cookie_key(), day)
    }
}
