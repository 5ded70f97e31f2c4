//! `sillage serve`: puts the parts together, in the order of a beacon's way, and takes them apart
//! on SIGTERM.
//!
//! Beacons are taken as soon as the address is bound and the spool is open; ClickHouse may come
//! later and may go.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use clickhouse::Client;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::access::App;
use crate::access::faces::Faces;
use crate::access::rates::Rates;
use crate::access::readiness::{Readiness, Reports};
use crate::app::{first_owner, recover, router};
use crate::config::Config;
use crate::config::policy_ledger;
use crate::control::password::Hasher;
use crate::control::token::Token;
use crate::control::{Control, database, people};
use crate::data_dir::create_private;
use crate::email::scheduler::Post;
use crate::http::listener::{self, ListenerLimits, Refused};
use crate::http::workers::{MainRuntime, Workers};
use crate::ingest::Geo;
use crate::ingest::Pipeline;
use crate::stats::{QueryLimits, StatsService};
use crate::store;
use crate::store::erase::Eraser;
use crate::telemetry::Counters;
use crate::tracker_files::Releases;
use sillage_engine::credential;
use sillage_engine::supervise::{self, Supervisor, SupervisorOptions};
use sillage_episode::{Episode, Line};
use sillage_spool::{Spool, SpoolOptions};

/// How often salts, visits and readiness are looked after.
const TICK: Duration = Duration::from_secs(2);

/// How long the last counts may take on their way to ClickHouse at the stop.
const LAST_FLUSH_MAX: Duration = Duration::from_secs(5);

/// Free bytes that a start needs: the control database with its log and its index, a first segment,
/// some salts.
const START_BYTES: u64 = 256 << 10;

