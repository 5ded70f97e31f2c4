//! Builds table `daily`: the totals of finished days by one dimension.
//!
//! The statement consists of the same [scans](sillage_query::scan) as an answer from events,
//! grouped by day, so every count has one definition. A test asks each golden question both ways.

use sillage_query::bucket::Bucket;
use sillage_query::columns;
use sillage_query::dimension::{Dimension, Join};
use sillage_query::filter::Filter;
use sillage_query::measure::Scan;
use sillage_query::rollup::daily::{MEASURES, Rolled};
use sillage_query::scan::{Counting, Scope, read};
use sillage_query::sql::{Sql, Value};

/// The statement that rolls up the days of `scope`, which are whole days of the site, as `version`.
pub fn build(rolled: &Rolled, scope: &Scope, version: i64) -> Sql {
    let day = Dimension::Time(Bucket::Day);
    let dimensions: Vec<Dimension> = [day].into_iter().chain(rolled.dimensions.clone()).collect();
    let no_filter = Filter::All(Vec::new());
    // People with a history are counted from it. Rows about events count daily ids instead.
    let counting = if rolled.has_ids() {
        Counting::DailyIds
    } else {
        Counting::Histories
    };
    let scans = [Scan::Events, Scan::Visits, Scan::Views].into_iter();
    let scans = scans.filter(|scan| rolled.has(*scan)).map(|scan| {
        let scan = read(scan, scope, &dimensions, &MEASURES, counting, &no_filter);
        Sql::template(include_str!("sql/without_history.sql"), &[("scan", scan)])
    });
    let histories = (!rolled.has_ids()).then(|| histories(scope, &dimensions));
    let values = columns::names(dimensions.len())
        .skip(1)
        .chain([Sql::text("''"), Sql::text("''")])
        .take(2);
    let sums = MEASURES.iter().map(|measure| Sql::text(measure.sum()));
    let scans = scans.chain(histories);
    Sql::template(
        include_str!("sql/roll_days.sql"),
        &[
            ("site", scope.site.clone()),
            ("dimension", Value::Text(rolled.label()).into()),
            ("version", Value::Number(version).into()),
            ("values", Sql::join(values, ", ")),
            ("sums", Sql::join(sums, ", ")),
            ("scans", Sql::join(scans, "\nUNION ALL\n")),
            ("groups", columns::group_by(dimensions.len())),
        ],
    )
}

/// The statement that reads the histories of visits (`days_since_seen`) as arrays. Its other counts
/// are 0.
fn histories(scope: &Scope, dimensions: &[Dimension]) -> Sql {
    let names = columns::names(dimensions.len());
    let zeros = MEASURES
        .iter()
        .map(|measure| Sql::text("toUInt64(0)").then(measure.alias()));
    let arrays = [
        "groupArray(seen) AS seen_days",
        "groupArray(people) AS seen_visits",
    ]
    .map(Sql::text);
    let values = dimensions.iter().map(|dimension| scope.column(dimension));
    let columns = columns::named(values).map(|column| column.then(",\n        "));
    let joins: Vec<Join> = dimensions.iter().filter_map(Dimension::join).collect();
    Sql::template(
        include_str!("sql/by_history.sql"),
        &[
            (
                "columns",
                Sql::join(names.chain(zeros).chain(arrays), ",\n    "),
            ),
            ("dimensions", Sql::join(columns, "")),
            ("joins", scope.joins(joins)),
            ("site", scope.site.clone()),
            ("since", scope.since.clone()),
            ("until", scope.until.clone()),
            ("groups", columns::group_by(dimensions.len())),
        ],
    )
}
