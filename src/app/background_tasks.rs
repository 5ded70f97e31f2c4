//! What runs beside the requests: first the preparation of ClickHouse, then the tasks that store,
//! roll up, erase and expire data and send e-mails.

use std::sync::Arc;
use std::time::Duration;

use clickhouse::Client;
use jiff::Timestamp;

use crate::access::App;
use crate::access::readiness::Reports;
use crate::app::addresses::Addresses;
use crate::app::flushers::Flushers;
use crate::app::recover;
use crate::email::scheduler::Scheduler;
use crate::stats::{QueryLimits, StatsService};
use crate::store;
use sillage_episode::{Episode, Line};

/// Interval of [`tick`].
const TICK: Duration = Duration::from_secs(2);

/// Prepares ClickHouse as soon as it answers, prints the addresses, and runs the tasks until it is
/// aborted.
pub async fn run(app: Arc<App>, client: Client, flushers: Arc<Flushers>, addresses: Addresses) {
    migrate(&app, &client).await;
    restore(&app, &client).await;
    open_reports(&app, &client).await;
    addresses.print(app.has_demo);
    run_tasks(&app, &client, &flushers).await;
}

/// Migrates the tables. Tries again until it succeeds.
async fn migrate(app: &App, client: &Client) {
    let mut wait = Duration::from_millis(50);
    let migrating = Episode::new();
    let (database, tables) = (
        &app.config.clickhouse.database,
        app.config.clickhouse.tables,
    );
    loop {
        match store::migrate::migrate(client, database, tables).await {
            Ok(ran) if ran.is_empty() => break,
            Ok(ran) => {
                tracing::info!(migrations = ran.join(", "), "tables brought up to date");
                break;
            }
            Err(error) => {
                app.readiness.set(match error {
                    store::StoreError::Newer(_) => Reports::NewerSchema,
                    _ => Reports::Starting,
                });
                if let Some(Line::Began | Line::GoesOn { .. }) = migrating.failed() {
                    tracing::warn!(%error, "the tables can't be brought up to date yet; beacons wait in the spool");
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(5));
            }
        }
    }
}

/// Restores open visits and known values from ClickHouse.
async fn restore(app: &App, client: &Client) {
    if app.config.clickhouse.url.is_none()
        && let Err(error) = store::merges::rarely(client).await
    {
        tracing::warn!(%error, "could not change the engine's merge settings; it merges more often than necessary");
    }
    let recovered = recover::from_clickhouse(
        client,
        &app.config,
        app.pipeline.visits(),
        app.pipeline.dedup(),
        Timestamp::now(),
    );
    if let Err(error) = recovered.await {
        tracing::warn!(%error, "open visits can't be restored; visits that continue are counted as new");
    }
    let known = recover::known_values(client, &app.config, &app.pipeline, Timestamp::now());
    if let Err(error) = known.await {
        tracing::warn!(%error, "yesterday's known values can't be restored; they count as new values");
    }
}

/// Makes reports available.
async fn open_reports(app: &App, client: &Client) {
    let stats = StatsService::new(
        client.clone(),
        app.config.sites.clone(),
        QueryLimits::default(),
    );
    let floors = app.config.floors;
    let _ = app.stats.set(stats.with_floors(floors));
    for site in app.config.sites.iter() {
        if let Err(error) = crate::api::goals::refresh(app, &site.id).await {
            tracing::error!(%error, site = site.id, "the site's goals can't be read; questions about them are refused");
        }
    }
    if let Err(error) = store::floors::set_for_analysts(client, floors.analysts).await {
        tracing::error!(%error, "the floor of the analysts' view can't be set; the previous one stays in force");
    }
    app.readiness.set(Reports::Ready);
}

async fn run_tasks(app: &App, client: &Client, flushers: &Flushers) {
    let database = &app.config.clickhouse.database;
    tokio::join!(
        app.eraser
            .run(client, database, &app.spool, app.pipeline.visits()),
        crate::rollup::job::keep(
            client.clone(),
            app.config.sites.clone(),
            // Data that waits for its erasure is not counted.
            |site| app.eraser.waits(site),
        ),
        store::insert::run(app.spool.clone(), client.clone(), app.counters.clone()),
        store::outcomes::run(&flushers.outcomes, client, &app.config.sites, &app.counters),
        store::faulty_networks::run(client.clone(), app.pipeline.faulty_networks().clone()),
        store::email_opens::run(
            &flushers.email_opens,
            client,
            &app.config.sites,
            app.pipeline.opens()
        ),
        send_emails(app),
        async {
            // On a ClickHouse server, its administrator configures merges.
            if app.config.clickhouse.url.is_none() {
                store::merges::keep(client, database).await;
            }
        },
        store::retention::keep(
            client.clone(),
            Arc::new(store::retention::Rules::of(&app.config)),
            &app.spool,
        ),
    );
}

/// Sends e-mails to subscribers, if a mail server is configured.
async fn send_emails(app: &App) {
    if let (Some(mail), Some(stats)) = (&app.config.mail, app.stats.get()) {
        let scheduler = Scheduler {
            control: app.control.clone(),
            stats: stats.clone(),
            mail: mail.clone(),
            sites: app.config.sites.clone(),
            wake: app.wake_email.clone(),
        };
        scheduler.run().await;
    }
}

/// Every [`TICK`]: seals old spool segments, rotates salts, ends silent visits, and checks whether
/// ClickHouse answers.
pub async fn tick(app: Arc<App>, client: Client) {
    let rotating = Episode::new();
    let is_embedded = app.config.clickhouse.url.is_none();
    loop {
        tokio::time::sleep(TICK).await;
        app.spool.tick();
        match app.pipeline.tick(Timestamp::now()) {
            Ok(()) => {
                if let Some(Line::Over { lasted, .. }) = rotating.succeeded() {
                    tracing::info!(lasted_s = lasted.as_secs(), "salts are rotated again");
                }
            }
            Err(error) => {
                if let Some(Line::Began | Line::GoesOn { .. }) = rotating.failed() {
                    tracing::error!(%error, "salts can't be rotated; beacons are answered 503 until they can");
                }
            }
        }
        if app.stats.get().is_some() {
            let answers =
                tokio::time::timeout(TICK, client.query("SELECT 1").fetch_one::<u8>()).await;
            app.readiness.set(match answers {
                Ok(Ok(1)) => Reports::Ready,
                _ if is_embedded => Reports::EngineRestarting,
                _ => Reports::ClickhouseAway,
            });
        }
    }
}
