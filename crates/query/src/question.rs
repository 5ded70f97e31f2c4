//! From a request's JSON to a [`Request`].
//!
//! Duty: read every key of the contract (the Stats API v2 of Plausible, and our metrics and
//! dimensions on top), refuse everything else with the place of the fault as a JSON pointer, and
//! settle what is implied: default order, default page, the bucket of `time`. Invariants of a
//! [`Request`]: at least one metric, no metric or dimension twice, the order names only what is
//! asked for, the page lies within its bounds. Pure.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::comparison::Comparison;
use crate::dimension::{Bucket, Dimension, GOAL, Goals};
use crate::filter::Filter;
use crate::goal::Goal;
use crate::metric::Metric;
use crate::period::DateRange;

/// Most rows of one answer, and the default.
pub const LIMIT_MAX: u64 = 10_000;
/// Most dimensions of one question.
pub const DIMENSIONS_MAX: usize = 8;
/// Farthest row that can be asked for.
pub const OFFSET_MAX: u64 = 1_000_000_000;

/// A question about one site.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub site: String,
    pub metrics: Vec<Metric>,
    pub range: DateRange,
    pub dimensions: Vec<AskedDimension>,
    pub filter: Filter,
    /// As asked for, or the default; every entry names something asked for.
    pub order: Vec<(OrderKey, Direction)>,
    pub include_time_labels: bool,
    pub include_total_rows: bool,
    pub include_imports: bool,
    /// With what each row is compared.
    pub comparison: Option<Comparison>,
    /// `include.comparisons` as it was asked for, for the echo.
    pub comparison_asked: Option<Json>,
    pub limit: u64,
    pub offset: u64,
    /// `filters` as they were asked for, for the echo.
    pub filters_asked: Json,
}

/// A dimension as it was named.
#[derive(Debug, Clone, PartialEq)]
pub enum AskedDimension {
    Named(Dimension),
    /// `time`: the bucket that suits the period.
    Time,
}

/// What an answer's rows are sorted by: an index into the metrics or the dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    Metric(usize),
    Dimension(usize),
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A request that can't be answered, and where the fault lies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct Fault {
    /// JSON pointer, `#` is the whole body.
    pub at: String,
    pub message: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            message: message.into(),
        }
    }

    /// An unknown name, with the nearest known one.
    pub fn unknown<'a>(
        at: impl Into<String>,
        kind: &str,
        given: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let nearest = known
            .map(|name| (strsim::damerau_levenshtein(given, name), name))
            .min();
        let message = match nearest {
            Some((distance, name)) if distance <= 4 && distance < name.len() => {
                format!("unknown {kind}; did you mean `{name}`?")
            }
            _ => format!("unknown {kind}"),
        };
        Self::new(at, message)
    }
}

const KEYS: [&str; 8] = [
    "site_id",
    "metrics",
    "date_range",
    "dimensions",
    "filters",
    "order_by",
    "include",
    "pagination",
];

impl Request {
    /// Reads one question.
    ///
    /// # Errors
    /// The first [`Fault`] in the order site, unknown keys, metrics, date range, dimensions,
    /// filters, order, include, page.
    pub fn parse(body: &Json) -> Result<Self, Fault> {
        Self::parse_with(body, &[])
    }

