//! Names, expressions and descriptions of the dimensions.

use super::kinds::{EventDimension, VisitDimension};
use crate::bucket::Bucket;

/// The definition of a dimension.
pub(super) struct Entry<T> {
    /// Its name in questions and reports.
    pub(super) name: &'static str,
    pub(super) which: T,
    /// Its value on a row of events. Buckets use [`Bucket::expression`].
    pub(super) column: &'static str,
    /// Text of the documentation.
    pub(super) about: &'static str,
}

pub(super) const EVENT: [Entry<EventDimension>; 8] = [
    Entry {
        name: "event:name",
        which: EventDimension::Name,
        column: "toString(name)",
        about: "Name of the event: `pageview` or that of a custom event.",
    },
    Entry {
        name: "event:page",
        which: EventDimension::Page,
        column: "path",
        about: "Scrubbed path of the page.",
    },
    Entry {
        name: "event:hostname",
        which: EventDimension::Hostname,
        column: "toString(hostname)",
        about: "Host of the page.",
    },
    Entry {
        name: "event:previous_page",
        which: EventDimension::PreviousPage,
        column: "if(previous_path = '', '(entry)', previous_path)",
        about: "Previous page in the same visit; `(entry)` at its start.",
    },
    Entry {
        name: "event:next_page",
        which: EventDimension::NextPage,
        column: "if(next_path = '', '(exit)', next_path)",
        about: "Next page in the same visit; `(exit)` at its end. Pageviews only.",
    },
    Entry {
        name: "event:policy",
        which: EventDimension::Policy,
        column: "if(policy = '', '(not set)', toString(policy))",
        about: "Version of the privacy policy under which the event was collected.",
    },
    Entry {
        name: "event:basis",
        which: EventDimension::Basis,
        column: "if(basis = '', '(not set)', toString(basis))",
        about: "Ground on which the event was collected: `consent`, `exempt` or `count`.",
    },
    Entry {
        name: "event:click_cell",
        which: EventDimension::ClickCell,
        column: "toString(cell)",
        about: "Cell of the page that was clicked: row * 20 + column, in a grid of squares that are a twentieth of the page wide. Only with the metric `clicks`.",
    },
];

