//! The data that the dashboard's page starts with: sites, goals, annotations. `GET /api/sites`
//! returns the same.

use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::is_without_people;
use crate::access::call::Call;
use crate::access::error::ApiError;
use crate::access::identity::{ReadScope, ReaderKind};
use crate::control::ControlError;
use crate::control::site_objects::{self, Kind};

/// `GET /api/sites`
pub async fn sites(call: Call<ReadScope>) -> Result<Json, ApiError> {
    start_data(&call.app, &call.identity).await
}

/// The start data for a person or a demo.
///
/// # Errors
/// The control database can't be read.
pub async fn start_data(app: &App, scope: &ReadScope) -> Result<Json, ApiError> {
    let mut data = sites_and_goals(app, scope);
    // Once there are people, the demo is a site like any other.
    if app.has_demo {
        data["demo"] = is_without_people(app).await?.into();
    }
    add_notes(app, scope, &mut data).await?;
    Ok(data)
}

/// The sites that a reader may see, with their goals.
pub fn sites_and_goals(app: &App, scope: &ReadScope) -> Json {
    let sites = app
        .config
        .sites
        .iter()
        .filter(|site| scope.includes(&site.id));
    // Before ClickHouse answers, goals can't be queried.
    let goals = |site: &str| {
        let goals = app.stats.get().map(|stats| stats.goals(Some(site)));
        let goals = goals.iter().flat_map(|goals| goals.iter());
        let goals = goals.map(|goal| json!({ "name": goal.name, "currency": goal.currency }));
        goals.collect::<Vec<Json>>()
    };
    let sites: Vec<_> = sites
        .map(|site| {
            let mut shown = json!({
                "id": site.id,
                "timezone": site.timezone.iana_name().unwrap_or("UTC"),
                "profile": site.consent.profile.as_str(),
            });
            // Every byte of the first page counts, and most sites have no goals.
            let goals = goals(&site.id);
            if !goals.is_empty() {
                shown["goals"] = goals.into();
            }
            shown
        })
        .collect();
    json!({ "sites": sites, "demo": app.has_demo, "version": env!("CARGO_PKG_VERSION") })
}

/// Annotations of a site in the start data, the latest ones.
const NOTES_MAX: usize = 200;

/// Adds the site's annotations for people who may log in. Readers of a shared link do not get them.
async fn add_notes(app: &App, scope: &ReadScope, data: &mut Json) -> Result<(), ControlError> {
    if scope.kind != ReaderKind::Login {
        return Ok(());
    }
    for site in data["sites"].as_array_mut().into_iter().flatten() {
        let id = site["id"].as_str().unwrap_or_default().to_owned();
        let kept = app
            .control
            .run(move |connection| site_objects::list(connection, Kind::Annotation, &id, None))
            .await?;
        let mut notes: Vec<Json> = kept.into_iter().map(|kept| kept.body).collect();
        notes.sort_by(|one, other| one["at"].as_str().cmp(&other["at"].as_str()));
        let older = notes.len().saturating_sub(NOTES_MAX);
        if !notes.is_empty() {
            site["notes"] = notes.split_off(older).into();
        }
    }
    Ok(())
}
