//! The dimensions: by what an answer can be broken down or filtered.
//!
//! Duty: a closed list of names, each with the fixed SQL expression of its value. Every value is
//! text, as it is shown: an unknown one reads `(not set)`, a visit without a referrer
//! `Direct / None`; filters compare with the same text, so a row that is seen can be clicked. Not
//! here: the time buckets' boundaries (`period`).

use std::sync::Arc;

use jiff::civil::Date;

use crate::goal::{self, Goal};
use crate::sql::{Sql, Value};

/// Longest name of a custom property, bytes.
pub const PROPERTY_NAME_BYTES_MAX: usize = 300;

const PROPERTY_PREFIX: &str = "event:props:";

/// Name of the dimension that depends on the site's goals.
pub const GOAL: &str = "event:goal";

/// By what an answer is broken down or filtered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dimension {
    Event(EventDimension),
    /// `event:props:NAME`: a property of custom events.
    Property(String),
    Visit(VisitDimension),
    Time(Bucket),
    /// `event:goal`: which of these goals an event meets.
    Goal(Vec<Arc<Goal>>, Goals),
}

/// Which goals a row stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goals {
    /// Those that it meets.
    Met,
    /// All of them, for what conversions are a share of.
    All,
}

/// What differs from event to event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventDimension {
    Name,
    Page,
    Hostname,
    PreviousPage,
    NextPage,
    Policy,
    Basis,
    ClickCell,
}

/// What all events of a visit share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VisitDimension {
    Source,
    Channel,
    Referrer,
    UtmSource,
    UtmMedium,
    UtmCampaign,
    UtmContent,
    UtmTerm,
    Screen,
    Device,
    Browser,
    BrowserVersion,
    Os,
    OsVersion,
    Country,
    Region,
    City,
    CityName,
    Language,
    EntryPage,
    ExitPage,
    EntryPageHostname,
    ExitPageHostname,
    VisitNumber,
    DaysSinceSeen,
}

/// A stretch of the site's local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    Minute,
    Hour,
    Day,
    /// Monday to Sunday; the first one begins with the period.
    Week,
    Month,
}

/// A table that has to be joined to the events for a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Join {
    /// First and last page of each visit.
    Ends,
    /// The page seen after each page.
    Next,
}

/// A dimension's one definition.
struct Entry<T> {
    /// In requests and answers.
    name: &'static str,
    which: T,
    /// Its value on a row of events; that of a bucket is [`Bucket::expression`].
    column: &'static str,
    /// For the documentation.
    about: &'static str,
}

const EVENT: [Entry<EventDimension>; 8] = [
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

const VISIT: [Entry<VisitDimension>; 25] = [
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

const TIME: [Entry<Bucket>; 5] = [
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

impl Dimension {
    /// The dimension of this name. `time` alone is not one: `request` chooses its bucket by the
    /// period.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(property) = name.strip_prefix(PROPERTY_PREFIX) {
            let fits = !property.is_empty() && property.len() <= PROPERTY_NAME_BYTES_MAX;
            return fits.then(|| Dimension::Property(property.to_owned()));
        }
        let event = EVENT
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| Dimension::Event(entry.which));
        let visit = || {
            VISIT
                .iter()
                .find(|entry| entry.name == name)
                .map(|entry| Dimension::Visit(entry.which))
        };
        let time = || {
            TIME.iter()
                .find(|entry| entry.name == name)
                .map(|entry| Dimension::Time(entry.which))
        };
        event.or_else(visit).or_else(time)
    }

    /// Whether every person is under at least one of its values, so that the values add up to all
    /// people and those who have several.
    pub fn can_be_added_up(&self) -> bool {
        matches!(
            self,
            Dimension::Event(EventDimension::Page | EventDimension::Name)
        )
    }

    /// Its name in requests and answers.
    pub fn name(&self) -> String {
        let name = match self {
            Dimension::Event(which) => EVENT
                .iter()
                .find(|entry| entry.which == *which)
                .map(|entry| entry.name),
            Dimension::Visit(which) => VISIT
                .iter()
                .find(|entry| entry.which == *which)
                .map(|entry| entry.name),
            Dimension::Time(which) => TIME
                .iter()
                .find(|entry| entry.which == *which)
                .map(|entry| entry.name),
            Dimension::Property(property) => return [PROPERTY_PREFIX, property].concat(),
            Dimension::Goal(..) => Some(GOAL),
        };
        name.unwrap_or_default().to_owned()
    }

    /// All dimensions but the properties: name and what it is.
    pub fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
        let event = EVENT.iter().map(|entry| (entry.name, entry.about));
        let visit = VISIT.iter().map(|entry| (entry.name, entry.about));
        event
            .chain(visit)
            .chain(TIME.iter().map(|entry| (entry.name, entry.about)))
    }

    /// The names of all dimensions but the properties.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::entries().map(|(name, _)| name)
    }

    /// Whether it can differ between two events of one visit.
    pub fn is_of_events(&self) -> bool {
        matches!(
            self,
            Dimension::Event(_) | Dimension::Property(_) | Dimension::Goal(..)
        )
    }

    /// Whether events of days that are cleared (`store::clear`) don't say it.
    pub fn is_cleared(&self) -> bool {
        match self {
            Dimension::Visit(_)
            | Dimension::Event(EventDimension::PreviousPage | EventDimension::NextPage)
            | Dimension::Time(Bucket::Minute) => true,
            Dimension::Event(
                EventDimension::Name
                | EventDimension::Page
                | EventDimension::Hostname
                | EventDimension::Policy
                | EventDimension::Basis
                | EventDimension::ClickCell,
            )
            | Dimension::Time(Bucket::Hour | Bucket::Day | Bucket::Week | Bucket::Month)
            | Dimension::Property(_)
            | Dimension::Goal(..) => false,
        }
    }

    /// Whether engagement records can have it, which are no events to other dimensions.
    pub fn is_met_by_engagement(&self) -> bool {
        match self {
            Dimension::Goal(goals, Goals::Met) => {
                goals.iter().any(|goal| goal.is_met_by_engagement())
            }
            _ => false,
        }
    }

    /// The bucket, if it is one of time.
    pub fn bucket(&self) -> Option<Bucket> {
        match self {
            Dimension::Time(bucket) => Some(*bucket),
            _ => None,
        }
    }

    /// The table it needs beside the events.
    pub fn join(&self) -> Option<Join> {
        match self {
            Dimension::Event(EventDimension::NextPage) => Some(Join::Next),
            Dimension::Visit(
                VisitDimension::ExitPage
                | VisitDimension::ExitPageHostname
                | VisitDimension::EntryPageHostname,
            ) => Some(Join::Ends),
            _ => None,
        }
    }

    /// Whether engagement records and custom events carry it as well as pageviews.
    pub fn is_on_every_row(&self) -> bool {
        !matches!(
            self,
            Dimension::Event(EventDimension::Name) | Dimension::Property(_) | Dimension::Time(_)
        )
    }

    /// Its value on one row of events, as text (dates and times for the buckets). `zone` is the
    /// site's time zone and `first_day` the first day of the period, in days since 1970.
    pub fn expression(&self, zone: &Sql, first_day: i64) -> Sql {
        match self {
            Dimension::Event(which) => column(EVENT.iter().find(|entry| entry.which == *which)),
            Dimension::Visit(which) => column(VISIT.iter().find(|entry| entry.which == *which)),
            Dimension::Property(property) => {
                let at = || {
                    Sql::text("props[")
                        .then(Value::Text(property.clone()))
                        .then("]")
                };
                Sql::text("if(")
                    .then(at())
                    .then(" = '', '(not set)', ")
                    .then(at())
                    .then(")")
            }
            Dimension::Time(bucket) => bucket.expression(zone, first_day),
            Dimension::Goal(goals, Goals::Met) => goal::each_met(goals),
            Dimension::Goal(goals, Goals::All) => goal::each(goals),
        }
    }
}