    /// Reads one question about a site that has these goals.
    ///
    /// # Errors
    /// As [`Request::parse`]; a goal that is not among them is one.
    pub fn parse_with(body: &Json, goals: &[Arc<Goal>]) -> Result<Self, Fault> {
        let Json::Object(body) = body else {
            return Err(Fault::new("#", "a JSON object is expected"));
        };
        let site = match body.get("site_id") {
            Some(Json::String(site)) if !site.is_empty() => site.clone(),
            _ => return Err(Fault::new("#/site_id", "the id of a site is expected")),
        };
        refuse_unknown(body, "#", &KEYS)?;
        let metrics = parse_metrics(body.get("metrics"))?;
        let range = match body.get("date_range") {
            None => return Err(Fault::new("#/date_range", "a date range is expected")),
            Some(range) => {
                DateRange::parse(range).map_err(|fault| Fault::new("#/date_range", fault.0))?
            }
        };
        let mut dimensions = parse_dimensions(body.get("dimensions"), goals)?;
        let filters_asked = body.get("filters").cloned().unwrap_or_else(|| json!([]));
        let filter = Filter::parse_all(&filters_asked, "#/filters", goals)?;
        if let Some(wanted) = filter.goals() {
            for dimension in &mut dimensions {
                if let AskedDimension::Named(Dimension::Goal(goals, _)) = dimension {
                    *goals = wanted.to_vec();
                }
            }
        }
        let order = parse_order(body.get("order_by"), &metrics, &dimensions)?;
        let ([include_imports, include_time_labels, include_total_rows], comparison) =
            parse_include(body.get("include"))?;
        let [limit, offset] = parse_page(body.get("pagination"))?;
        let has_time = dimensions.iter().any(AskedDimension::is_time);
        if include_time_labels && !has_time {
            return Err(Fault::new(
                "#/include/time_labels",
                "needs a dimension of time",
            ));
        }
        let request = Self {
            site,
            metrics,
            range,
            dimensions,
            filter,
            order,
            include_time_labels,
            include_total_rows,
            include_imports,
            comparison,
            comparison_asked: body
                .get("include")
                .and_then(|include| include.get("comparisons"))
                .cloned(),
            limit,
            offset,
            filters_asked,
        };
        request.refuse_senseless()?;
        Ok(request)
    }

    /// The dimensions, with `time` settled.
    pub fn dimensions(&self, bucket: Bucket) -> Vec<Dimension> {
        let settle = |asked: &AskedDimension| match asked {
            AskedDimension::Named(dimension) => dimension.clone(),
            AskedDimension::Time => Dimension::Time(bucket),
        };
        self.dimensions.iter().map(settle).collect()
    }

    /// The same question with `time` settled.
    #[must_use]
    pub fn in_buckets_of(&self, bucket: Bucket) -> Self {
        let dimensions = self.dimensions(bucket);
        Self {
            dimensions: dimensions.into_iter().map(AskedDimension::Named).collect(),
            ..self.clone()
        }
    }

    /// The same question about the period it is compared with: all rows, since the order may
    /// differ, and `time` as it was settled here.
    #[must_use]
    pub fn of_comparison(&self, bucket: Option<Bucket>) -> Self {
        let settle = |asked: &AskedDimension| match (asked, bucket) {
            (AskedDimension::Time, Some(bucket)) => AskedDimension::Named(Dimension::Time(bucket)),
            (other, _) => other.clone(),
        };
        Self {
            dimensions: self.dimensions.iter().map(settle).collect(),
            comparison: None,
            include_total_rows: false,
            limit: LIMIT_MAX,
            offset: 0,
            ..self.clone()
        }
    }

    /// Combinations that the contract refuses because their numbers would mean nothing.
    fn refuse_senseless(&self) -> Result<(), Fault> {
        let has_event_dimension = self.dimensions.iter().any(AskedDimension::is_of_events);
        let has_goal = self.filter.goals().is_some() || !self.goals().is_empty();
        let is_cell = |dimension: &Dimension| dimension.name() == "event:click_cell";
        let has_cell = self
            .dimensions
            .iter()
            .any(|asked| matches!(asked, AskedDimension::Named(named) if is_cell(named)));
        if self.filter.has_dimension(&is_cell) {
            return Err(Fault::new(
                "#/filters",
                "event:click_cell can't be filtered by",
            ));
        }
        let is_page = |dimension: &Dimension| dimension.name() == "event:page";
        let has_page = self
            .dimensions
            .iter()
            .any(|asked| matches!(asked, AskedDimension::Named(named) if is_page(named)))
            || self.filter.has_dimension(&is_page);
        for (index, metric) in self.metrics.iter().enumerate() {
            let at = || format!("#/metrics/{index}");
            if metric.describes_visits() && has_event_dimension {
                return Err(Fault::new(
                    at(),
                    format!(
                        "`{}` describes visits and can't be broken down by a dimension of events",
                        metric.name()
                    ),
                ));
            }
            if metric.needs_page() && !has_page {
                return Err(Fault::new(
                    at(),
                    format!(
                        "`{}` needs the dimension event:page or a filter on it",
                        metric.name()
                    ),
                ));
            }
            if *metric == Metric::Percentage && self.dimensions.is_empty() {
                return Err(Fault::new(at(), "`percentage` needs a dimension"));
            }
            let refuse = |what: &str| Err(Fault::new(at(), format!("`{}` {what}", metric.name())));
            if metric.needs_goal() && !has_goal {
                return refuse("needs the dimension event:goal or a filter on it");
            }
            if metric.needs_goal() && self.filter.has_nested_property() {
                return refuse("takes filters on properties at the top only");
            }
            if has_goal && (metric.is_of_views() || *metric == Metric::ExitRate) {
                return refuse("is not about goals");
            }
            if *metric == Metric::ExitRate
                && self
                    .dimensions
                    .iter()
                    .map(AskedDimension::name)
                    .ne(["visit:exit_page".to_owned()])
            {
                return refuse("needs the one dimension visit:exit_page");
            }
            if has_cell && *metric != Metric::Clicks {
                return refuse(
                    "is not about clicks: event:click_cell takes the metric clicks only",
                );
            }
        }
        Ok(())
    }

