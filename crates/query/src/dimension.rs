//! The dimensions: properties by which a question breaks numbers down or filters them.
//!
//! Each dimension has a name and a fixed SQL expression of its value. Values are text, as reports
//! show them: an unknown value is `(not set)`, a visit without a referrer `Direct / None`. Filters
//! compare with the same text, so every row of a report can become a filter.

mod kinds;
mod table;

use std::sync::Arc;

use crate::bucket::Bucket;
use crate::goal::{self, Goal};
use crate::sql::{Sql, Value};

pub use kinds::{EventDimension, VisitDimension};
use table::{EVENT, Entry, TIME, VISIT, find, named};

/// Longest name of a custom property, bytes.
pub const PROPERTY_NAME_BYTES_MAX: usize = 300;

const PROPERTY_PREFIX: &str = "event:props:";

/// Name of the dimension that depends on the site's goals.
pub const GOAL: &str = "event:goal";

/// A property by which numbers are broken down or filtered.
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

/// The goals under which an event is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goals {
    /// The goals that the event meets.
    Met,
    /// All goals: the base of conversion rates.
    All,
}

/// A table that has to be joined to the events for a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Join {
    /// First and last page of each visit.
    Ends,
    /// The page seen after each page.
    Next,
}

impl Dimension {
    /// The dimension of this name. `time` alone is not a dimension: the period chooses its bucket.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(property) = name.strip_prefix(PROPERTY_PREFIX) {
            let fits = !property.is_empty() && property.len() <= PROPERTY_NAME_BYTES_MAX;
            return fits.then(|| Dimension::Property(property.to_owned()));
        }
        let event = named(&EVENT, name).map(Dimension::Event);
        let visit = || named(&VISIT, name).map(Dimension::Visit);
        let time = || named(&TIME, name).map(Dimension::Time);
        event.or_else(visit).or_else(time)
    }

    /// Whether every person has at least one of its values. Then the values add up to the number of
    /// people plus those with several values.
    pub fn can_be_added_up(&self) -> bool {
        matches!(
            self,
            Dimension::Event(EventDimension::Page | EventDimension::Name)
        )
    }

    /// Its name in questions and reports.
    pub fn name(&self) -> String {
        let name = match self {
            Dimension::Event(which) => find(&EVENT, *which).map(|entry| entry.name),
            Dimension::Visit(which) => find(&VISIT, *which).map(|entry| entry.name),
            Dimension::Time(which) => find(&TIME, *which).map(|entry| entry.name),
            Dimension::Property(property) => return [PROPERTY_PREFIX, property].concat(),
            Dimension::Goal(..) => Some(GOAL),
        };
        name.unwrap_or_default().to_owned()
    }

    /// Name and description of all dimensions except properties.
    pub fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
        let event = EVENT.iter().map(|entry| (entry.name, entry.about));
        let visit = VISIT.iter().map(|entry| (entry.name, entry.about));
        event
            .chain(visit)
            .chain(TIME.iter().map(|entry| (entry.name, entry.about)))
    }

    /// The names of all dimensions except properties.
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

    /// Whether the property is removed when the ids of a day are cleared.
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

    /// Whether engagement records can have it. Other dimensions ignore them.
    pub fn is_met_by_engagement(&self) -> bool {
        match self {
            Dimension::Goal(goals, Goals::Met) => {
                goals.iter().any(|goal| goal.is_met_by_engagement())
            }
            _ => false,
        }
    }

    /// The bucket, if it is a dimension of time.
    pub fn bucket(&self) -> Option<Bucket> {
        match self {
            Dimension::Time(bucket) => Some(*bucket),
            _ => None,
        }
    }

    /// The table that it needs besides the events.
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

    /// Its value on a row of events: text, or a date or time for buckets. `zone` is the site's time
    /// zone, `first_day` the first day of the period in days since 1970.
    pub fn expression(&self, zone: &Sql, first_day: i64) -> Sql {
        match self {
            Dimension::Event(which) => column(find(&EVENT, *which)),
            Dimension::Visit(which) => column(find(&VISIT, *which)),
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
