//! The embedded ClickHouse: libchdb behind ClickHouse's HTTP interface, in a child process.
//!
//! Why a child: the library is half a gigabyte of C++ that shares its process's memory, signals and
//! end. In a process of its own a crash of it costs a restart of about a second and no beacon, and
//! the collector stays small. Why HTTP: the collector has one ClickHouse client whatever is behind
//! it, and engineers use the clients they have.
//!
//! Parent side: [`supervise`]. Child side, in the order of a request: `serve` ▶ `request` ▶
//! `upload`, `compress` ▶ `statement` ▶ `limits` ▶ `execute` ▶ `libchdb` ▶ `formats` ▶ `answer`;
//! `fault` is what goes wrong on the way, `home` the data folder, `fence` what the process can
//! reach.
//!
//! # What of ClickHouse's HTTP interface is served
//! - `/ping`; `/` by GET (reads only) and POST; the statement in `?query=`, in the body, or begun
//!   in the one and continued in the other; `multipart/form-data` with `query` and `param_…`
//!   fields.
//! - `INSERT` with rows in every input format, inline or streamed; rows behind `VALUES` or
//!   `FORMAT`.
//! - `database`, `default_format`, `query_id`, `param_…`, every other argument as a setting of this
//!   request alone.
//! - Results in every output format; rows are streamed, documents (`JSON`, `Parquet`, `Pretty` …)
//!   come whole, up to 64 MiB before formatting.
//! - `compress=1` and `decompress=1` in ClickHouse's framing, LZ4 or none.
//! - Credentials by `X-ClickHouse-User`/`-Key`, Basic, or `user`/`password` in the URL.
//! - `X-ClickHouse-Query-Id`, `-Format`, `-Summary`, `-Exception-Code`, `-Exception-Tag`,
//!   `-Timezone`, `-Server-Display-Name`; the engine's own error text with a fitting status; an
//!   exception after the result has begun is written at its end between `__exception__` marks, and
//!   the connection breaks off.
//!
//! Requests must name this machine (`Host: 127.0.0.1`, `localhost`), so that no web page can read
//! by DNS rebinding.
//!
//! Not served: sessions, roles, quotas, external tables, `INTO OUTFILE`, compression of the HTTP
//! body (`enable_http_compression` is ignored; on loopback it costs more than it saves), TLS. The
//! `query_id` is sent back but not the engine's own, and `log_comment` is the engine's.
//!
//! # Who may what
//! [`COLLECTOR_USER`] with the secret that the parent makes may do everything. The user `default`
//! with the readers' token ([`credential`]) reads, with limits, under `readonly=1` and what
//! `execute` adds to it. Nobody else does anything. Requests that a browser marks as coming from
//! another page are refused, with the token too.

mod answer;
mod compress;
pub mod credential;
mod execute;
mod fault;
mod fence;
mod formats;
mod home;
mod libchdb;
mod limits;
mod request;
mod serve;
mod statement;
pub mod supervise;
mod upload;

use std::convert::Infallible;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

/// The collector's user; its password is the secret.
pub const COLLECTOR_USER: &str = "sillage";
/// Open connections of the child.
const CONNECTIONS_MAX: usize = 256;
/// Threads for statements and for stopping them.
const BLOCKING_THREADS_MAX: usize =
    serve::COLLECTOR_STATEMENTS_MAX + serve::READER_STATEMENTS_MAX + 24;
/// How long running statements may go on after the child was asked to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// How long statements that were told to stop may take to do so.
const KILL_PATIENCE: Duration = Duration::from_secs(3);
/// How long a predecessor may still hold the port.
const BIND_PATIENCE: Duration = Duration::from_secs(5);