    /// The goals that the question is about: those of its dimension, else of its filter.
    fn goals(&self) -> &[Arc<Goal>] {
        let of_dimension = self.dimensions.iter().find_map(|asked| match asked {
            AskedDimension::Named(Dimension::Goal(goals, _)) => Some(goals.as_slice()),
            _ => None,
        });
        of_dimension
            .or_else(|| self.filter.goals())
            .unwrap_or_default()
    }

    /// The currency that all goals of the question share which have one.
    pub fn currency(&self) -> Option<&str> {
        let mut known = self
            .goals()
            .iter()
            .filter_map(|goal| goal.currency.as_deref());
        let first = known.next()?;
        known.all(|other| other == first).then_some(first)
    }

    /// Whether a goal of the question has a currency.
    pub fn has_currency(&self) -> bool {
        self.goals().iter().any(|goal| goal.currency.is_some())
    }
}

impl AskedDimension {
    /// Its name in requests and answers.
    pub fn name(&self) -> String {
        match self {
            Self::Named(dimension) => dimension.name(),
            Self::Time => "time".to_owned(),
        }
    }

    fn is_time(&self) -> bool {
        matches!(self, Self::Time | Self::Named(Dimension::Time(_)))
    }

    fn is_of_events(&self) -> bool {
        matches!(self, Self::Named(dimension) if dimension.is_of_events())
    }
}

/// Refuses the first key that is not known.
pub fn refuse_unknown(object: &Map<String, Json>, at: &str, known: &[&str]) -> Result<(), Fault> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Fault::unknown(
            format!("{at}/{}", pointer_part(key)),
            "key",
            key,
            known.iter().copied(),
        )),
    }
}

/// A key as a part of a JSON pointer, cut to 64 characters.
fn pointer_part(key: &str) -> String {
    let cut: String = key.chars().take(64).collect();
    cut.replace('~', "~0").replace('/', "~1")
}

fn parse_metrics(value: Option<&Json>) -> Result<Vec<Metric>, Fault> {
    let names = match value {
        Some(Json::Array(names)) if !names.is_empty() => names,
        _ => {
            return Err(Fault::new(
                "#/metrics",
                "an array with at least one metric is expected",
            ));
        }
    };
    let mut metrics = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = format!("#/metrics/{index}");
        let Json::String(name) = name else {
            return Err(Fault::new(at, "the name of a metric is expected"));
        };
        let Some(metric) = Metric::parse(name) else {
            return Err(Fault::unknown(
                at,
                "metric",
                name,
                Metric::ALL.into_iter().map(Metric::name),
            ));
        };
        if metrics.contains(&metric) {
            return Err(Fault::new(at, "the metric is listed twice"));
        }
        metrics.push(metric);
    }
    Ok(metrics)
}

