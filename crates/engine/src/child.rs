//! The child process from start to end: data folder, library, user and fence in this order, then
//! the service until the process is asked to stop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::EngineError;
use super::execute::Engine;
use super::fence;
use super::home::Home;
use super::libchdb::{self, Library};
use super::library::find_library;
use super::listener::{bind, serve_until_asked_to_stop};
use super::parent_pipe::{read_secrets, say, tell, warn, watch_parent};
use super::serve::{COLLECTOR_STATEMENTS_MAX, READER_STATEMENTS_MAX, Service};

/// Threads for statements and for stopping them.
const BLOCKING_THREADS_MAX: usize = COLLECTOR_STATEMENTS_MAX + READER_STATEMENTS_MAX + 24;
/// Arguments of `sillage engine`.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Where to listen; loopback only.
    pub listen: SocketAddr,
    /// The engine's own folder; created with mode 0700.
    pub data: PathBuf,
    /// `libchdb.so`; `None` searches the places of [`find_library`].
    pub library: Option<PathBuf>,
    /// The database of a request that names none; created if it does not exist.
    pub database: String,
    /// Id of the user and group that the process switches to when root starts it.
    pub user: Option<u32>,
    /// Answers readers even if the fence could not be raised.
    pub readers_without_fence: bool,
    /// Switches defences off, for the tests that show what they prevent; debug builds only.
    #[cfg(debug_assertions)]
    pub without: Vec<Defence>,
    /// A file outside the engine's folder. A warning lists what the process can do to it and to its
    /// parent process.
    #[cfg(debug_assertions)]
    pub reach: Option<PathBuf>,
}

/// Defences between a reader's SQL and the machine.
#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Defence {
    /// The sandbox around the process.
    Fence,
    /// The filter in front of statements.
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

/// Runs the child until its standard input ends or it receives SIGTERM or SIGINT, then ends the
/// process with status 0.
///
/// The first line of standard input is the collector's secret, the second the readers' token.
/// Standard output gets lines of `warning` and a sentence, then one line: `ready` once queries are
/// answered, or `error` and a sentence, which is also returned.
///
/// # Errors
/// The engine can't start.
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
        tell("could not turn core dumps off; they would hold rows and query texts");
    }
    let secrets = read_secrets()?;
    let listener = bind(options.listen)?;
    let home = Home::open(&options.data)?;
    // Loaded before the fence is raised, so that the fence does not have to allow the library's
    // file and its dependencies.
    let library = Library::load(&library)?;
    if let Some(user) = options.user
        && let Err(error) = fence::leave_root(user, &home.folder)
    {
        warn(&format!(
            "the embedded engine stays root ({error}); start the collector as a user of its own, or set engine.user to the id of a user that root may switch to here"
        ));
    }
    // Before any thread starts: running threads would stay outside the fence.
    let has_fence = match options.raise_fence(&home.folder) {
        Ok(()) => true,
        Err(error) => {
            let readers = if options.readers_without_fence {
                "readers are answered anyway, because engine.readers_without_fence is set"
            } else {
                "readers are refused; to answer them anyway, set engine.readers_without_fence = true"
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
    ignore_other_signals(&runtime).map_err(EngineError::Spawn)?;
    let engine = Arc::new(Engine::start(
        library,
        &home.data,
        &home.config,
        &options.database,
        options.has_filter(),
    )?);
    // From here on the process must not end through the library's destructors.
    let served = runtime.block_on(serve_until_asked_to_stop(
        listener,
        Service::new(
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
        Ok(false) => {
            tell("a statement did not stop in time; the process ends without waiting for it")
        }
        Err(error) => {
            say(&format!(
                "error the engine can't listen ({error}); check the system's limits"
            ));
            libchdb::leave(1);
        }
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    engine.stop();
    libchdb::leave(0)
}

/// Ignores signals that would end the process and have no meaning here: `systemctl kill` sends a
/// signal to every process of the service, and the collector logs it. A handler stays installed
/// when its receiver is dropped.
fn ignore_other_signals(runtime: &tokio::runtime::Runtime) -> std::io::Result<()> {
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