/// Open files that are no connections of visitors: segments, databases, the engine.
const FILES_BESIDES: u64 = 256;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// What can't be started, in one sentence that says what to do.
pub async fn serve(config: Config, has_demo: bool) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("signals can't be waited for")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals can't be waited for")?;
    outlive_other_signals()?;
    create_private(&config.data_dir)?;
    let is_full = |error: anyhow::Error| explain_full_disk(&config.data_dir, error);
    policy_ledger::remember(
        &config,
        Timestamp::now().to_zoned_datetime(TimeZone::UTC).date(),
    )
    .map_err(|error| is_full(error.into()))?;
    raise_files_max(config.limits.connections_max);
    let control = Control::start(database::path_in(&config.data_dir))
        .map_err(|error| is_full(error.into()))?;
    let has_people = control.run(|connection| people::count(connection)).await? > 0;
    if !has_people && !config.dashboard_listen.ip().is_loopback() {
        bail!(first_owner::no_account(config.dashboard_listen));
    }
    // A demo is open on loopback as long as there is nobody.
    let set_up = if has_people || has_demo {
        None
    } else {
        Some(first_owner::create_link(&control).await?)
    };
    let listener = listener::bind(config.collector_listen).await?;
    let apart = if config.dashboard_listen == config.collector_listen {
        None
    } else {
        Some(listener::bind(config.dashboard_listen).await?)
    };

    let metrics = match config.metrics_listen {
        Some(address) => Some(listener::bind(address).await?),
        None => None,
    };
    let metrics_address = metrics.as_ref().map(|listener| listener.local_addr());
    let metrics_address = metrics_address.transpose()?;
    let collector_address = listener.local_addr()?;
    let dashboard_address = apart
        .as_ref()
        .map_or(Ok(collector_address), |listener| listener.local_addr())?;

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
    recover::from_spool(&spool, pipeline.visits(), pipeline.seen(), Timestamp::now());
    let eraser = Eraser::open(&config.data_dir)
        .context("the journal of erasures in the data folder can't be read or written")?;
    for visitor in eraser.visitors() {
        pipeline.visits().forget(visitor);
    }
    let releases = Releases::keep(config.data_dir.join("tracker"))
        .context("the tracker's files can't be kept in the data folder")?;
    let app = Arc::new(App {
        releases,
        rates: Rates::new(&config.limits),
        control,
        hasher: Hasher::start().context("the thread for passwords could not be started")?,
        pipeline,
        spool: spool.clone(),
        counters: counters.clone(),
        stats: OnceLock::new(),
        eraser,
        wake_email: Arc::default(),
        readiness: Readiness::default(),
        has_demo,
        config,
    });
    let config = &app.config;

    let (stop, stopped) = watch::channel(false);
    let faces = Faces {
        collector: true,
        dashboard: apart.is_none(),
        metrics: apart.is_none() && metrics.is_none(),
    };
    let workers = Workers::start(config.limits.threads, || spool.thread_waker())
        .context("the threads that accept beacons could not be started")?;
    let mut servers = vec![tokio::spawn(serve_faces(
        listener,
        app.clone(),
        faces,
        Some(workers),
        stopped.clone(),
    ))];
    if let Some(listener) = apart {
        let faces = Faces {
            collector: false,
            dashboard: true,
            metrics: metrics.is_none(),
        };
        servers.push(tokio::spawn(serve_faces(
            listener,
            app.clone(),
            faces,
            None,
            stopped.clone(),
        )));
    }
    if let Some(listener) = metrics {
        servers.push(tokio::spawn(serve_faces(
            listener,
            app.clone(),
            Faces::METRICS,
            None,
            stopped.clone(),
        )));
    }
    tracing::info!(address = %collector_address, "beacons are taken");

    // ClickHouse: the embedded engine's or a server's.
    let starting = async {
        let supervisor = match &config.clickhouse.url {
            None => {
                let token = credential::open(&config.data_dir)
                    .map_err(|error| explain_full_disk(&config.data_dir, error.into()))?;
                let options = SupervisorOptions {
                    listen: config.engine.listen,
                    library: config.engine.library.clone(),
                    reader_token: Some(token.clone()),
                    database: config.clickhouse.database.clone(),
                    user: config.engine.user,
                    readers_without_fence: config.engine.readers_without_fence,
                    ..SupervisorOptions::new(config.data_dir.join("engine"))
                };
                let supervisor = supervise::start(options).await?;
                // Only commands beside this process look there; beacons and reports need no file.
                if let Err(error) = credential::publish(&config.data_dir, supervisor.address()) {
                    tracing::error!(%error, "commands such as `sillage sql` can't find the engine until the next start");
                }
                let url = if is_journal() {
                    format!(
                        "http://{}/ (`sillage sql --print-url` prints it with the password)",
                        supervisor.address()
                    )
                } else {
                    credential::url(supervisor.address(), &token)
                };
                Some((url, supervisor))
            }
            Some(_) => None,
        };
        let (clickhouse, supervisor) = match supervisor {
            Some((url, supervisor)) => (Some(url), Some(supervisor)),
            None => (config.clickhouse.url.clone(), None),
        };
        let client = connect(config, supervisor.as_ref())?;
        anyhow::Ok((supervisor, client, clickhouse.unwrap_or_default()))
    };
    let (supervisor, client, clickhouse) = tokio::select! {
        started = starting => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };

    let flushers = Arc::new(Flushers {
        outcomes: store::outcomes::flusher(),
        mail_opens: store::email_opens::flusher(),
    });
    let tasks = vec![
        tokio::spawn(prepare(
            app.clone(),
            client.clone(),
            flushers.clone(),
            Addresses {
                collector_address,
                dashboard_address,
                metrics_address,
                clickhouse,
                set_up,
            },
        )),
        tokio::spawn(look_after(app.clone(), client.clone())),
    ];
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }

    // In the order of a beacon's way: nobody new, finish, seal, one last INSERT, then ClickHouse.
    tracing::info!("stopping: open requests are finished, then the spool is sealed");
    let _ = stop.send(true);
    for server in servers {
        server
            .await
            .context("the server stopped in an unexpected way")?;
    }
    spool.seal().await?;
    let deadline = tokio::time::Instant::now() + config.limits.shutdown_timeout;
    while spool.stats().segments > 0
        && app.readiness.is_ready()
        && tokio::time::Instant::now() < deadline
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    flushers.flush_last(&app, &client).await;
    for task in tasks {
        task.abort();
    }
    if let Some(supervisor) = supervisor {
        supervisor.stop().await;
    }
    let left = spool.stats().segments;
    if left > 0 {
        tracing::info!(
            segments = left,
            "events wait in the spool for the next start"
        );
    }
    Ok(())
}

