//! Changes between two periods: runs the questions of [`sillage_query::changes`].

use jiff::Timestamp;
use sillage_query::changes::{Changes, ChangesReport};
use sillage_query::{QueryError, Report};

use super::service::StatsService;

impl StatsService {
    /// Answers which values contribute most to the difference between two periods.
    ///
    /// # Errors
    /// The first error of the questions for the total and its breakdowns.
    pub async fn changes(
        &self,
        changes: &Changes,
        now: Timestamp,
    ) -> Result<ChangesReport, QueryError> {
        let total = self.query(&changes.total, now).await?;
        let incomplete = || QueryError::Internal("the question has no comparison");
        let (other, _) = total.meta.comparison.as_ref().ok_or_else(incomplete)?;
        let reports = self.batch(changes.breakdowns(other), now).await?;
        let breakdowns: Vec<Report> = reports.into_iter().collect::<Result<_, _>>()?;
        changes.report(total, &breakdowns).ok_or_else(incomplete)
    }
}