pub(super) const VISIT: [Entry<VisitDimension>; 25] = [
    Entry {
        name: "visit:source",
        which: VisitDimension::Source,
        column: "if(source = '', 'Direct / None', toString(source))",
        about: "Name of the source, e.g. `Google`; `Direct / None` where there is none.",
    },
    Entry {
        name: "visit:channel",
        which: VisitDimension::Channel,
        column: "if(channel = '', 'Direct', toString(channel))",
        about: "Class of the source, e.g. `Organic Search`.",
    },
    Entry {
        name: "visit:referrer",
        which: VisitDimension::Referrer,
        column: "if(referrer = '', 'Direct / None', toString(referrer))",
        about: "Host that linked to the first page; `Direct / None` where there is none.",
    },
    Entry {
        name: "visit:utm_source",
        which: VisitDimension::UtmSource,
        column: "if(utm_source = '', '(not set)', toString(utm_source))",
        about: "Campaign parameter of the first page.",
    },
    Entry {
        name: "visit:utm_medium",
        which: VisitDimension::UtmMedium,
        column: "if(utm_medium = '', '(not set)', toString(utm_medium))",
        about: "Campaign parameter of the first page.",
    },
    Entry {
        name: "visit:utm_campaign",
        which: VisitDimension::UtmCampaign,
        column: "if(utm_campaign = '', '(not set)', toString(utm_campaign))",
        about: "Campaign parameter of the first page.",
    },
    Entry {
        name: "visit:utm_content",
        which: VisitDimension::UtmContent,
        column: "if(utm_content = '', '(not set)', toString(utm_content))",
        about: "Campaign parameter of the first page.",
    },
    Entry {
        name: "visit:utm_term",
        which: VisitDimension::UtmTerm,
        column: "if(utm_term = '', '(not set)', toString(utm_term))",
        about: "Campaign parameter of the first page.",
    },
    Entry {
        name: "visit:screen",
        which: VisitDimension::Screen,
        column: "if(screen = '', '(not set)', toString(screen))",
        about: "Class of the viewport's width: `xs`, `sm`, `md`, `lg`, `xl`, `xxl`.",
    },
    Entry {
        name: "visit:device",
        which: VisitDimension::Device,
        column: "if(device = '', '(not set)', toString(device))",
        about: "`desktop`, `mobile`, `tablet` or `other`.",
    },
    Entry {
        name: "visit:browser",
        which: VisitDimension::Browser,
        column: "if(browser = '', '(not set)', toString(browser))",
        about: "Browser family.",
    },
    Entry {
        name: "visit:browser_version",
        which: VisitDimension::BrowserVersion,
        column: "if(browser_version = 0, '(not set)', toString(browser_version))",
        about: "Major version of the browser.",
    },
    Entry {
        name: "visit:os",
        which: VisitDimension::Os,
        column: "if(os = '', '(not set)', toString(os))",
        about: "Operating system family.",
    },
    Entry {
        name: "visit:os_version",
        which: VisitDimension::OsVersion,
        column: "if(os_version = '', '(not set)', toString(os_version))",
        about: "Major version of the operating system.",
    },
    Entry {
        name: "visit:country",
        which: VisitDimension::Country,
        column: "if(country = '', '(not set)', toString(country))",
        about: "Country, ISO 3166-1 alpha-2.",
    },
    Entry {
        name: "visit:region",
        which: VisitDimension::Region,
        column: "if(region = '', '(not set)', toString(region))",
        about: "Subdivision, ISO 3166-2, e.g. `JP-13`.",
    },
    Entry {
        name: "visit:city",
        which: VisitDimension::City,
        column: "if(city = '', '(not set)', toString(city))",
        about: "English name of the city.",
    },
    Entry {
        name: "visit:city_name",
        which: VisitDimension::CityName,
        column: "if(city = '', '(not set)', toString(city))",
        about: "The same as `visit:city`.",
    },
    Entry {
        name: "visit:language",
        which: VisitDimension::Language,
        column: "if(language = '', '(not set)', toString(language))",
        about: "Primary language, e.g. `ja`.",
    },
    Entry {
        name: "visit:entry_page",
        which: VisitDimension::EntryPage,
        column: "if(entry_path = '', '(not set)', entry_path)",
        about: "First page of the visit.",
    },
    Entry {
        name: "visit:exit_page",
        which: VisitDimension::ExitPage,
        column: "if(exit_path = '', '(not set)', exit_path)",
        about: "Last page of the visit.",
    },
    Entry {
        name: "visit:entry_page_hostname",
        which: VisitDimension::EntryPageHostname,
        column: "if(entry_hostname = '', '(not set)', entry_hostname)",
        about: "Host of the first page of the visit.",
    },
    Entry {
        name: "visit:exit_page_hostname",
        which: VisitDimension::ExitPageHostname,
        column: "if(exit_hostname = '', '(not set)', exit_hostname)",
        about: "Host of the last page of the visit.",
    },
    Entry {
        name: "visit:visit_number",
        which: VisitDimension::VisitNumber,
        column: "transform(visit_number, [1, 2, 3, 6, 11], ['1', '2', '3-5', '6-10', '11+'], '(not set)')",
        about: "Number of the visit for this device, in classes: `1`, `2`, `3-5`, `6-10`, `11+`.",
    },
    Entry {
        name: "visit:days_since_seen",
        which: VisitDimension::DaysSinceSeen,
        column: "multiIf(days_since_seen = 32767, 'never', days_since_seen < 0, '(not set)', toString(days_since_seen))",
        about: "Days since the device's previous visit began: `0` to `31`, then the middle of the week (`35` to `91`), then of 30 days (`110` to `380`), `400`; `never` for the first.",
    },
];

pub(super) const TIME: [Entry<Bucket>; 5] = [
    Entry {
        name: "time:minute",
        which: Bucket::Minute,
        column: "",
        about: "Minute of the site's wall clock.",
    },
    Entry {
        name: "time:hour",
        which: Bucket::Hour,
        column: "",
        about: "Hour of the site's wall clock. An hour that the clock repeats is one row.",
    },
    Entry {
        name: "time:day",
        which: Bucket::Day,
        column: "",
        about: "Day of the site.",
    },
    Entry {
        name: "time:week",
        which: Bucket::Week,
        column: "",
        about: "Week of the site, Monday to Sunday, named by its first day in the period.",
    },
    Entry {
        name: "time:month",
        which: Bucket::Month,
        column: "",
        about: "Month of the site, named by its first day.",
    },
];

/// The entry of a dimension.
pub(super) fn find<T: Copy + PartialEq>(
    table: &'static [Entry<T>],
    which: T,
) -> Option<&'static Entry<T>> {
    table.iter().find(|entry| entry.which == which)
}

/// The dimension of this name.
pub(super) fn named<T: Copy>(table: &[Entry<T>], name: &str) -> Option<T> {
    let entry = table.iter().find(|entry| entry.name == name);
    entry.map(|entry| entry.which)
}