/// Where a ClickHouse is and how to speak to it: the embedded engine, or a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// E.g. `http://127.0.0.1:8123`.
    pub url: String,
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("url", &self.url)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What `sillage engine` is started with.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Loopback only.
    pub listen: SocketAddr,
    /// The engine's folder, its own; created 0700.
    pub data: PathBuf,
    /// `libchdb.so`; `None` looks where [`find_library`] says.
    pub library: Option<PathBuf>,
    /// The database of a request that names none; created if it is not there.
    pub database: String,
    /// Number of the user and group that the process becomes when it was started by root.
    pub user: Option<u32>,
    /// Answers readers although the fence could not be raised.
    pub readers_without_fence: bool,
    /// For the tests that show what fence and filter keep out, by leaving them away; debug builds
    /// only.
    #[cfg(debug_assertions)]
    pub without: Vec<Defence>,
    /// A file outside the engine's folder; what the process can do to it and to its parent is
    /// printed as a warning.
    #[cfg(debug_assertions)]
    pub reach: Option<PathBuf>,
}

/// What stands between a reader and the machine.
#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Defence {
    /// Around the process.
    Fence,
    /// In front of statements.
    Filter,
}

impl EngineOptions {
    fn raise_fence(&self, folder: &Path) -> Result<(), fence::FenceError> {
        #[cfg(debug_assertions)]
        if self.without.contains(&Defence::Fence) {
            return Err(fence::FenceError::Off);
        }
        fence::raise(folder)
    }

    fn has_filter(&self) -> bool {
        #[cfg(debug_assertions)]
        if self.without.contains(&Defence::Filter) {
            return false;
        }
        true
    }
}

/// Why there is no engine. Each text is a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the embedded engine's library is missing; run `make engine`, or name it with engine.library or --library (looked for {})", list(.looked_for))]
    LibraryMissing { looked_for: Vec<PathBuf> },
    #[error(transparent)]
    Library(#[from] libchdb::LibraryError),
    #[error(transparent)]
    Home(#[from] home::HomeError),
    #[error(
        "engine.listen = {0} is not a loopback address; the engine speaks HTTP without TLS, so use 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    #[error(
        "{0} is in use by another program; stop that one, or choose another port with engine.listen"
    )]
    PortInUse(SocketAddr),
    #[error(
        "the engine can't listen on {address} ({source}); choose another address with engine.listen"
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(
        "the engine was given no secret; `sillage serve` starts it, by hand write two lines to its standard input and keep that open: 32 or more characters for the collector, and the readers' token or nothing"
    )]
    SecretMissing,
    #[error(
        "the engine can't start a process or thread ({0}); see whether the system's limits are reached"
    )]
    Spawn(std::io::Error),
    #[error("the embedded engine did not start: {0}")]
    DidNotStart(String),
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The library: the one that is named, or the first there is beside the binary, in `vendor/` and in
/// `node_modules/` of the current folder and of the folders above the binary.
///
/// # Errors
/// [`EngineError::LibraryMissing`] with every place that was looked at.
pub fn find_library(named: Option<&Path>) -> Result<PathBuf, EngineError> {
    let looked_for = match named {
        Some(path) => vec![path.to_owned()],
        None => library_candidates(),
    };
    match looked_for.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(EngineError::LibraryMissing { looked_for }),
    }
}

fn library_candidates() -> Vec<PathBuf> {
    let binary = std::env::current_exe().unwrap_or_default();
    let packaged = format!("node_modules/@chdb/lib-{}/libchdb.so", platform());
    let mut candidates: Vec<PathBuf> = binary
        .parent()
        .map(|folder| folder.join("libchdb.so"))
        .into_iter()
        .collect();
    // `target/debug/sillage` lies two folders, its tests three folders below the one with
    // `node_modules`.
    for folder in [Path::new(".")]
        .into_iter()
        .chain(binary.ancestors().skip(1).take(4))
    {
        candidates.push(folder.join("vendor/libchdb.so"));
        candidates.push(folder.join(&packaged));
    }
    candidates
}

/// The npm package's name for this platform, e.g. `linux-x64-gnu`.
fn platform() -> String {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    match std::env::consts::OS {
        "macos" => format!("darwin-{machine}"),
        other => format!("{other}-{machine}-gnu"),
    }
}

