//! The site's goals as people keep them become those that questions are settled against: at the
//! start, and at once when one is changed.

use crate::access::App;
use crate::control::ControlError;
use crate::control::goal::{Achievement, Goal as KeptGoal};
use crate::control::site_objects;
use sillage_query::goal::{Goal, GoalKind};

/// Hands a site's goals to whoever answers; before ClickHouse answers there is nobody yet, and the
/// start does it.
///
/// # Errors
/// The file can't be read; questions are then still settled against the goals before.
pub async fn refresh(app: &App, site: &str) -> Result<(), ControlError> {
    let Some(stats) = app.stats.get() else {
        return Ok(());
    };
    let of = site.to_owned();
    let kept = app
        .gate
        .control
        .run(move |connection| site_objects::goals(connection, &of))
        .await?;
    stats.set_goals(site, kept.into_iter().map(|(id, goal)| meant(id, goal)));
    Ok(())
}

/// A goal as questions know it.
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
