//! Small counts (P10): what an audience may not be told because it would be about too few people.
//!
//! Duty: the pieces that `plan` puts around an answer's counts when its
//! [`Audience`](super::audience::Audience) has a floor of `k` visitors. Pure; the database folds,
//! since only it sees all rows of an answer. What holds:
//!
//! - **Rows.** A row of fewer than `k` people is folded into one row `(other)`, before any metric
//!   is made from it.
//! - **Complements.** `(other)` is itself about `k` people or is not shown: the smallest rows that
//!   could be shown are folded with it, so that a total minus the visible rows is about `k` people
//!   or nobody. Where somebody can be in two rows (pages, several days' ids), sums prove nothing,
//!   and a whole row of `k` people is folded with it.
//! - **Rows beside others.** A row that a few people are missing from, beside the same row of a
//!   neighbour or beside all people, is folded as well ([`Floor::telling`]).
//! - **Parts.** A part of a row (bounces, new visitors) about a few counts as nothing or as
//!   everything, and is told in steps of `k` in between ([`Floor::shown`]).
//! - **Filters** are conjunctions of conditions ([`conjunction`]). An answer is given only when
//!   taking away any one of its conditions, or one value of a list, changes it by nobody or by `k`
//!   people ([`neighbours`]), when those who fail several conditions are nobody or `k`, and when so
//!   are those who have several values of a dimension of events ([`Floor::gate`]). A filter does
//!   not see values that fewer than `k` of those have who meet its other conditions: for it they
//!   are `(other)`.
//! - **Nobody and a few look alike**: both are zero, or an absent row.
//! - **Parts of days** can't be asked for ([`refuse`]); by minutes anybody could be cut out.
//!   Unfinished time is released in steps (`release`).
//!
//! People are counted as the answer counts them: where ids of several days are summed, somebody who
//! came on several days counts on each, and the floor counts them so too. What is not held: two
//! answers over periods that differ by a day, each above the floor, can be subtracted, and so can
//! sums (amounts, speeds) that a few have in one of them; and the rows of a breakdown by several
//! dimensions are not compared with those of each dimension alone.

use crate::comparison::With;
use crate::suppression::conjunction;
use crate::dimension::{Bucket, Dimension, EventDimension};
use crate::filter::Filter;
use crate::metric::Measure;
use crate::period::DateRange;
use crate::scan::{DIMENSION_ALIASES, DIMENSION_COLUMNS};
use crate::question::{AskedDimension, Fault, Request};
use crate::sql::{Sql, Value};

/// What folded rows are called.
pub const OTHER: &str = "(other)";
/// Conditions and values of lists in the filters of one question; each costs a reading.
pub const NEIGHBOURS_MAX: usize = 12;

/// A floor in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    visitors: u32,
    /// Whether pages stand in for people where there are none: a site that only counts pages knows
    /// no visitors.
    counts_pages: bool,
    /// The instant up to which events are released, seconds since 1970; none releases all.
    released_until_s: Option<i64>,
}

impl Floor {
    /// At least so many distinct visitors.
    pub fn new(visitors: u32) -> Self {
        Self {
            visitors,
            counts_pages: false,
            released_until_s: None,
        }
    }

    /// The same for a site whose profile is `count`.
    #[must_use]
    pub fn counting_pages(self, counts_pages: bool) -> Self {
        Self {
            counts_pages,
            ..self
        }
    }

    /// The same with events from this instant on held back.
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

    /// How many visitors.
    pub fn visitors(&self) -> u32 {
        self.visitors
    }

    fn value(&self) -> Sql {
        Value::Number(i64::from(self.visitors)).into()
    }

