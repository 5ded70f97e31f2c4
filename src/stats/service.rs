//! The service: its sites, goals, floors and audience.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use clickhouse::Client;
use sillage_privacy::Profile;
use sillage_query::QueryError;
use sillage_query::goal::Goal;
use sillage_query::rollup::coverage::Coverage;
use sillage_query::suppression::audience::{Audience, Floors};
use sillage_query::suppression::floor::Floor;
use tokio::sync::Mutex;

use crate::config::{Site, Sites};
use crate::store::runner::{QueryLimits, Runner};

// The query crate does not depend on the privacy crate, which defines how gaps are stored.
const _: () =
    assert!(sillage_query::plan::EXACT_DAYS_MAX == sillage_privacy::coarse::EXACT_DAYS_MAX);

/// Floor of every audience except members, unless the configuration sets another.
const FLOOR_DEFAULT: u32 = 5;

/// Answers questions about the configured sites. Clones share client, queue and caches.
#[derive(Clone)]
pub struct StatsService {
    pub(super) runner: Runner,
    sites: Arc<Sites>,
    /// By the index of the site.
    states: Arc<[SiteState]>,
    uses_rollups: bool,
    floors: Floors,
    audience: Audience,
    /// The sites that exist for this client; `None` for all.
    visible: Option<Arc<[String]>>,
}

/// What is known about a site while the program runs.
#[derive(Default)]
pub(super) struct SiteState {
    /// The coverage, and when it was queried.
    pub coverage: Mutex<Option<(Instant, Arc<Coverage>)>>,
    /// How much of yesterday and today is released to audiences with a floor.
    pub releases: Mutex<Releases>,
    goals: RwLock<Goals>,
}

/// A site that a client may see.
#[derive(Clone, Copy)]
pub(super) struct KnownSite<'a> {
    pub site: &'a Site,
    pub state: &'a SiteState,
}

/// The end of the release (seconds since 1970), by the end of the last full hour and the floor.
pub(super) type Releases = Vec<((i64, i64), i64)>;

/// The goals of a site.
pub type Goals = Arc<[Arc<Goal>]>;

impl StatsService {
    /// A service that answers members. `client` has its database set. Nothing is sent before the
    /// first question.
    pub fn new(client: Client, sites: Arc<Sites>, limits: QueryLimits) -> Self {
        Self {
            runner: Runner::new(client, limits),
            states: sites.iter().map(|_| SiteState::default()).collect(),
            sites,
            uses_rollups: true,
            floors: Floors {
                members: 0,
                keys: FLOOR_DEFAULT,
                links: FLOOR_DEFAULT,
                analysts: FLOOR_DEFAULT,
            },
            audience: Audience::Member,
            visible: None,
        }
    }

    /// The same service with the floors of the configuration.
    #[must_use]
    pub fn with_floors(mut self, floors: Floors) -> Self {
        self.floors = floors;
        self
    }

    /// The same service for another audience, whose floor applies.
    #[must_use]
    pub fn for_audience(&self, audience: Audience) -> Self {
        Self {
            audience,
            ..self.clone()
        }
    }

    /// The same service for a client that may see some sites only. For that client the others do
    /// not exist.
    #[must_use]
    pub fn only(mut self, sites: Option<Arc<[String]>>) -> Self {
        self.visible = sites;
        self
    }

    /// The same service, with every number counted from the events; for tests and comparisons.
    #[must_use]
    pub fn without_rollups(mut self) -> Self {
        self.uses_rollups = false;
        self
    }

    /// Sets the goals of a site for this service and all its clones. Unknown sites are ignored.
    pub fn set_goals(&self, site: &str, goals: impl IntoIterator<Item = Goal>) {
        if let Some(id) = self.sites.find(site) {
            let goals = goals.into_iter().map(Arc::new).collect();
            // The list is replaced as a whole, so it is consistent even after a panic.
            let state = &self.states[id.index()];
            *state.goals.write().unwrap_or_else(PoisonError::into_inner) = goals;
        }
    }

    /// The goals of a site; none of a site that this client may not see.
    pub fn goals(&self, site: Option<&str>) -> Goals {
        let known = site.and_then(|id| self.site(id).ok());
        known.map_or_else(
            || [].into(),
            |known| {
                let goals = known.state.goals.read();
                goals.unwrap_or_else(PoisonError::into_inner).clone()
            },
        )
    }

    /// A site that this client may see.
    pub(super) fn site(&self, name: &str) -> Result<KnownSite<'_>, QueryError> {
        let visible = self.visible.as_deref();
        let id = self
            .sites
            .find(name)
            .filter(|_| visible.is_none_or(|visible| visible.iter().any(|each| each == name)))
            .ok_or(QueryError::UnknownSite)?;
        Ok(KnownSite {
            site: &self.sites[id],
            state: &self.states[id.index()],
        })
    }

    /// The floor of this audience for a site; `None` where it sees everything.
    pub(super) fn floor(&self, site: &Site) -> Option<Floor> {
        let counts_pages = site.consent.profile == Profile::Count;
        let floor = self.floors.of(self.audience)?;
        Some(floor.counting_pages(counts_pages))
    }

    /// Whether answers use roll-ups.
    pub(super) fn uses_rollups(&self) -> bool {
        self.uses_rollups
    }
}
