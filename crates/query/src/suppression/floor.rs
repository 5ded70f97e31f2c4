//! The floor of an audience: the least number of visitors about whom something is shown.

use crate::measure::Measure;
use crate::sql::{Sql, Value};

/// Name of the row into which small rows are folded.
pub const OTHER: &str = "(other)";
/// The floor that applies to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    visitors: u32,
    /// Whether pageviews count where there are no visitors: a site with profile `count` has none.
    counts_pages: bool,
    /// The instant up to which events are released, seconds since 1970; `None` releases all.
    released_until_s: Option<i64>,
}

impl Floor {
    /// A floor of this number of distinct visitors.
    pub fn new(visitors: u32) -> Self {
        Self {
            visitors,
            counts_pages: false,
            released_until_s: None,
        }
    }

    /// The same floor for a site whose profile is `count`, or not.
    #[must_use]
    pub fn counting_pages(self, counts_pages: bool) -> Self {
        Self {
            counts_pages,
            ..self
        }
    }

    /// The same floor, with events from this instant on held back.
    #[must_use]
    pub fn released_until(self, until_s: i64) -> Self {
        Self {
            released_until_s: Some(until_s),
            ..self
        }
    }

    /// The instant up to which events are released, seconds since 1970.
    pub fn released_until_s(&self) -> Option<i64> {
        self.released_until_s
    }

    /// The number of visitors.
    pub fn visitors(&self) -> u32 {
        self.visitors
    }

    /// The number of visitors as a bound value.
    pub(super) fn value(&self) -> Sql {
        Value::Number(i64::from(self.visitors)).into()
    }

    /// The measures that count people.
    pub fn measures(&self) -> &'static [Measure] {
        if self.counts_pages {
            &[Measure::Known, Measure::Daily, Measure::Events]
        } else {
            &[Measure::Known, Measure::Daily]
        }
    }

    /// The number of people of a row whose counts are summed.
    pub(super) fn people(&self) -> &'static str {
        if self.counts_pages {
            "toInt64(if(known + daily = 0, events, known + daily))"
        } else {
            "toInt64(known + daily)"
        }
    }

    /// The number of people of all rows.
    pub(super) fn people_of_all(&self) -> &'static str {
        if self.counts_pages {
            "toInt64(if(sum(known) + sum(daily) = 0, sum(events), sum(known) + sum(daily)))"
        } else {
            "toInt64(sum(known) + sum(daily))"
        }
    }

    /// Whether pageviews count where there are no visitors.
    pub fn counts_pages(&self) -> bool {
        self.counts_pages
    }

    /// A dimension's value as a filter sees it: `(other)` unless enough people of the period have
    /// it. `rows` is the end of a statement, from `FROM` to its conditions, with the rows of the
    /// period; `people` counts the people of some of them.
    pub fn filtered_value(&self, column: Sql, people: Sql, rows: Sql) -> Sql {
        let known = Sql::template(
            include_str!("../sql/known_values.sql"),
            &[
                ("column", column.clone()),
                ("rows", rows),
                ("people", people),
                ("floor", self.value()),
            ],
        );
        Sql::text("if(")
            .then(column.clone())
            .then(" IN (\n")
            .then(known)
            .then("), ")
            .then(column)
            .then(", '(other)')")
    }
}
