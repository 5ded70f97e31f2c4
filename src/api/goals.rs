//! Passes a site's goals from the control database to the reports: at the start, and whenever one
//! changes.

use crate::access::App;
use crate::control::ControlError;
use crate::control::goal::{Achievement, Goal as KeptGoal};
use crate::control::site_objects;
use sillage_query::goal::{Goal, GoalKind};

/// Passes a site's goals to the reports. Before ClickHouse answers there are no reports; the
/// start-up code passes the goals once it does.
///
/// # Errors
/// The control database can't be read; questions then use the previous goals.
pub async fn refresh(app: &App, site: &str) -> Result<(), ControlError> {
    let Some(stats) = app.stats.get() else {
        return Ok(());
    };
    let of = site.to_owned();
    let kept = app
        .control
        .run(move |connection| site_objects::goals(connection, &of))
        .await?;
    stats.set_goals(site, kept.into_iter().map(|(id, goal)| meant(id, goal)));
    Ok(())
}

/// A goal as questions use it.
pub fn meant(id: i64, kept: KeptGoal) -> Goal {
    Goal {
        id: id.unsigned_abs(),
        name: kept.name,
        kind: match kept.achieved_by {
            Achievement::Page { pattern } => GoalKind::Page { pattern },
            Achievement::Event { name, props } => GoalKind::Event {
                name,
                props: props.into_iter().collect(),
            },
            Achievement::Scroll { pattern, percent } => GoalKind::Scroll { pattern, percent },
            Achievement::Engagement { pattern, seconds } => GoalKind::Engaged {
                pattern,
                ms: seconds.saturating_mul(1_000),
            },
        },
        currency: kept.currency,
    }
}
