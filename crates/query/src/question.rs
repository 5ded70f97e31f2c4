//! A question: what a client wants to know about one site.
//!
//! Every question is a [`Question`], whether it comes as JSON (see [`wire`](crate::wire)) or is
//! built by this program, for an e-mail or a suggestion. Invariants: at least one metric, no metric
//! or dimension twice, the order names only metrics and dimensions of the question, and the page is
//! within its bounds. [`Question::check`] refuses combinations that would mean nothing.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::bucket::Bucket;
use crate::comparison::Comparison;
use crate::date_range::DateRange;
use crate::dimension::Dimension;
use crate::error::QueryError;
use crate::filter::Filter;
use crate::goal::Goal;
use crate::metric::Metric;

/// Most rows of one report, and the default.
pub const LIMIT_MAX: u64 = 10_000;
/// Most dimensions of one question.
pub const DIMENSIONS_MAX: usize = 8;
/// Largest offset of a page.
pub const OFFSET_MAX: u64 = 1_000_000_000;

/// A question about one site.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub site: String,
    pub metrics: Vec<Metric>,
    pub range: DateRange,
    pub dimensions: Vec<AskedDimension>,
    pub filter: Filter,
    /// As the question states it, or the default. Every entry names a metric or a dimension of the
    /// question.
    pub order: Vec<(OrderKey, Direction)>,
    pub include_time_labels: bool,
    pub include_total_rows: bool,
    pub include_imports: bool,
    /// The period with which each row is compared.
    pub comparison: Option<Comparison>,
    pub limit: u64,
    pub offset: u64,
    pub echo: Echo,
}

/// Parts of a question that the report repeats exactly as the client wrote them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Echo {
    /// `filters`; `None` where the question was built by this program.
    pub filters: Option<Json>,
    /// `include.comparisons`.
    pub comparisons: Option<Json>,
}

/// A dimension as the question names it.
#[derive(Debug, Clone, PartialEq)]
pub enum AskedDimension {
    Named(Dimension),
    /// `time`: the bucket that suits the period.
    Time,
}

/// What the rows are ordered by: an index into the metrics or the dimensions.
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

impl Question {
    /// A question without dimensions and filters.
    pub fn new(site: impl Into<String>, metrics: Vec<Metric>, range: DateRange) -> Self {
        Self {
            site: site.into(),
            metrics,
            range,
            dimensions: Vec::new(),
            filter: Filter::All(Vec::new()),
            order: default_order(&[]),
            include_time_labels: false,
            include_total_rows: false,
            include_imports: false,
            comparison: None,
            limit: LIMIT_MAX,
            offset: 0,
            echo: Echo::default(),
        }
    }

    /// The same question, broken down by dimensions, in the default order.
    #[must_use]
    pub fn by(self, dimensions: impl IntoIterator<Item = Dimension>) -> Self {
        let dimensions: Vec<_> = dimensions.into_iter().map(AskedDimension::Named).collect();
        Self {
            order: default_order(&dimensions),
            dimensions,
            ..self
        }
    }

    /// The same question with at most `limit` rows.
    #[must_use]
    pub fn limited_to(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// The dimensions, with a bucket for `time`.
    pub fn dimensions(&self, bucket: Bucket) -> Vec<Dimension> {
        let named = |asked: &AskedDimension| match asked {
            AskedDimension::Named(dimension) => dimension.clone(),
            AskedDimension::Time => Dimension::Time(bucket),
        };
        self.dimensions.iter().map(named).collect()
    }

    /// The same question with a bucket for `time`.
    #[must_use]
    pub fn in_buckets_of(&self, bucket: Bucket) -> Self {
        let dimensions = self.dimensions(bucket);
        Self {
            dimensions: dimensions.into_iter().map(AskedDimension::Named).collect(),
            ..self.clone()
        }
    }

    /// The same question about the period of comparison, with the buckets of this one. It asks for
    /// all rows, because their order can differ.
    #[must_use]
    pub fn of_comparison(&self, bucket: Option<Bucket>) -> Self {
        let question = match bucket {
            Some(bucket) => self.in_buckets_of(bucket),
            None => self.clone(),
        };
        Self {
            comparison: None,
            include_total_rows: false,
            limit: LIMIT_MAX,
            offset: 0,
            ..question
        }
    }

    /// Refuses combinations whose numbers would mean nothing.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] at the metric, filter or option that does not fit the others.
    pub fn check(&self) -> Result<(), QueryError> {
        if self.include_time_labels && !self.dimensions.iter().any(AskedDimension::is_time) {
            return Err(QueryError::invalid(
                "#/include/time_labels",
                "needs a dimension of time",
            ));
        }
        let has_event_dimension = self.dimensions.iter().any(AskedDimension::is_of_events);
        let has_goal = self.filter.goals().is_some() || !self.goals().is_empty();
        let is_cell = |dimension: &Dimension| dimension.name() == "event:click_cell";
        let has_cell = self
            .dimensions
            .iter()
            .any(|asked| matches!(asked, AskedDimension::Named(named) if is_cell(named)));
        if self.filter.has_dimension(&is_cell) {
            return Err(QueryError::invalid(
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
                return Err(QueryError::invalid(
                    at(),
                    format!(
                        "`{}` describes visits and can't be broken down by a dimension of events",
                        metric.name()
                    ),
                ));
            }
            if metric.needs_page() && !has_page {
                return Err(QueryError::invalid(
                    at(),
                    format!(
                        "`{}` needs the dimension event:page or a filter on it",
                        metric.name()
                    ),
                ));
            }
            if *metric == Metric::Percentage && self.dimensions.is_empty() {
                return Err(QueryError::invalid(at(), "`percentage` needs a dimension"));
            }
            let refuse = |what: &str| {
                Err(QueryError::invalid(
                    at(),
                    format!("`{}` {what}", metric.name()),
                ))
            };
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

    /// The goals of the question: those of its dimension, otherwise those of its filter.
    fn goals(&self) -> &[Arc<Goal>] {
        let of_dimension = self.dimensions.iter().find_map(|asked| match asked {
            AskedDimension::Named(Dimension::Goal(goals, _)) => Some(goals.as_slice()),
            _ => None,
        });
        of_dimension
            .or_else(|| self.filter.goals())
            .unwrap_or_default()
    }

    /// The currency of the goals, if all goals that have a currency have the same one.
    pub fn currency(&self) -> Option<&str> {
        let mut known = self
            .goals()
            .iter()
            .filter_map(|goal| goal.currency.as_deref());
        let first = known.next()?;
        known.all(|other| other == first).then_some(first)
    }

    /// Whether any goal of the question has a currency.
    pub fn has_currency(&self) -> bool {
        self.goals().iter().any(|goal| goal.currency.is_some())
    }
}

impl AskedDimension {
    /// Its name in questions and reports.
    pub fn name(&self) -> String {
        match self {
            Self::Named(dimension) => dimension.name(),
            Self::Time => "time".to_owned(),
        }
    }

    pub fn is_time(&self) -> bool {
        matches!(self, Self::Time | Self::Named(Dimension::Time(_)))
    }

    fn is_of_events(&self) -> bool {
        matches!(self, Self::Named(dimension) if dimension.is_of_events())
    }
}

/// The default order: time ascending, then the first metric descending.
pub fn default_order(dimensions: &[AskedDimension]) -> Vec<(OrderKey, Direction)> {
    let time = dimensions.iter().position(AskedDimension::is_time);
    let time = time.map(|index| (OrderKey::Dimension(index), Direction::Ascending));
    time.into_iter()
        .chain([(OrderKey::Metric(0), Direction::Descending)])
        .collect()
}