fn column<T>(entry: Option<&Entry<T>>) -> Sql {
    Sql::text(entry.map_or("", |entry| entry.column))
}

impl Bucket {
    /// The bucket's beginning on the site's wall clock. Hours and minutes are wall-clock ones: on
    /// the day on which the clock goes back, one hour lasts two, and no two buckets of an answer
    /// have the same label.
    fn expression(self, zone: &Sql, first_day: i64) -> Sql {
        let day = || Sql::text("toDate(time, ").then(zone.clone()).then(")");
        let wall = || {
            Sql::text("toDateTime(toUnixTimestamp(time) + timeZoneOffset(toTimeZone(time, ")
                .then(zone.clone())
                .then(")), 'UTC')")
        };
        match self {
            Bucket::Minute => Sql::text("toStartOfMinute(").then(wall()).then(")"),
            Bucket::Hour => Sql::text("toStartOfHour(").then(wall()).then(")"),
            Bucket::Day => day(),
            Bucket::Week => Sql::text("greatest(toMonday(")
                .then(day())
                .then("), toDate(")
                .then(Value::Number(first_day))
                .then("))"),
            Bucket::Month => Sql::text("toStartOfMonth(").then(day()).then(")"),
        }
    }

    /// Last day of the bucket that has `day` in it.
    pub fn last_day(self, day: Date) -> Date {
        match self {
            Bucket::Minute | Bucket::Hour | Bucket::Day => day,
            Bucket::Week => {
                let left = 6 - day.weekday().to_monday_zero_offset();
                day.saturating_add(jiff::ToSpan::days(i64::from(left)))
            }
            Bucket::Month => day.last_of_month(),
        }
    }

    /// First day, in days since 1970, of the part of the row's bucket that lies in the period; for
    /// the buckets of a day and longer.
    pub fn first_day_expression(self, zone: &Sql, first_day: i64) -> Sql {
        Sql::text("greatest(toInt32(toDate(")
            .then(self.expression(zone, first_day))
            .then(")), ")
            .then(Value::Number(first_day))
            .then(")")
    }

    /// Whether it lies inside one day.
    pub fn is_within_a_day(self) -> bool {
        self < Bucket::Day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_is_found_by_its_name() {
        for name in Dimension::names() {
            assert_eq!(
                Dimension::parse(name).map(|found| found.name()).as_deref(),
                Some(name)
            );
        }
        assert_eq!(Dimension::parse("visit:Source"), None);
    }

    #[test]
    fn a_property_is_a_bound_value() {
        let property = Dimension::parse("event:props:a'] OR 1").unwrap();
        let statement = property.expression(&Sql::text("'UTC'"), 0).finish();
        assert_eq!(
            statement.text,
            "if(props[{p0:String}] = '', '(not set)', props[{p0:String}])"
        );
        assert_eq!(Dimension::parse("event:props:"), None);
        assert!(Dimension::parse(&["event:props:", &"n".repeat(300)].concat()).is_some());
        assert!(Dimension::parse(&["event:props:", &"n".repeat(301)].concat()).is_none());
    }
}