/// Serves the routes of `faces` on a listener. With workers, everything except beacons runs on the
/// calling runtime.
async fn serve_faces(
    listener: TcpListener,
    app: Arc<App>,
    faces: Faces,
    workers: Option<Workers>,
    stop: watch::Receiver<bool>,
) {
    let limits = &app.config.limits;
    let limits = ListenerLimits {
        connections_max: limits.connections_max,
        connections_per_network_max: limits.connections_per_network_max,
        header_timeout: limits.header_timeout,
        peer_timeout: limits.body_timeout,
        shutdown_timeout: limits.shutdown_timeout,
        trusted_proxies: app.config.trusted_proxies.clone(),
    };
    let counters = app.counters.clone();
    let refused = move |refused| {
        let counter = match refused {
            Refused::Connections => &counters.connections_refused,
            Refused::ConnectionsOfNetwork => &counters.connections_refused_network,
        };
        counter.fetch_add(1, Relaxed);
    };
    let main = workers.as_ref().map(|_| MainRuntime::current());
    let service = move |connection, request| {
        router::route(app.clone(), faces, main.as_ref(), connection, request)
    };
    listener::serve(listener, limits, workers, stop, refused, service).await;
}

/// Counts on their way to ClickHouse, in memory only.
struct Flushers {
    outcomes: store::outcomes::Outcomes,
    mail_opens: store::email_opens::MailOpens,
}

impl Flushers {
    /// Stores what was counted until the stop. What ClickHouse does not take now is lost.
    async fn flush_last(&self, app: &App, client: &Client) {
        let (sites, now) = (&app.config.sites, Timestamp::now());
        let opens = app.pipeline.opens();
        let flushing = async {
            store::outcomes::flush(&self.outcomes, client, sites, &app.counters, now).await?;
            store::email_opens::flush(&self.mail_opens, client, sites, opens, now).await
        };
        match tokio::time::timeout(LAST_FLUSH_MAX, flushing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "counts of outcomes and e-mail opens since the last flush are lost; events are not affected");
            }
            Err(_) => {
                tracing::warn!(
                    "ClickHouse did not store the counts of outcomes and e-mail opens since the last flush in time; they are lost, events are not affected"
                );
            }
        }
    }
}

/// Where things are, for the person who started them.
struct Addresses {
    collector_address: SocketAddr,
    dashboard_address: SocketAddr,
    /// Where the metrics are, when that is elsewhere.
    metrics_address: Option<SocketAddr>,
    clickhouse: String,
    /// Token of the link that makes the first owner, while there is nobody.
    set_up: Option<Token>,
}

impl Addresses {
    fn print(&self, has_demo: bool) {
        let Self {
            collector_address,
            dashboard_address,
            metrics_address,
            clickhouse,
            set_up,
        } = self;
        println!("Sillage is ready.");
        println!("  dashboard   http://{dashboard_address}/");
        if has_demo {
            println!("  demo page   http://{collector_address}/demo/");
        }
        println!("  beacons     http://{collector_address}/api/event");
        if let Some(address) = metrics_address {
            println!("  metrics     http://{address}/metrics");
        }
        println!("  ClickHouse  {clickhouse}");
        if let Some(token) = set_up {
            println!(
                "No account exists yet. This link makes you the owner; it works once, for a day:"
            );
            println!("  http://{dashboard_address}/welcome/{}", token.reveal());
        }
    }
}

/// Whether standard output is systemd's journal, whose readers are not only this user and root: a
/// password does not belong there. systemd names the journal's socket in `JOURNAL_STREAM`
/// (systemd.exec(5)).
fn is_journal() -> bool {
    let journal = std::env::var("JOURNAL_STREAM").ok();
    let output = rustix::fs::fstat(std::io::stdout()).ok();
    journal.is_some_and(|journal| {
        output.is_some_and(|output| journal == format!("{}:{}", output.st_dev, output.st_ino))
    })
}

/// `sillage migrate` for a ClickHouse server.
///
/// # Errors
/// There is no server, or it refuses.
pub async fn migrate(config: &Config) -> anyhow::Result<Vec<&'static str>> {
    if config.clickhouse.url.is_none() {
        bail!(
            "clickhouse.url is empty: the embedded engine's tables are brought up to date by `sillage serve` itself"
        );
    }
    Ok(store::migrate::migrate(
        &connect(config, None)?,
        &config.clickhouse.database,
        config.clickhouse.tables,
    )
    .await?)
}