    /// What it counts.
    pub fn measures(&self) -> &'static [Measure] {
        if self.counts_pages {
            &[Measure::Known, Measure::Daily, Measure::Events]
        } else {
            &[Measure::Known, Measure::Daily]
        }
    }

    /// How many people one row is about whose counts are summed already.
    fn people(&self) -> &'static str {
        if self.counts_pages {
            "toInt64(if(known + daily = 0, events, known + daily))"
        } else {
            "toInt64(known + daily)"
        }
    }

    fn people_of_all(&self) -> &'static str {
        if self.counts_pages {
            "toInt64(if(sum(known) + sum(daily) = 0, sum(events), sum(known) + sum(daily)))"
        } else {
            "toInt64(sum(known) + sum(daily))"
        }
    }

    /// Whether pages stand in for people where there are none.
    pub fn counts_pages(&self) -> bool {
        self.counts_pages
    }

    /// A dimension's value as a filter sees it: `(other)` unless enough people of the period have
    /// it. `rows` is the end of a statement, from `FROM` to its conditions, that gives the period's
    /// rows, and `people` how many people some of them are about.
    pub fn seen(&self, column: Sql, people: Sql, rows: Sql) -> Sql {
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

    /// The readings of an answer with its small rows folded; columns as before, dimensions as text.
    /// `is_additive` says that nobody is in two rows; `telling` lists further rows to fold, and
    /// `gate` is a condition under which anything is answered at all.
    pub fn fold(
        &self,
        readings: Sql,
        dimensions: &[Dimension],
        measures: &[Measure],
        is_additive: bool,
        telling: Sql,
        gate: Sql,
    ) -> Sql {
        let names = || {
            dimensions
                .iter()
                .zip(DIMENSION_COLUMNS)
                .map(|(_, name)| Sql::text(name))
        };
        let folded = names().zip(DIMENSION_ALIASES).map(|(name, alias)| {
            Sql::text("if(ranked.is_folded, '(other)', toString(ranked.")
                .then(name)
                .then("))")
                .then(alias)
        });
        let sums = measures
            .iter()
            .map(|measure| Sql::text(measure.carried()).then(measure.alias()));
        let counts = measures.iter().map(|measure| {
            Sql::text("ranked.")
                .then(measure.alias().trim_start_matches(" AS "))
                .then(measure.alias())
        });
        // Parts of a row are looked at when its rows are one.
        let kept_sums = measures
            .iter()
            .map(|measure| Sql::text(measure.carried()).then(measure.alias()));
        let kept = names()
            .chain(kept_sums)
            .chain([Sql::text("sum(kept.people) AS row_people")]);
        let shown = names().chain(
            measures
                .iter()
                .map(|measure| self.shown(*measure).then(measure.alias())),
        );
        let groups = if dimensions.is_empty() {
            Sql::empty()
        } else {
            Sql::text("GROUP BY ").then(Sql::join(names(), ", "))
        };
        let order = Sql::join([Sql::text("ranked_as")].into_iter().chain(names()), ", ");
        // How many people some rows are about together, at least. The histories of one person are
        // in one row; ids of days, and whoever has such an event, may be in several.
        let together = |sum: &'static str, rest: &'static str, most: &'static str, window: Sql| {
            let over = |aggregate| Sql::text(aggregate).then(window.clone()).then(")");
            if is_additive {
                over(sum).then(" + ").then(over(rest))
            } else {
                over(most)
            }
        };
        let smaller = Sql::text("ORDER BY ")
            .then(order)
            .then(" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING");
        let smaller = together(
            "sum(known_as) OVER (",
            "max(ranked_as - known_as) OVER (",
            "max(ranked_as) OVER (",
            smaller,
        );
        let shown_with = together(
            "sum(toInt64(known)) OVER (",
            "max(people - toInt64(known)) OVER (",
            "max(people) OVER (",
            Sql::text("PARTITION BY is_folded"),
        );
        let is_telling = if telling.is_empty() {
            Sql::text("false")
        } else {
            Sql::text("(")
                .then(Sql::join(names(), ", "))
                .then(") IN (\n")
                .then(telling)
                .then(")")
        };
        Sql::template(
            include_str!("../sql/folded.sql"),
            &[
                ("columns", Sql::join(folded.chain(counts), ",\n    ")),
                ("sums", Sql::join(names().chain(sums), ",\n            ")),
                ("people", self.people().into()),
                ("smaller", smaller),
                ("together", shown_with),
                ("telling", is_telling),
                ("floor", self.value()),
                ("readings", readings),
                ("groups", groups.clone()),
                ("kept", Sql::join(kept, ",\n        ")),
                ("kept_groups", groups),
                ("shown", Sql::join(shown, ",\n    ")),
                ("gate", gate),
            ],
        )
    }

    /// A count of a row as it is shown: a part of the row's people, or of its visits, that is about
    /// a few counts as nothing, and one that leaves out a few as everything. In between it is told
    /// in steps of the floor: else the part of all people less those of the other rows would be the
    /// one that counts as nothing.
    fn shown(&self, measure: Measure) -> Sql {
        let column =
            |measure: Measure| Sql::text("whole.").then(measure.alias().trim_start_matches(" AS "));
        let own = column(measure);
        let number = |part: Sql| Sql::text("toInt64(").then(part).then(")");
        // Nothing where fewer than the floor have such a value at all.
        let with = |counted: Measure| {
            Sql::text("if(")
                .then(number(column(counted)))
                .then(" < ")
                .then(self.value())
                .then(", ")
                .then(measure.zero())
                .then(", ")
                .then(own.clone())
                .then(")")
        };
        // The nearest multiple of the floor, which is no more than the whole, since that is the
        // floor away.
        let in_steps = |part: Sql| {
            Sql::text("toUInt64(intDiv(2 * ")
                .then(number(part))
                .then(" + ")
                .then(self.value())
                .then(", 2 * ")
                .then(self.value())
                .then(") * ")
                .then(self.value())
                .then(")")
        };
        let part_of = |whole: Sql| {
            Sql::text("multiIf(")
                .then(number(own.clone()))
                .then(" < ")
                .then(self.value())
                .then(", toUInt64(0), ")
                .then(number(whole.clone()))
                .then(" - ")
                .then(number(own.clone()))
                .then(" < ")
                .then(self.value())
                .then(", toUInt64(")
                .then(whole)
                .then("), ")
                .then(in_steps(own.clone()))
                .then(")")
        };
        let whole_of = |part: Sql| {
            Sql::text("if(")
                .then(number(own.clone()))
                .then(" - ")
                .then(number(part.clone()))
                .then(" < ")
                .then(self.value())
                .then(", toUInt64(")
                .then(part)
                .then("), ")
                .then(own.clone())
                .then(")")
        };
        match measure {
            Measure::New => part_of(column(Measure::Known)),
            Measure::Bounces => part_of(column(Measure::WholeVisits)),
            Measure::ExitViews => whole_of(column(Measure::Visits)),
            Measure::Candidates => whole_of(Sql::text("whole.row_people")),
            Measure::EngagedMilliseconds | Measure::EngagedVisits => with(Measure::EngagedVisits),
            Measure::ScrollPercent | Measure::ScrolledViews => with(Measure::ScrolledViews),
            Measure::RevenueMilli | Measure::RevenueEvents => with(Measure::RevenueEvents),
            Measure::Clicks => with(Measure::Clicks),
            Measure::LcpViews => with(Measure::LcpViews),
            Measure::InpViews => with(Measure::InpViews),
            Measure::ClsViews => with(Measure::ClsViews),
            Measure::FcpViews => with(Measure::FcpViews),
            Measure::TtfbViews => with(Measure::TtfbViews),
            // About all people of the row, or shown only where its views are.
            Measure::Known
            | Measure::Daily
            | Measure::Visits
            | Measure::Pageviews
            | Measure::Events
            | Measure::WholeVisits
            | Measure::DurationSeconds
            | Measure::VisitViews
            | Measure::LcpValues
            | Measure::InpValues
            | Measure::ClsValues
            | Measure::FcpValues
            | Measure::TtfbValues => own,
        }
    }

    /// The condition that no neighbour of an answer differs from it by a few people, that none of
    /// the `cells` that its conditions make holds a few, and that none of the `severals` does: each
    /// is what the values of a dimension add up to, and all people. Where `unprotected` is given,
    /// the answer lacks a few people of it at most: values that are named are answered in full or
    /// not at all. Each reading counts [`Floor::measures`].
    pub fn gate(
        &self,
        own: Sql,
        neighbours: Vec<Sql>,
        cells: Vec<Sql>,
        severals: Vec<[Sql; 2]>,
        unprotected: Option<Sql>,
    ) -> Sql {
        if neighbours.is_empty() && severals.is_empty() {
            return Sql::empty();
        }
        let part = |part: &'static str, number: i64, sign: &'static str, reading: Sql| {
            Sql::template(
                include_str!("../sql/gate_part.sql"),
                &[
                    ("part", part.into()),
                    ("number", Value::Number(number).into()),
                    ("sign", sign.into()),
                    ("people", self.people_of_all().into()),
                    ("reading", reading),
                ],
            )
        };
        let count = |name: &'static str, reading: Sql| part(name, 0, "", reading);
        let severals = severals.into_iter().zip(0..).flat_map(|(pair, number)| {
            let [values, everybody] = pair;
            [
                part("several", number, "", values),
                part("several", number, "-", everybody),
            ]
        });
        let same = unprotected.map(|reading| {
            [
                part("same", 0, "", own.clone()),
                part("same", 0, "-", reading),
            ]
        });
        let others = neighbours.into_iter();
        let parts = [count("own", own)]
            .into_iter()
            .chain(others.map(|reading| count("neighbour", reading)))
            .chain(cells.into_iter().map(|reading| count("cell", reading)))
            .chain(severals)
            .chain(same.into_iter().flatten());
        Sql::text("AND ").then(Sql::template(
            include_str!("../sql/gate.sql"),
            &[
                ("floor", self.value()),
                ("parts", Sql::join(parts, "\nUNION ALL\n")),
            ],
        ))
    }

    /// The rows of an answer that a few people are missing from, beside the same row of a neighbour
    /// or, where `whole` is given, beside the whole answer. `rows` are the readings of the answer
    /// and its neighbours by the dimensions.
    pub fn telling(&self, dimensions: usize, rows: Vec<Sql>, whole: Option<Sql>) -> Sql {
        if dimensions == 0 || (rows.len() < 2 && whole.is_none()) {
            return Sql::empty();
        }
        let names = || {
            let names = DIMENSION_COLUMNS.into_iter().take(dimensions);
            Sql::join(names.map(Sql::text), ", ")
        };
        let parts = rows.into_iter().zip(0_i64..).map(|(reading, index)| {
            Sql::template(
                include_str!("../sql/telling_part.sql"),
                &[
                    ("asked", Value::Number(index).into()),
                    ("names", names()),
                    ("people", self.people_of_all().into()),
                    ("reading", reading),
                ],
            )
        });
        let whole = whole.map(|reading| {
            Sql::template(
                include_str!("../sql/whole.sql"),
                &[
                    ("people", self.people_of_all().into()),
                    ("reading", reading),
                    ("floor", self.value()),
                ],
            )
        });
        Sql::template(
            include_str!("../sql/telling_rows.sql"),
            &[
                ("names", names()),
                ("parts", Sql::join(parts, "\nUNION ALL\n")),
                ("floor", self.value()),
                ("whole", whole.unwrap_or_default()),
            ],
        )
    }
}

