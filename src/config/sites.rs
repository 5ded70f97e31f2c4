//! The registry of the configured sites: built once at load, shared by everything that needs one.

use std::collections::HashMap;
use std::ops::{Deref, Index};

use super::site::Site;

/// A configured site, by its place in the registry that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(u16);

impl SiteId {
    /// The site at this place of a registry.
    #[cfg(test)]
    pub fn nth(number: u16) -> Self {
        Self(number)
    }

    /// The place, for tables beside the registry: below [`len`](slice::len) of it.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Sites that one configuration may have.
pub const SITES_MAX: usize = u16::MAX as usize;

/// The configured sites, in the order of the file.
#[derive(Debug, Default)]
pub struct Sites {
    sites: Box<[Site]>,
    by_name: HashMap<String, SiteId, ahash::RandomState>,
}

impl Sites {
    /// The registry of these sites; at most [`SITES_MAX`] of them, with names of their own.
    pub fn new(sites: Vec<Site>) -> Self {
        let numbers = 0..u16::MAX;
        Self {
            by_name: sites
                .iter()
                .zip(numbers)
                .map(|(site, number)| (site.id.clone(), SiteId(number)))
                .collect(),
            sites: sites.into(),
        }
    }

    /// The site that is configured with this name.
    pub fn find(&self, name: &str) -> Option<SiteId> {
        self.by_name.get(name).copied()
    }

    /// The configuration of the site with this name.
    pub fn named(&self, name: &str) -> Option<&Site> {
        self.find(name).map(|id| &self[id])
    }

    /// Every site with its id.
    pub fn numbered(&self) -> impl Iterator<Item = (SiteId, &Site)> {
        (0..u16::MAX).map(SiteId).zip(self.sites.iter())
    }
}

impl Index<SiteId> for Sites {
    type Output = Site;

    fn index(&self, id: SiteId) -> &Site {
        &self.sites[id.index()]
    }
}

impl Deref for Sites {
    type Target = [Site];

    fn deref(&self) -> &[Site] {
        &self.sites
    }
}