/// `sillage retention --verify`: looks for expired data as any engineer could, and writes a
/// certificate when none is left. `url` is where ClickHouse answers, for when it is not where the
/// configuration says.
///
/// # Errors
/// ClickHouse does not answer, or something expired remains; then there is no certificate.
pub async fn verify_retention(config: &Config, url: Option<&str>) -> anyhow::Result<String> {
    let client = reader(config, url)?;
    let rules = store::retention::Rules::of(config);
    let mut found = store::retention::verify(&client, &rules, store::retention::today())
        .await
        .context("ClickHouse must run for this; start `sillage serve`, or say where it answers with --clickhouse")?;
    found.set_aside = store::retention::set_aside_left(&rules, &config.spool.dir, found.until)?;
    if !found.is_clean() {
        bail!(
            "expired data remains: {} rows in {} parts expired until {} ({} of them held), and {} files in the spool's folder; `sillage serve` destroys them within ten minutes, and their files leave the disk within ten more",
            found.rows,
            found.parts,
            found.until,
            found.held,
            found.set_aside
        );
    }
    Ok(store::retention::certify(&rules, &found)?)
}

/// A client for a command that reads beside a running collector. `url` is where ClickHouse answers,
/// for when it is not where the configuration says.
///
/// # Errors
/// The password of a ClickHouse server can't be read.
pub fn reader(config: &Config, url: Option<&str>) -> anyhow::Result<Client> {
    let database = &config.clickhouse.database;
    let is_embedded = config.clickhouse.url.is_none();
    let mut url = match url {
        None if !is_embedded => return connect(config, None),
        None => format!("http://{}", credential::find(&config.data_dir)?),
        Some(url) => url.to_owned(),
    };
    let mut parsed = url::Url::parse(&url).with_context(|| format!("{url:?} is not a URL"))?;
    let of_url = (!parsed.username().is_empty()).then(|| {
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let password = decoded(parsed.password().unwrap_or_default());
        (decoded(parsed.username()), password)
    });
    // The token goes to this machine only.
    let is_here = match parsed.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let credentials = match of_url {
        None if is_embedded && is_here => {
            let token = credential::read(&config.data_dir)?;
            Some((credential::READER_USER.to_owned(), token))
        }
        of_url => of_url,
    };
    // Neither setter refuses an http URL; the client takes credentials apart from it.
    if parsed
        .set_username("")
        .and(parsed.set_password(None))
        .is_ok()
    {
        url = parsed.into();
    }
    let (user, password) = credentials.unzip();
    Ok(store::client(
        &url,
        user.as_deref(),
        password.as_deref(),
        database,
    ))
}

fn connect(config: &Config, supervisor: Option<&Supervisor>) -> anyhow::Result<Client> {
    let database = &config.clickhouse.database;
    if let Some(supervisor) = supervisor {
        let target = supervisor.target();
        let (user, password) = (Some(&*target.user), Some(&*target.password));
        // Over loopback, compressing and checking cost more than the bytes they save.
        return Ok(store::client(&target.url, user, password, database)
            .with_compression(clickhouse::Compression::None));
    }
    let password = server_password(config)?;
    let url = config.clickhouse.url.as_deref().unwrap_or_default();
    Ok(store::client(
        url,
        config.clickhouse.user.as_deref(),
        password.as_deref().map(str::trim),
        database,
    ))
}

/// What the password file of a ClickHouse server holds.
///
/// # Errors
/// The file can't be read.
pub(crate) fn server_password(config: &Config) -> anyhow::Result<Option<String>> {
    config
        .clickhouse
        .password_file
        .as_ref()
        .map(|path| {
            std::fs::read_to_string(path)
                .with_context(|| format!("cannot read clickhouse.password_file {}", path.display()))
        })
        .transpose()
}