/// Refuses what no floor can be held for.
///
/// # Errors
/// A period that does not begin and end with the site's days, buckets shorter than an hour, cells
/// of clicks, filters with more than [`NEIGHBOURS_MAX`] conditions and values.
pub fn refuse(request: &Request) -> Result<(), Fault> {
    if matches!(
        request.range,
        DateRange::Instants(..) | DateRange::LastDay | DateRange::Minutes(_)
    ) {
        return Err(Fault::new(
            "#/date_range",
            "only whole days can be asked for here: small counts are protected",
        ));
    }
    let is_short = |dimension: &AskedDimension| {
        matches!(
            dimension,
            AskedDimension::Named(Dimension::Time(Bucket::Minute))
        )
    };
    if let Some(index) = request.dimensions.iter().position(is_short) {
        return Err(Fault::new(
            format!("#/dimensions/{index}"),
            "no bucket below an hour can be asked for here: small counts are protected",
        ));
    }
    let is_cell = |dimension: &AskedDimension| {
        matches!(
            dimension,
            AskedDimension::Named(Dimension::Event(EventDimension::ClickCell))
        )
    };
    if let Some(index) = request.dimensions.iter().position(is_cell) {
        return Err(Fault::new(
            format!("#/dimensions/{index}"),
            "single clicks can't be asked for here: small counts are protected",
        ));
    }
    let custom = request.comparison.map(|comparison| comparison.with);
    if matches!(custom, Some(With::Custom(DateRange::Instants(..)))) {
        return Err(Fault::new(
            "#/include/comparisons/date_range",
            "only whole days can be compared with here: small counts are protected",
        ));
    }
    let is_goal =
        |asked: &AskedDimension| matches!(asked, AskedDimension::Named(Dimension::Goal(..)));
    conjunction::refuse(&request.filter, request.dimensions.iter().any(is_goal))?;
    if neighbours(&request.filter).len() > NEIGHBOURS_MAX {
        return Err(Fault::new(
            "#/filters",
            format!(
                "more than {NEIGHBOURS_MAX} conditions and values can't be asked for here: small counts are protected"
            ),
        ));
    }
    Ok(())
}