fn parse_dimensions(
    value: Option<&Json>,
    goals: &[Arc<Goal>],
) -> Result<Vec<AskedDimension>, Fault> {
    let names = match value {
        None => return Ok(Vec::new()),
        Some(Json::Array(names)) => names,
        Some(_) => {
            return Err(Fault::new(
                "#/dimensions",
                "an array of dimensions is expected",
            ));
        }
    };
    if names.len() > DIMENSIONS_MAX {
        return Err(Fault::new(
            "#/dimensions",
            format!("more than {DIMENSIONS_MAX} dimensions"),
        ));
    }
    let mut dimensions = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = format!("#/dimensions/{index}");
        let Json::String(name) = name else {
            return Err(Fault::new(at, "the name of a dimension is expected"));
        };
        let dimension = match name.as_str() {
            "time" => AskedDimension::Time,
            GOAL if goals.is_empty() => {
                return Err(Fault::new(at, "there are no goals on this site"));
            }
            GOAL => AskedDimension::Named(Dimension::Goal(goals.to_vec(), Goals::Met)),
            _ => match Dimension::parse(name) {
                Some(dimension) => AskedDimension::Named(dimension),
                None => {
                    return Err(Fault::unknown(
                        at,
                        "dimension",
                        name,
                        Dimension::names().chain(["time", GOAL]),
                    ));
                }
            },
        };
        if dimensions.contains(&dimension) {
            return Err(Fault::new(at, "the dimension is listed twice"));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn parse_order(
    value: Option<&Json>,
    metrics: &[Metric],
    dimensions: &[AskedDimension],
) -> Result<Vec<(OrderKey, Direction)>, Fault> {
    let entries = match value {
        None => return Ok(default_order(dimensions)),
        Some(Json::Array(entries)) => entries,
        Some(_) => {
            return Err(Fault::new(
                "#/order_by",
                "an array of [metric or dimension, \"asc\" or \"desc\"] is expected",
            ));
        }
    };
    let mut order = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("#/order_by/{index}");
        let pair = entry.as_array().map(Vec::as_slice);
        let Some([Json::String(name), Json::String(direction)]) = pair else {
            return Err(Fault::new(
                at,
                "[metric or dimension, \"asc\" or \"desc\"] is expected",
            ));
        };
        let metric = metrics
            .iter()
            .position(|metric| metric.name() == name)
            .map(OrderKey::Metric);
        let dimension = || {
            dimensions
                .iter()
                .position(|asked| asked.name() == *name)
                .map(OrderKey::Dimension)
        };
        let Some(key) = metric.or_else(dimension) else {
            return Err(Fault::new(
                format!("{at}/0"),
                "only a metric or dimension of this query can order it",
            ));
        };
        let direction = match direction.as_str() {
            "asc" => Direction::Ascending,
            "desc" => Direction::Descending,
            _ => {
                return Err(Fault::new(
                    format!("{at}/1"),
                    "\"asc\" or \"desc\" is expected",
                ));
            }
        };
        if order.iter().any(|(known, _)| *known == key) {
            return Err(Fault::new(at, "the answer is already ordered by it"));
        }
        order.push((key, direction));
    }
    Ok(if order.is_empty() {
        default_order(dimensions)
    } else {
        order
    })
}

/// Time forwards, then the first metric from the greatest.
fn default_order(dimensions: &[AskedDimension]) -> Vec<(OrderKey, Direction)> {
    let time = dimensions.iter().position(AskedDimension::is_time);
    let time = time.map(|index| (OrderKey::Dimension(index), Direction::Ascending));
    time.into_iter()
        .chain([(OrderKey::Metric(0), Direction::Descending)])
        .collect()
}

fn parse_include(value: Option<&Json>) -> Result<([bool; 3], Option<Comparison>), Fault> {
    const NAMES: [&str; 3] = ["imports", "time_labels", "total_rows"];
    let include = match value {
        None => return Ok(([false; 3], None)),
        Some(Json::Object(include)) => include,
        Some(_) => return Err(Fault::new("#/include", "an object is expected")),
    };
    refuse_unknown(
        include,
        "#/include",
        &["imports", "time_labels", "total_rows", "comparisons"],
    )?;
    let mut wanted = [false; 3];
    for (name, wanted) in NAMES.iter().zip(&mut wanted) {
        *wanted = match include.get(*name) {
            None => false,
            Some(Json::Bool(yes)) => *yes,
            Some(_) => {
                return Err(Fault::new(
                    format!("#/include/{name}"),
                    "true or false is expected",
                ));
            }
        };
    }
    let comparison = match include.get("comparisons") {
        None => None,
        Some(value) => Some(Comparison::parse(value, "#/include/comparisons")?),
    };
    Ok((wanted, comparison))
}

fn parse_page(value: Option<&Json>) -> Result<[u64; 2], Fault> {
    let page = match value {
        None => return Ok([LIMIT_MAX, 0]),
        Some(Json::Object(page)) => page,
        Some(_) => return Err(Fault::new("#/pagination", "an object is expected")),
    };
    refuse_unknown(page, "#/pagination", &["limit", "offset"])?;
    let number = |name: &str, default: u64, min: u64, max: u64| match page.get(name) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| {
                Fault::new(
                    format!("#/pagination/{name}"),
                    format!("a whole number from {min} to {max} is expected"),
                )
            }),
    };
    Ok([
        number("limit", LIMIT_MAX, 1, LIMIT_MAX)?,
        number("offset", 0, 0, OFFSET_MAX)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(change: Json) -> String {
        let mut body = json!({"site_id": "a", "metrics": ["visitors"], "date_range": "7d"});
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        match Request::parse(&body) {
            Ok(_) => panic!("{body} was accepted"),
            Err(fault) => fault.at,
        }
    }

    #[test]
    fn every_fault_is_named_by_its_place() {
        let deep = (0..8).fold(json!(["is", "event:page", ["/"]]), |inner, _| {
            json!(["not", inner])
        });
        for (change, at) in [
            (json!({"site_id": 1}), "#/site_id"),
            (json!({"site_id": ""}), "#/site_id"),
            (json!({"metric": []}), "#/metric"),
            (json!({"a/b~c": 1}), "#/a~1b~0c"),
            (json!({"metrics": []}), "#/metrics"),
            (json!({"metrics": "visitors"}), "#/metrics"),
            (json!({"metrics": null}), "#/metrics"),
            (json!({"metrics": ["visitors", 1]}), "#/metrics/1"),
            (json!({"metrics": ["visitors", "visitor"]}), "#/metrics/1"),
            (json!({"metrics": ["visits", "visits"]}), "#/metrics/1"),
            (json!({"metrics": ["percentage"]}), "#/metrics/0"),
            (json!({"metrics": ["scroll_depth"]}), "#/metrics/0"),
            (
                json!({"metrics": ["bounce_rate"], "dimensions": ["event:page"]}),
                "#/metrics/0",
            ),
            (json!({"date_range": "8w"}), "#/date_range"),
            (
                json!({"date_range": ["2024-01-01", "2039-01-01"]}),
                "#/date_range",
            ),
            (json!({"dimensions": "visit:os"}), "#/dimensions"),
            (json!({"dimensions": ["visit:os", 1]}), "#/dimensions/1"),
            (json!({"dimensions": ["visit:sorce"]}), "#/dimensions/0"),
            (
                json!({"dimensions": ["visit:os", "visit:os"]}),
                "#/dimensions/1",
            ),
            (json!({"dimensions": ["event:goal"]}), "#/dimensions/0"),
            (json!({"filters": {}}), "#/filters"),
            (
                json!({"filters": ["is", "event:page", ["/"]]}),
                "#/filters/0",
            ),
            (
                json!({"filters": [["are", "event:page", ["/"]]]}),
                "#/filters/0/0",
            ),
            (json!({"filters": [["is", "page", ["/"]]]}), "#/filters/0/1"),
            (
                json!({"filters": [["is", "time:day", ["2024-01-01"]]]}),
                "#/filters/0/1",
            ),
            (
                json!({"filters": [["is", "event:page", "/"]]}),
                "#/filters/0/2",
            ),
            (
                json!({"filters": [["is", "event:page", []]]}),
                "#/filters/0/2",
            ),
            (
                json!({"filters": [["is", "event:page", ["/", null]]]}),
                "#/filters/0/2/1",
            ),
            (
                json!({"filters": [["is", "event:page", ["a\0b"]]]}),
                "#/filters/0/2/0",
            ),
            (
                json!({"filters": [["is", "event:page", ["/"], {"case_sensitive": 1}]]}),
                "#/filters/0/3/case_sensitive",
            ),
            (
                json!({"filters": [["is", "event:page", ["/"], {"case": true}]]}),
                "#/filters/0/3/case",
            ),
            (
                json!({"filters": [["is", "event:page", ["/"], {}, 1]]}),
                "#/filters/0",
            ),
            (
                json!({"filters": [["matches", "event:page", ["/"], {"case_sensitive": true}]]}),
                "#/filters/0/3",
            ),
            (
                json!({"filters": [["matches", "event:page", ["/("]]]}),
                "#/filters/0/2/0",
            ),
            (
                json!({"filters": [["matches", "event:page", ["(?=a)"]]]}),
                "#/filters/0/2/0",
            ),
            (
                json!({"filters": [["matches", "event:page", ["((a{100}){100}){100}"]]]}),
                "#/filters/0/2/0",
            ),
            (
                json!({"filters": [["contains", "event:page", [""]]]}),
                "#/filters/0/2/0",
            ),
            (json!({"filters": [["and", []]]}), "#/filters/0/1"),
            (
                json!({"filters": [["and", [["not", ["is", "x", [1]]]]]]}),
                "#/filters/0/1/0/1/1",
            ),
            (json!({"filters": [["or", [], 1]]}), "#/filters/0"),
            (json!({"filters": [["not"]]}), "#/filters/0"),
            (
                json!({"filters": [["has_done", ["is", "visit:os", ["Mac"]]]]}),
                "#/filters/0/1/1",
            ),
            (
                json!({"filters": [["has_done", ["not", ["has_done", ["is", "event:name", ["x"]]]]]]}),
                "#/filters/0/1/1",
            ),
            (
                json!({"filters": [["is", "visit:country", ["JPN"]]]}),
                "#/filters/0/2/0",
            ),
            (
                json!({"filters": [["is", "event:goal", ["Signup"]]]}),
                "#/filters/0/2/0",
            ),
            (
                json!({"filters": [["is", "segment", [1]]]}),
                "#/filters/0/2",
            ),
            (json!({"filters": [deep]}), "#/filters/0/1/1/1/1/1/1/1/1"),
            (json!({"order_by": [["visits", "asc"]]}), "#/order_by/0/0"),
            (json!({"order_by": [["visitors", "up"]]}), "#/order_by/0/1"),
            (json!({"order_by": ["visitors"]}), "#/order_by/0"),
            (
                json!({"order_by": [["visitors", "asc"], ["visitors", "desc"]]}),
                "#/order_by/1",
            ),
            (json!({"include": []}), "#/include"),
            (
                json!({"include": {"comparisons": {}}}),
                "#/include/comparisons/mode",
            ),
            (
                json!({"include": {"comparison": {}}}),
                "#/include/comparison",
            ),
            (
                json!({"include": {"total_rows": 1}}),
                "#/include/total_rows",
            ),
            (
                json!({"include": {"time_labels": true}}),
                "#/include/time_labels",
            ),
            (json!({"pagination": {"limit": 0}}), "#/pagination/limit"),
            (
                json!({"pagination": {"limit": 10001}}),
                "#/pagination/limit",
            ),
            (json!({"pagination": {"limit": 1.5}}), "#/pagination/limit"),
            (json!({"pagination": {"offset": -1}}), "#/pagination/offset"),
            (json!({"pagination": {"page": 1}}), "#/pagination/page"),
            (json!({"pagination": 10}), "#/pagination"),
        ] {
            assert_eq!(fault(change.clone()), at, "{change}");
        }
        assert_eq!(Request::parse(&json!([])).unwrap_err().at, "#");
    }

    #[test]
    fn limits_accept_the_bound_and_refuse_one_more() {
        let ask = |filters: Json| {
            Request::parse(
                &json!({"site_id": "a", "metrics": ["visitors"], "date_range": "7d", "filters": filters}),
            )
        };
        let is = |count: usize| json!([["is", "event:page", vec!["/"; count]]]);
        assert!(ask(is(1_000)).is_ok() && ask(is(1_001)).is_err());
        let contains = |count: usize| json!([["contains", "event:page", vec!["/"; count]]]);
        assert!(ask(contains(250)).is_ok() && ask(contains(251)).is_err());
        let matches = |count: usize| json!([["matches", "event:page", vec!["/"; count]]]);
        assert!(ask(matches(20)).is_ok() && ask(matches(21)).is_err());
        let long =
            |operator: &str, bytes: usize| json!([[operator, "event:page", ["a".repeat(bytes)]]]);
        assert!(ask(long("is", 2_000)).is_ok() && ask(long("is", 2_001)).is_err());
        assert!(ask(long("matches", 500)).is_ok() && ask(long("matches", 501)).is_err());
        let many = |count: usize| Json::Array(vec![json!(["is", "event:page", ["/"]]); count]);
        assert!(ask(many(100)).is_ok() && ask(many(101)).is_err());
        let deep = |depth: usize| {
            json!([
                (1..depth).fold(json!(["is", "event:page", ["/"]]), |inner, _| json!([
                    "not", inner
                ]))
            ])
        };
        assert!(ask(deep(8)).is_ok() && ask(deep(9)).is_err());
    }

    #[test]
    fn the_default_order_is_time_and_then_the_first_metric() {
        let ask = |dimensions: Json| {
            let body = json!({"site_id": "a", "metrics": ["visits", "visitors"], "date_range": "7d", "dimensions": dimensions});
            Request::parse(&body).unwrap().order
        };
        let metric = (OrderKey::Metric(0), Direction::Descending);
        assert_eq!(ask(json!(["visit:os"])), [metric]);
        assert_eq!(
            ask(json!(["visit:os", "time:day"])),
            [(OrderKey::Dimension(1), Direction::Ascending), metric]
        );
        assert_eq!(
            ask(json!(["time"])),
            [(OrderKey::Dimension(0), Direction::Ascending), metric]
        );
    }

    #[test]
    fn a_misspelt_name_gets_the_nearest_known_one() {
        let body = json!({"site_id": "a", "metrics": ["visiters"], "date_range": "7d"});
        assert_eq!(
            Request::parse(&body).unwrap_err().message,
            "unknown metric; did you mean `visitors`?"
        );
    }

    /// Puts `wrong` in the place of each part of `whole`, outermost first, and tells `check` where
    /// it did.
    fn spoil(whole: &Json, wrong: &Json, check: &mut dyn FnMut(&Json, &str)) {
        fn places(value: &Json, at: String, found: &mut Vec<String>) {
            match value {
                Json::Array(members) => {
                    for (index, member) in members.iter().enumerate() {
                        places(member, format!("{at}/{index}"), found);
                    }
                }
                Json::Object(members) => {
                    for (key, member) in members {
                        places(member, format!("{at}/{key}"), found);
                    }
                }
                _ => {}
            }
            found.push(at);
        }
        let mut found = Vec::new();
        places(whole, String::new(), &mut found);
        for place in found.iter().filter(|place| !place.is_empty()) {
            let mut spoilt = whole.clone();
            *spoilt.pointer_mut(place).unwrap() = wrong.clone();
            check(&spoilt, place);
        }
    }

    #[test]
    fn every_error_names_the_place_or_its_parent() {
        let whole = json!({
            "site_id": "a", "metrics": ["visits", "pageviews"], "date_range": ["2025-01-01", "2025-01-31"],
            "dimensions": ["time:day", "visit:source"],
            "filters": [
                ["or", [["is", "visit:country", ["JP"]], ["contains", "event:page", ["x"], {"case_sensitive": false}]]],
                ["not", ["has_done", ["matches", "event:name", ["^S"]]]],
            ],
            "order_by": [["visits", "asc"]],
            "include": {"time_labels": true, "total_rows": false},
            "pagination": {"limit": 10, "offset": 5},
        });
        Request::parse(&whole).unwrap();
        let wrong = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("\u{0}"),
            json!("nonsense"),
            json!("é".repeat(3_000)),
            json!([]),
            json!({}),
            json!([null]),
            json!([[[]]]),
            json!({"a": {"b": []}}),
            json!(["visits", "visits"]),
        ];
        let (mut refused, mut accepted) = (0, 0);
        for wrong in &wrong {
            spoil(
                &whole,
                wrong,
                &mut |spoilt, place| match Request::parse(spoilt) {
                    Ok(_) => accepted += 1,
                    Err(fault) => {
                        refused += 1;
                        // A part can also make another one senseless, so only the first key has to
                        // be the same or to depend on it.
                        let key = |pointer: &str| {
                            pointer.split('/').nth(1).unwrap_or_default().to_owned()
                        };
                        let (named, spoilt) = (key(fault.at.trim_start_matches('#')), key(place));
                        let depends = matches!(
                            (spoilt.as_str(), named.as_str()),
                            ("metrics" | "dimensions", "order_by")
                                | ("dimensions", "include" | "metrics")
                        );
                        assert!(named == spoilt || depends, "{wrong} at {place}: {fault}");
                        assert!(fault.message.len() < 400, "{fault}");
                    }
                },
            );
        }
        // What is accepted are other values of the right type: texts in filters, true for false,
        // another number.
        assert!(
            refused > 500 && accepted < 120,
            "{refused} refused, {accepted} accepted"
        );
    }
}