/// Runs the child until its standard input ends or it is asked to stop by SIGTERM or SIGINT; then
/// ends the process with status 0.
///
/// The first line of standard input is the collector's secret, the second the readers' token. To
/// standard output go lines of `warning` and a sentence, then one line: `ready` once queries are
/// answered, or `error` and a sentence, which is also returned.
///
/// # Errors
/// Everything that keeps the engine from starting.
pub fn run(options: &EngineOptions) -> Result<Infallible, EngineError> {
    run_until_asked_to_stop(options)
        .inspect_err(|error| say(&format!("error {}", error.to_string().replace('\n', " "))))
}

fn run_until_asked_to_stop(options: &EngineOptions) -> Result<Infallible, EngineError> {
    if !options.listen.ip().is_loopback() {
        return Err(EngineError::NotLoopback(options.listen));
    }
    let library = find_library(options.library.as_deref())?;
    // A core dump would hold rows and query texts.
    let no_core = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if rustix::process::setrlimit(rustix::process::Resource::Core, no_core).is_err() {
        tell("core dumps could not be turned off");
    }
    let secrets = read_secrets()?;
    let listener = bind(options.listen)?;
    let home = home::Home::open(&options.data)?;
    // Loaded before the fence, so that it needs no right to read its own file and those it depends
    // on.
    let library = libchdb::Library::load(&library)?;
    if let Some(user) = options.user
        && let Err(error) = fence::leave_root(user, &home.folder)
    {
        warn(&format!(
            "the embedded engine stays root ({error}); start the collector as a user of its own, or set engine.user to a number this system lets root become"
        ));
    }
    // Before any thread: those that run already would stay outside.
    let has_fence = match options.raise_fence(&home.folder) {
        Ok(()) => true,
        Err(error) => {
            let readers = if options.readers_without_fence {
                "readers are answered all the same (engine.readers_without_fence)"
            } else {
                "readers are refused; engine.readers_without_fence = true answers them all the same"
            };
            warn(&format!(
                "the embedded engine runs without a fence ({error}): SQL of readers could reach files and networks; {readers}"
            ));
            false
        }
    };
    #[cfg(all(debug_assertions, target_os = "linux"))]
    if let Some(outside) = &options.reach {
        warn(&format!("can {}", fence::reach(outside).join(", ")));
    }
    let parent_gone = watch_parent()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("serving")
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build()
        .map_err(EngineError::Spawn)?;
    outlive_other_signals(&runtime).map_err(EngineError::Spawn)?;
    let engine = Arc::new(execute::Engine::start(
        library,
        &home.data,
        &home.config,
        &options.database,
        options.has_filter(),
    )?);
    // From here on the process must not end through the library's destructors.
    let served = runtime.block_on(serve_until_asked_to_stop(
        listener,
        serve::Service::new(
            Arc::clone(&engine),
            secrets,
            has_fence || options.readers_without_fence,
            options.listen,
        ),
        Arc::clone(&engine),
        parent_gone,
    ));
    match served {
        Ok(true) => {}
        Ok(false) => tell("a statement did not stop; leaving without its end"),
        Err(error) => {
            say(&format!(
                "error the engine can't listen ({error}); see whether the system's limits are reached"
            ));
            libchdb::leave(1);
        }
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    engine.stop();
    libchdb::leave(0)
}

/// Takes the signals that would end the process and ask for nothing here. `systemctl kill` sends a
/// signal to every process of the service, and the collector logs it. A handler stays when its
/// receiver is dropped.
fn outlive_other_signals(runtime: &tokio::runtime::Runtime) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let _inside = runtime.enter();
    for kind in [
        SignalKind::hangup(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
    ] {
        drop(signal(kind)?);
    }
    Ok(())
}

/// A line for the parent's log.
fn tell(line: &str) {
    eprintln!("{}{line}", supervise::LINE_PREFIX);
}

/// What the parent hands over on standard input.
struct Secrets {
    /// The collector's password.
    collector: String,
    /// The readers' password; `None`: nobody reads.
    readers: Option<String>,
}

/// Two lines of standard input.
fn read_secrets() -> Result<Secrets, EngineError> {
    let mut input = std::io::stdin().lock();
    let mut read_line = || {
        let mut line = String::new();
        input
            .read_line(&mut line)
            .map_err(|_| EngineError::SecretMissing)?;
        Ok::<_, EngineError>(line.trim().to_owned())
    };
    let (collector, readers) = (read_line()?, read_line()?);
    if collector.len() < 32 {
        return Err(EngineError::SecretMissing);
    }
    Ok(Secrets {
        collector,
        readers: Some(readers).filter(|token| !token.is_empty()),
    })
}

/// What becomes ready when standard input ends, which is when the parent is gone.
fn watch_parent() -> Result<oneshot::Receiver<()>, EngineError> {
    let (sender, receiver) = oneshot::channel();
    let watch = move || {
        // An error is an end, too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    };
    std::thread::Builder::new()
        .name("parent".into())
        .spawn(watch)
        .map_err(EngineError::Spawn)?;
    Ok(receiver)
}

/// A line for the parent's log that an operator should see.
fn warn(line: &str) {
    say(&format!(
        "{}{}",
        supervise::WARNING_PREFIX,
        line.replace('\n', " ")
    ));
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // A parent that doesn't listen any more is noticed by its pipe.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Listens, once a predecessor has left the port.
fn bind(address: SocketAddr) -> Result<std::net::TcpListener, EngineError> {
    let begun = Instant::now();
    loop {
        match std::net::TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(source) if source.kind() != std::io::ErrorKind::AddrInUse => {
                return Err(EngineError::Listen { address, source });
            }
            Err(_) if begun.elapsed() > BIND_PATIENCE => {
                return Err(EngineError::PortInUse(address));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Whether every statement has ended.
async fn serve_until_asked_to_stop(
    listener: std::net::TcpListener,
    service: serve::Service,
    engine: Arc<execute::Engine>,
    parent_gone: oneshot::Receiver<()>,
) -> std::io::Result<bool> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    say("ready");
    let service = Arc::new(service);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut connections = tokio::task::JoinSet::new();
    let mut asked_to_stop = std::pin::pin!(async {
        tokio::select! {
            _ = terminate.recv() => STOP_PATIENCE,
            _ = interrupt.recv() => STOP_PATIENCE,
            // Nobody is left to wait for an answer, and a successor may wait for the folder.
            _ = parent_gone => Duration::ZERO,
        }
    });
    let accept = async || {
        let place = Arc::clone(&places).acquire_owned().await;
        (listener.accept().await, place)
    };
    let patience = loop {
        tokio::select! {
            patience = &mut asked_to_stop => break patience,
            (accepted, place) = accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors, or a client that left at once; neither ends by
                    // hurrying.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                // Answers are written whole; waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                let service = Arc::clone(&service);
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(75))
                    .serve_connection(TokioIo::new(stream), hyper::service::service_fn(move |request| Arc::clone(&service).answer(request)));
                let connection = graceful.watch(connection);
                connections.spawn(async move {
                    // A connection that breaks is the client's loss and known to it.
                    let _ = connection.await;
                    drop(place);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    };
    drop(listener);
    let _ = tokio::time::timeout(patience, graceful.shutdown()).await;
    connections.abort_all();
    while connections.join_next().await.is_some() {}
    // Statements whose clients are gone with their connections are being stopped; this catches what
    // began just now.
    let kill = tokio::task::spawn_blocking(move || engine.kill(None));
    let idle = async {
        // A kill that could not run leaves its statements to the timeout.
        let _ = kill.await;
        service.idle().await;
    };
    Ok(tokio::time::timeout(KILL_PATIENCE, idle).await.is_ok())
}