/// The filters that have one condition, or one value of a list, less.
pub fn neighbours(filter: &Filter) -> Vec<Filter> {
    match filter {
        Filter::All(members) => without_one(members).map(Filter::All).collect(),
        Filter::Any(members) => without_one(members)
            .filter(|left| !left.is_empty())
            .map(Filter::Any)
            .collect(),
        Filter::Not(inner) => neighbours(inner)
            .into_iter()
            // Without any condition it would be `not everybody`, which is nobody and compares with
            // nothing.
            .filter(|inner| !inner.is_empty())
            .map(|inner| Filter::Not(Box::new(inner)))
            .collect(),
        Filter::Behaviour { done, what } => neighbours(what)
            .into_iter()
            .filter(|what| !what.is_empty())
            .map(|what| Filter::Behaviour {
                done: *done,
                what: Box::new(what),
            })
            .collect(),
        Filter::Compare(comparison) if comparison.values.len() > 1 => (0..comparison.values.len())
            .map(|left_out| {
                let mut less = comparison.clone();
                less.values.remove(left_out);
                Filter::Compare(less)
            })
            .collect(),
        Filter::Goal(goals) if goals.len() > 1 => (0..goals.len())
            .map(|left_out| {
                let mut less = goals.clone();
                less.remove(left_out);
                Filter::Goal(less)
            })
            .collect(),
        Filter::Compare(_) | Filter::Goal(_) => Vec::new(),
    }
}