/// Migrates as soon as ClickHouse answers, then stores what the spool holds for ever.
async fn prepare(app: Arc<App>, client: Client, flushers: Arc<Flushers>, addresses: Addresses) {
    let mut wait = Duration::from_millis(50);
    let migrating = Episode::new();
    let (database, tables) = (
        &app.config.clickhouse.database,
        app.config.clickhouse.tables,
    );
    loop {
        match store::migrate::migrate(&client, database, tables).await {
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
    if app.config.clickhouse.url.is_none()
        && let Err(error) = store::merges::rarely(&client).await
    {
        tracing::warn!(%error, "could not change the engine's merge settings; it merges more often than necessary");
    }
    let recovered = recover::from_clickhouse(
        &client,
        &app.config,
        app.pipeline.visits(),
        app.pipeline.seen(),
        Timestamp::now(),
    );
    if let Err(error) = recovered.await {
        tracing::warn!(%error, "open visits can't be restored; visits that continue are counted as new");
    }
    let known = recover::known_values(&client, &app.config, &app.pipeline, Timestamp::now());
    if let Err(error) = known.await {
        tracing::warn!(%error, "yesterday's known values can't be restored; they count as new values");
    }
    let stats = StatsService::new(
        client.clone(),
        app.config.sites.clone(),
        QueryLimits::default(),
    );
    let floors = app.config.floors;
    let _ = app.stats.set(stats.with_floors(floors));
    for site in app.config.sites.iter() {
        if let Err(error) = crate::api::goals::refresh(&app, &site.id).await {
            tracing::error!(%error, site = site.id, "the site's goals can't be read; questions about them are refused");
        }
    }
    if let Err(error) = store::floors::set_for_analysts(&client, floors.analysts).await {
        tracing::error!(%error, "the floor of the analysts' view can't be set; the previous one stays in force");
    }
    app.readiness.set(Reports::Ready);
    addresses.print(app.has_demo);
    tokio::join!(
        app.eraser
            .run(&client, database, &app.spool, app.pipeline.visits()),
        crate::rollup::job::keep(
            client.clone(),
            app.config.sites.clone(),
            // What is to be erased is counted nowhere.
            |site| app.eraser.waits(site),
        ),
        store::insert::run(app.spool.clone(), client.clone(), app.counters.clone()),
        store::outcomes::run(
            &flushers.outcomes,
            &client,
            &app.config.sites,
            &app.counters
        ),
        store::faulty_networks::run(client.clone(), app.pipeline.faults().clone()),
        store::email_opens::run(
            &flushers.mail_opens,
            &client,
            &app.config.sites,
            app.pipeline.opens()
        ),
        send_letters(&app),
        async {
            // On a ClickHouse server merging is its administrator's to say.
            if app.config.clickhouse.url.is_none() {
                store::merges::keep(&client, database).await;
            }
        },
        store::retention::keep(
            client.clone(),
            Arc::new(store::retention::Rules::of(&app.config)),
            &app.spool,
        ),
    );
}

/// Writes to whoever subscribed, where there is a mail server.
async fn send_letters(app: &App) {
    if let (Some(mail), Some(stats)) = (&app.config.mail, app.stats.get()) {
        let post = Post {
            control: app.control.clone(),
            stats: stats.clone(),
            mail: mail.clone(),
            sites: app.config.sites.clone(),
            wake: app.wake_email.clone(),
        };
        post.run().await;
    }
}

/// What the clock asks for: salts, silent visits, and whether ClickHouse still answers.
async fn look_after(app: Arc<App>, client: Client) {
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

/// Takes the signals whose default is to end the process, and logs what they do here: nothing.
/// systemd counts an end by SIGHUP as a clean one, and a terminal that closes sends it.
fn outlive_other_signals() -> anyhow::Result<()> {
    let others = [
        ("SIGHUP", SignalKind::hangup()),
        ("SIGUSR1", SignalKind::user_defined1()),
        ("SIGUSR2", SignalKind::user_defined2()),
    ];
    for (name, kind) in others {
        let mut received = signal(kind).context("signals can't be waited for")?;
        tokio::spawn(async move {
            while received.recv().await.is_some() {
                tracing::warn!(
                    "{name} is ignored: the configuration is read at the start only; restart the collector to apply changes"
                );
            }
        });
    }
    Ok(())
}

/// Lets this process open as many files as the system allows it, since a connection is one.
fn raise_files_max(connections_max: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files_max = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit on open files can't be raised");
            limit.current
        }
    };
    // None is no limit.
    if let Some(files_max) = files_max
        && files_max < connections_max as u64 + FILES_BESIDES
    {
        tracing::warn!(
            files_max,
            connections_max,
            "the limit on open files is lower than limits.connections_max; raise it (LimitNOFILE, ulimit -n) or lower limits.connections_max"
        );
    }
}

/// Says that the disk is full where that is why the start failed: SQLite says no more than that
/// reading or writing failed.
fn explain_full_disk(folder: &std::path::Path, error: anyhow::Error) -> anyhow::Error {
    let free_bytes =
        rustix::fs::statvfs(folder).map(|space| space.f_bavail.saturating_mul(space.f_frsize));
    match free_bytes {
        Ok(free_bytes) if free_bytes < START_BYTES => error.context(format!(
            "the disk of {} is full: {free_bytes} bytes are free, and a start needs about {START_BYTES}; make room and start again",
            folder.display()
        )),
        _ => error,
    }
}
