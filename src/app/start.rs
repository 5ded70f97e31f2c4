//! `sillage serve`: starts the parts in the order of a beacon's way, and stops them on SIGTERM.
//!
//! Beacons are accepted as soon as the address is bound and the spool is open. ClickHouse may
//! become available later and may be away for a while.

use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::access::App;
use crate::access::rates::Rates;
use crate::access::readiness::Readiness;
use crate::app::addresses::Addresses;
use crate::app::flushers::Flushers;
use crate::app::listeners::Listeners;
use crate::app::operating_system::{
    StopSignal, explain_full_disk, ignore_other_signals, raise_files_max,
};
use crate::app::shutdown::Running;
use crate::app::{background_tasks, clickhouse, first_owner};
use crate::config::Config;
use crate::config::policy_ledger;
use crate::control::password::Hasher;
use crate::control::token::Token;
use crate::control::{Control, database, people};
use crate::data_dir::create_private;
use crate::ingest::{self, Geo, Pipeline};
use crate::store::erase::Eraser;
use crate::telemetry::Counters;
use crate::tracker_files::Releases;
use sillage_spool::{Spool, SpoolOptions};

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// What can't be started, in one sentence that says what to do.
pub async fn serve(config: Config, has_demo: bool) -> anyhow::Result<()> {
    let mut stop_signal = StopSignal::listen()?;
    ignore_other_signals()?;
    create_private(&config.data_dir)?;
    let explain = |error: anyhow::Error| explain_full_disk(&config.data_dir, error);
    policy_ledger::remember(
        &config,
        Timestamp::now().to_zoned_datetime(TimeZone::UTC).date(),
    )
    .map_err(|error| explain(error.into()))?;
    raise_files_max(config.limits.connections_max);
    let control = Control::start(database::path_in(&config.data_dir))
        .map_err(|error| explain(error.into()))?;
    let set_up = check_accounts(&config, &control, has_demo).await?;
    let listeners = Listeners::bind(&config).await?;
    let collector = listeners.collector.local_addr()?;
    let dashboard = match &listeners.dashboard {
        Some(listener) => listener.local_addr()?,
        None => collector,
    };
    let metrics = listeners.metrics.as_ref();
    let metrics = metrics.map(|listener| listener.local_addr()).transpose()?;

    let app = Arc::new(open(config, control, has_demo)?);
    let (stop, stopped) = watch::channel(false);
    let servers = listeners.serve(&app, &stopped)?;
    tracing::info!(address = %collector, "beacons are accepted");

    let started = tokio::select! {
        started = clickhouse::start(&app.config) => started?,
        () = stop_signal.received() => return Ok(()),
    };
    let client = started.client;
    let flushers = Arc::new(Flushers::new());
    let addresses = Addresses {
        collector,
        dashboard,
        metrics,
        clickhouse: started.address,
        set_up,
    };
    let tasks = vec![
        tokio::spawn(background_tasks::run(
            app.clone(),
            client.clone(),
            flushers.clone(),
            addresses,
        )),
        tokio::spawn(background_tasks::tick(app.clone(), client.clone())),
    ];
    stop_signal.received().await;
    let running = Running {
        stop,
        servers,
        tasks,
        flushers,
        client,
        supervisor: started.supervisor,
    };
    running.shut_down(&app).await
}

/// Refuses a public dashboard without an account. Returns the token of the link that creates the
/// first account, if there is none.
async fn check_accounts(
    config: &Config,
    control: &Control,
    has_demo: bool,
) -> anyhow::Result<Option<Token>> {
    let has_people = control.run(|connection| people::count(connection)).await? > 0;
    if !has_people && !config.dashboard_listen.ip().is_loopback() {
        bail!(first_owner::no_account(config.dashboard_listen));
    }
    // A demo on loopback is open to everyone as long as there is no account.
    if has_people || has_demo {
        return Ok(None);
    }
    Ok(Some(first_owner::create_link(control).await?))
}

/// Opens the spool and the pipeline before it, and restores their state from the spool. Blocks.
fn open(config: Config, control: Control, has_demo: bool) -> anyhow::Result<App> {
    let counters = Arc::new(Counters::new(config.sites.clone()));
    let spool = Spool::open(SpoolOptions {
        dir: config.spool.dir.clone(),
        bytes_max: config.spool.bytes_max,
        segment_bytes_max: config.spool.segment_bytes_max,
        segment_age_max: config.spool.segment_age_max,
        schema: crate::event_row::columns::schema(),
    })
    .map_err(|error| explain_full_disk(&config.spool.dir, error.into()))?;
    let geo = Geo::open(config.geo_database.as_deref())?;
    let pipeline = Pipeline::new(
        &config,
        geo,
        spool.clone(),
        counters.clone(),
        Timestamp::now(),
    )?;
    ingest::recover::from_spool(
        &spool,
        pipeline.visits(),
        pipeline.dedup(),
        Timestamp::now(),
    );
    let eraser = Eraser::open(&config.data_dir)
        .context("the journal of erasures in the data folder can't be read or written")?;
    for visitor in eraser.visitors() {
        pipeline.visits().forget(visitor);
    }
    let releases = Releases::keep(config.data_dir.join("tracker"))
        .context("the tracker's files can't be kept in the data folder")?;
    Ok(App {
        releases,
        rates: Rates::new(&config.limits),
        control,
        hasher: Hasher::start().context("the thread for passwords could not be started")?,
        pipeline,
        spool,
        counters,
        stats: OnceLock::new(),
        eraser,
        wake_email: Arc::default(),
        readiness: Readiness::default(),
        has_demo,
        config,
    })
}
