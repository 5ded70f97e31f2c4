//! The numbers of a summary: the questions of the page, asked of the same [`Answerer`], in one
//! batch.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::MailError;
use crate::config::Site;
use crate::email::cadence::{Cadence, Days};
use crate::stats::Answerer;

/// Rows of each list.
pub const ROWS: usize = 5;

const TOTALS: [&str; 6] = [
    "visitors",
    "visits",
    "pageviews",
    "views_per_visit",
    "bounce_rate",
    "visit_duration",
];
const LISTS: [&str; 3] = ["event:page", "visit:source", "visit:country"];

/// What a summary says.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub site: String,
    pub cadence: Cadence,
    pub period: Days,
    pub now: Totals,
    /// Of the period it is compared with.
    pub before: Totals,
    /// Value and visitors, the most first.
    pub pages: Vec<(String, u64)>,
    pub sources: Vec<(String, u64)>,
    pub countries: Vec<(String, u64)>,
    /// Whether visitors are distinct people over the period; otherwise they are counted by day.
    pub is_exact: bool,
}

/// The headline numbers, in the units of `docs/metrics.md`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    pub visitors: u64,
    pub visits: u64,
    pub pageviews: u64,
    pub views_per_visit: f64,
    pub bounce_rate: f64,
    pub visit_duration: f64,
}

impl Summary {
    /// Asks for the latest period that is over on the site's day of `now`.
    ///
    /// # Errors
    /// The answers did not come.
    pub async fn ask(
        answerer: &Answerer,
        site: &Site,
        cadence: Cadence,
        now: Timestamp,
    ) -> Result<Self, MailError> {
        let today = now.to_zoned_datetime(site.timezone.clone()).date();
        let (period, before) = cadence.periods(today);
        let dates = |days: Days| json!([days.first.to_string(), days.last.to_string()]);
        let totals =
            |days: Days| json!({"site_id": site.id, "metrics": TOTALS, "date_range": dates(days)});
        let list = |dimension: &str| {
            json!({
                "site_id": site.id, "metrics": ["visitors"], "date_range": dates(period),
                "dimensions": [dimension], "pagination": {"limit": ROWS},
            })
        };
        let queries: Vec<Json> = [totals(period), totals(before)]
            .into_iter()
            .chain(LISTS.map(list))
            .collect();
        let answers = ask(answerer, &queries, now).await?;
        let [now, earlier, pages, sources, countries] = answers.as_slice() else {
            return Err(MailError::Numbers("an answer is missing".into()));
        };
        Ok(Self {
            site: site.id.clone(),
            cadence,
            period,
            is_exact: now["meta"]["visitors_semantics"] == "exact",
            now: read_totals(now)?,
            before: read_totals(earlier)?,
            pages: read_list(pages)?,
            sources: read_list(sources)?,
            countries: read_list(countries)?,
        })
    }
}

/// Asks several questions at once; answers in their order.
///
/// # Errors
/// One of them was refused or not answered.
pub async fn ask(
    answerer: &Answerer,
    queries: &[Json],
    now: Timestamp,
) -> Result<Vec<Json>, MailError> {
    let body = json!({ "queries": queries }).to_string();
    let answer = answerer.batch(body.as_bytes(), now).await;
    let refused = |body: &Json| MailError::Numbers(body["error"].as_str().unwrap_or("").to_owned());
    if answer.status != 200 {
        return Err(refused(&answer.body));
    }
    let results = answer.body["results"].as_array();
    let each = results.into_iter().flatten().map(|result| {
        if result["status"] == 200 {
            Ok(result["body"].clone())
        } else {
            Err(refused(&result["body"]))
        }
    });
    each.collect()
}

fn fault() -> MailError {
    MailError::Numbers("unexpected form of an answer".into())
}

fn read_totals(answer: &Json) -> Result<Totals, MailError> {
    let metrics = answer["results"][0]["metrics"]
        .as_array()
        .ok_or_else(fault)?;
    let count = |index: usize| metrics.get(index).and_then(Json::as_u64).ok_or_else(fault);
    // A mean of nothing is null.
    let mean = |index: usize| metrics.get(index).and_then(Json::as_f64).unwrap_or(0.0);
    Ok(Totals {
        visitors: count(0)?,
        visits: count(1)?,
        pageviews: count(2)?,
        views_per_visit: mean(3),
        bounce_rate: mean(4),
        visit_duration: mean(5),
    })
}

fn read_list(answer: &Json) -> Result<Vec<(String, u64)>, MailError> {
    let rows = answer["results"].as_array().ok_or_else(fault)?;
    let row = |row: &Json| {
        let value = row["dimensions"][0].as_str()?.to_owned();
        Some((value, row["metrics"][0].as_u64()?))
    };
    rows.iter()
        .map(row)
        .collect::<Option<_>>()
        .ok_or_else(fault)
}