/// The list with one member left out, and with one member a neighbour of itself.
fn without_one(members: &[Filter]) -> impl Iterator<Item = Vec<Filter>> {
    let left_out = (0..members.len()).map(|index| {
        let mut left = members.to_vec();
        left.remove(index);
        left
    });
    let changed = members.iter().enumerate().flat_map(move |(index, member)| {
        neighbours(member).into_iter().map(move |less| {
            let mut changed = members.to_vec();
            changed[index] = less;
            changed
        })
    });
    left_out.chain(changed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(value: serde_json::Value) -> Filter {
        Filter::parse_all(&value, "#/filters", &[]).expect("a filter")
    }

    fn request(change: serde_json::Value) -> Request {
        let mut body = json!({"site_id": "a", "metrics": ["visitors"], "date_range": ["2025-01-01", "2025-01-31"]});
        for (key, value) in change.as_object().expect("an object") {
            body[key] = value.clone();
        }
        Request::parse(&body).expect("a request")
    }

    #[test]
    fn neighbouring_questions_drop_one_condition_or_value() {
        let check = |given: serde_json::Value, expected: Vec<serde_json::Value>| {
            let expected: Vec<Filter> = expected.into_iter().map(filter).collect();
            assert_eq!(neighbours(&filter(given.clone())), expected, "{given}");
        };
        let de = json!(["is", "visit:country", ["DE"]]);
        let both = json!(["is", "visit:country", ["DE", "JP"]]);
        let jp = json!(["is", "visit:country", ["JP"]]);
        let chrome = json!(["is", "visit:browser", ["Chrome"]]);
        check(json!([]), vec![]);
        check(json!([de]), vec![json!([])]);
        check(json!([de, chrome]), vec![json!([chrome]), json!([de])]);
        check(json!([both]), vec![json!([]), json!([jp]), json!([de])]);
        check(
            json!([["or", [de, chrome]]]),
            vec![json!([]), json!([["or", [chrome]]]), json!([["or", [de]]])],
        );
        check(
            json!([["not", both]]),
            vec![json!([]), json!([["not", jp]]), json!([["not", de]])],
        );
        let page = json!(["is", "event:page", ["/", "/a"]]);
        check(
            json!([["has_done", page]]),
            vec![
                json!([]),
                json!([["has_done", ["is", "event:page", ["/a"]]]]),
                json!([["has_done", ["is", "event:page", ["/"]]]]),
            ],
        );
    }

    #[test]
    fn questions_that_cannot_be_suppressed_are_refused() {
        let place = |change| refuse(&request(change)).map_err(|fault| fault.to_string());
        assert_eq!(place(json!({})), Ok(()));
        assert_eq!(place(json!({"date_range": "7d"})), Ok(()));
        for (change, at) in [
            (
                json!({"date_range": ["2025-01-01T10:00:00Z", "2025-01-02T10:00:00Z"]}),
                "#/date_range",
            ),
            (json!({"date_range": "24h"}), "#/date_range"),
            (
                json!({"dimensions": ["visit:source", "time:minute"], "date_range": "day"}),
                "#/dimensions/1",
            ),
        ] {
            let refused = place(change.clone()).expect_err("it is refused");
            assert!(refused.contains(at), "{change}: {refused}");
        }
        let values = |count: usize| {
            let values: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            json!({"filters": [["is", "visit:source", values]]})
        };
        // The condition itself, and each of its values.
        assert_eq!(place(values(NEIGHBOURS_MAX - 1)), Ok(()));
        assert!(place(values(NEIGHBOURS_MAX)).is_err());
    }
}
