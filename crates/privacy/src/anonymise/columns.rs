//! Reading an event: one getter per column of the table `events` that is known at the door.

use std::sync::Arc;

use super::AnonymousEvent;
use crate::consent::Basis;
use crate::fields::{EventName, Language, Revenue, Vitals};
use crate::origin::Origin;
use crate::visitor::VisitorId;

impl AnonymousEvent {
    /// Site id as configured.
    pub fn site(&self) -> &Arc<str> {
        &self.site
    }

    /// Unix minutes.
    pub fn minute(&self) -> u32 {
        self.minute
    }

    /// What happened.
    pub fn name(&self) -> &EventName {
        &self.name
    }

    /// 0 = not stored.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// `None` = not known, stored as 0.
    pub fn visitor(&self) -> Option<VisitorId> {
        self.visitor
    }

    /// Host of the page, lower case.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Scrubbed path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the visitor came from to this page. A row stores that of the visit's first page.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// ISO 3166-1 alpha-2; empty = unknown.
    pub fn country(&self) -> &str {
        &self.place.country
    }

    /// ISO 3166-2; empty = unknown.
    pub fn region(&self) -> &str {
        &self.place.region
    }

    /// English name; empty = unknown.
    pub fn city(&self) -> &str {
        &self.place.city
    }

    /// Family; empty = unknown.
    pub fn browser(&self) -> &'static str {
        self.device.browser
    }

    /// Major version; 0 = unknown.
    pub fn browser_version(&self) -> u16 {
        self.device.browser_version
    }

    /// Family; empty = unknown.
    pub fn os(&self) -> &'static str {
        self.device.os
    }

    /// Major version; 0 = unknown, stored as an empty string.
    pub fn os_version(&self) -> u16 {
        self.device.os_version
    }

    /// `desktop`, `mobile`, `tablet`, `other`; empty = unknown.
    pub fn device(&self) -> &'static str {
        self.device.kind
    }

    /// `xs`, `sm`, `md`, `lg`, `xl`, `xxl`; empty = unknown.
    pub fn screen(&self) -> &'static str {
        self.screen
    }

    /// Primary subtag; empty = unknown.
    pub fn language(&self) -> &str {
        self.language.as_ref().map_or("", Language::as_str)
    }

    /// Whether it ends a bounce.
    pub fn interactive(&self) -> bool {
        self.interactive
    }

    /// Milliseconds for which the page was visible and focused so far, in
    /// [classes](crate::coarse::engaged_ms); at most
    /// [`ENGAGED_MS_MAX`](crate::bounds::ENGAGED_MS_MAX).
    pub fn engaged_ms(&self) -> u32 {
        self.engaged_ms
    }

    /// Percent; 255 = unknown.
    pub fn scroll(&self) -> u8 {
        self.scroll
    }

    /// Scrubbed names and values.
    pub fn props(&self) -> &[(String, String)] {
        &self.props
    }

    /// Amount; `None` = not stored.
    pub fn revenue(&self) -> Option<Revenue> {
        self.revenue
    }

    /// Click cells, at most [`CLICKS_MAX`](crate::bounds::CLICKS_MAX).
    pub fn clicks(&self) -> &[u16] {
        &self.clicks
    }

    /// Web vitals within bounds.
    pub fn vitals(&self) -> Vitals {
        self.vitals
    }

    /// The page reported that a program controls the browser.
    pub fn automated(&self) -> bool {
        self.automated
    }

    /// The basis on which it is stored.
    pub fn basis(&self) -> Basis {
        self.basis
    }
}
