//! A visitor's own data: what a request that comes from the choices page can be told, and what it takes away.
//!
//! Only the visitor's very request can name its visitor ids, since they are hashes of its cookie, its address and its
//! agent under salts that nobody can read. So whoever asks can find their own events of today, and nobody can find
//! anybody else's, or those of an earlier day.

use super::{Pipeline, Sender};
use crate::privacy::{
    Decision, Measurement, OPT_OUT_COOKIE, Refusal, Signals, VisitorId, decide, visitors_of,
};

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
    /// The place of a site in the configuration.
    pub fn site_index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// What this request shows of its visitor's choice on the site with this index.
    ///
    /// # Panics
    /// When there is no such site.
    pub fn state(&self, index: usize, sender: &Sender<'_>) -> ChoiceState {
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
    ///
    /// # Panics
    /// When there is no site with this index.
    pub fn decide_for(&self, index: usize, state: &ChoiceState) -> Decision {
        let signals = Signals {
            opted_out: state.is_opted_out,
            gpc: state.gpc,
            dnt: state.dnt,
            manager: state.manager,
            ..Signals::default()
        };
        decide(&self.sites[index].consent, &signals)
    }

    /// Forgets the open visits of this request's visitor and says under which ids its events of today are stored: those
    /// of its device, and those of its truncated network and agent, which neighbours with the same browser share.
    ///
    /// # Panics
    /// When there is no site with this index.
    pub fn forget(&self, index: usize, sender: &Sender<'_>) -> Vec<VisitorId> {
        let device = self
            .measurement(index, sender)
            .map(|known| known.device_id());
        let (ip, agent) = ((sender.ip)(), (sender.agent)());
        let id = &self.sites[index].id;
        let visitors = self.salts.with(index, sender.received, |salts| {
            visitors_of(&salts, id, &ip, &agent, device.as_ref())
        });
        for visitor in &visitors {
            self.visits.forget(*visitor);
        }
        visitors
    }

    fn measurement(&self, index: usize, sender: &Sender<'_>) -> Option<Measurement> {
        let site = &self.sites[index];
        let value = (sender.cookie)(&site.cookie_name)?;
        let day = self.salts.day(index, sender.received);
        Measurement::read(&value, &site.id, self.salts.cookie_key(), day)
    }

    /// Name of a site's measurement cookie.
    ///
    /// # Panics
    /// When there is no site with this index.
    pub fn cookie_name(&self, index: usize) -> &str {
        &self.sites[index].cookie_name
    }
}
