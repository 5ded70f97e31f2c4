//! Supervisor in the parent process: starts `sillage engine`, restarts it, stops it.
//!
//! The child keeps its port and secrets over restarts, so a client only has to retry. The child's
//! standard input is a pipe from this process: when this process ends for any reason, the pipe
//! closes and the child exits. The secrets go through that pipe and never through arguments or the
//! environment, which other users could read.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

use super::access::COLLECTOR_USER;
use super::credential;
use super::error::EngineError;
use super::library::find_library;
use super::parent_pipe::{LINE_PREFIX, WARNING_PREFIX};
use super::target::{DISPLAY_NAME, Target};

/// How long a start may take; bounds a large data folder on a slow disk.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long a predecessor may answer on the port while it shuts down.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(8);
/// Health check of the child: interval, timeout, and failures in a row before a restart.
const PING_EVERY: Duration = Duration::from_secs(2);
const PING_PATIENCE: Duration = Duration::from_secs(5);
const PING_FAILURES_MAX: u32 = 3;
/// Wait before a restart: doubles from minimum to maximum, starts over after a healthy minute.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// How long a child may take to stop; it gives its statements 2 s to finish and 3 s to be killed.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Id of the engine's user and group if the collector is root: systemd leaves it unused, and no
/// other program has it.
pub const USER_DEFAULT: u32 = 60_800;

/// Options of the supervisor.
#[derive(Clone)]
pub struct SupervisorOptions {
    /// Loopback; port 0 picks a free port, which stays the same over restarts.
    pub listen: SocketAddr,
    /// The engine's own folder.
    pub data: PathBuf,
    /// `libchdb.so`; `None` searches for it.
    pub library: Option<PathBuf>,
    /// The `sillage` binary; `None` is the running one.
    pub binary: Option<PathBuf>,
    /// The readers' password; `None` refuses every reader.
    pub reader_token: Option<String>,
    /// The database of a request that names none.
    pub database: String,
    /// Id of the user and group that the engine runs as if this process is root.
    pub user: u32,
    /// Answers readers even if the system can't fence the engine.
    pub readers_without_fence: bool,
}

impl SupervisorOptions {
    /// An engine in this folder, on a free port, for the collector only.
    pub fn new(data: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data,
            library: None,
            binary: None,
            reader_token: None,
            database: "sillage".to_owned(),
            user: USER_DEFAULT,
            readers_without_fence: false,
        }
    }
}

/// A running, supervised engine. Dropping it kills the child without waiting.
#[derive(Debug)]
pub struct Supervisor {
    target: Target,
    address: SocketAddr,
    process_id: Arc<AtomicU32>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

/// Starts the engine and waits until it answers.
///
/// # Errors
/// No library, another program on the port, an unusable data folder, or an error of the child.
pub async fn start(options: SupervisorOptions) -> Result<Supervisor, EngineError> {
    let library = find_library(options.library.as_deref())?;
    let binary = match options.binary {
        Some(binary) => binary,
        None => std::env::current_exe().map_err(EngineError::Spawn)?,
    };
    let address = free_address(options.listen).await?;
    let launch = Launch {
        binary,
        library,
        data: options.data,
        address,
        secret: credential::new_token().map_err(EngineError::Spawn)?,
        reader_token: options.reader_token,
        database: options.database,
        user: options.user,
        readers_without_fence: options.readers_without_fence,
    };
    let target = Target {
        url: format!("http://{address}"),
        user: COLLECTOR_USER.to_owned(),
        password: launch.secret.clone(),
    };
    let engine = launch.start().await?;
    let process_id = Arc::new(AtomicU32::new(engine.process_id()));
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(keep_running(
        launch,
        engine,
        Arc::clone(&process_id),
        stopped,
    ));
    Ok(Supervisor {
        target,
        address,
        process_id,
        stop,
        task,
    })
}

impl Supervisor {
    /// Address and credentials of the engine for the collector.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The address the engine listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The child's process id; 0 while no child runs.
    pub fn process_id(&self) -> u32 {
        self.process_id.load(Ordering::Relaxed)
    }

    /// Stops the engine with SIGTERM; kills it after 10 s.
    pub async fn stop(self) {
        // Fails only if the task has ended, and with it the child.
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the engine's supervisor ended unexpectedly; the engine may be killed without a clean stop");
        }
    }
}

/// Everything needed to start another child with the same port and secrets.
struct Launch {
    binary: PathBuf,
    library: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    secret: String,
    reader_token: Option<String>,
    database: String,
    user: u32,
    readers_without_fence: bool,
}

/// A running child that answers queries.
struct RunningEngine {
    child: Child,
    /// Kept open while the child should run.
    input: Option<ChildStdin>,
}

impl RunningEngine {
    fn process_id(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    async fn stop(mut self) {
        // SIGTERM first: unlike the end of standard input, it lets running statements finish.
        if let Some(process) = self
            .child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?))
        {
            // Fails only if the child has ended already.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        let ended = tokio::time::timeout(STOP_PATIENCE, self.child.wait()).await;
        drop(self.input.take());
        match ended {
            Ok(Ok(status)) => tracing::debug!(%status, "the engine has stopped"),
            Ok(Err(error)) => tracing::warn!(%error, "could not wait for the engine to end"),
            Err(_) => {
                tracing::warn!(
                    "the engine did not stop in {} s and is killed",
                    STOP_PATIENCE.as_secs()
                );
                self.kill().await;
            }
        }
    }

    async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "the engine could not be killed");
        }
    }
}

impl Launch {
    async fn start(&self) -> Result<RunningEngine, EngineError> {
        let mut command = Command::new(&self.binary);
        command.arg("engine");
        if self.readers_without_fence {
            command.arg("--readers-without-fence");
        }
        let mut child = command
            .arg("--listen")
            .arg(self.address.to_string())
            .arg("--data")
            .arg(&self.data)
            .arg("--library")
            .arg(&self.library)
            .arg("--database")
            .arg(&self.database)
            .arg("--user")
            .arg(self.user.to_string())
            // The environment may hold cloud credentials, which the engine must not see.
            .env_clear()
            .envs(
                std::env::vars_os()
                    .filter(|(name, _)| name == "LD_LIBRARY_PATH" || name == "TMPDIR"),
            )
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal must reach the parent only, which stops the child after its last
            // INSERT.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(EngineError::Spawn)?;
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut input), Some(output), Some(errors)) = (input, output, errors) else {
            return Err(EngineError::DidNotStart("its pipes are missing".to_owned()));
        };
        tokio::spawn(async move {
            let mut lines = BufReader::new(errors).lines();
            // Ends with the child.
            while let Ok(Some(line)) = lines.next_line().await {
                match line.strip_prefix(LINE_PREFIX) {
                    Some(line) => tracing::debug!(target: "sillage::engine", "{line}"),
                    None => {
                        tracing::debug!(target: "sillage::engine", bytes = line.len(), "the library wrote a line")
                    }
                }
            }
        });
        let readers = self.reader_token.as_deref().unwrap_or_default();
        // If the child has ended already, its last line says why.
        let _ = input
            .write_all(format!("{}\n{readers}\n", self.secret).as_bytes())
            .await;
        let mut lines = BufReader::new(output).lines();
        let deadline = tokio::time::Instant::now() + START_PATIENCE;
        let first = loop {
            let line = tokio::time::timeout_at(deadline, lines.next_line()).await;
            match &line {
                Ok(Ok(Some(text))) => match text.strip_prefix(WARNING_PREFIX) {
                    Some(warning) => tracing::warn!("{warning}"),
                    None => break line,
                },
                Ok(_) | Err(_) => break line,
            }
        };
        match first {
            Ok(Ok(Some(line))) if line == "ready" => Ok(RunningEngine {
                child,
                input: Some(input),
            }),
            Ok(Ok(Some(line))) => Err(EngineError::DidNotStart(
                line.strip_prefix("error ").unwrap_or(&line).to_owned(),
            )),
            Ok(_) => {
                let status = child.wait().await.map_err(EngineError::Spawn)?;
                Err(EngineError::DidNotStart(format!(
                    "it ended with {status} before it answered"
                )))
            }
            Err(_) => Err(EngineError::DidNotStart(format!(
                "it did not answer within {} s; check whether the disk is slow or full",
                START_PATIENCE.as_secs()
            ))),
        }
    }
}

/// Watches the child and restarts it when it ends or stops answering, until asked to stop.
async fn keep_running(
    launch: Launch,
    first: RunningEngine,
    process_id: Arc<AtomicU32>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut engine = Some(first);
    let mut backoff = BACKOFF_MIN;
    loop {
        if let Some(mut running) = engine.take() {
            process_id.store(running.process_id(), Ordering::Relaxed);
            let begun = Instant::now();
            let reason = tokio::select! {
                // A dropped supervisor drops the sender, which means stop as well.
                _ = stopped.changed() => return running.stop().await,
                status = running.child.wait() => match status {
                    Ok(status) => status.to_string(),
                    Err(error) => error.to_string(),
                },
                () = until_unhealthy(launch.address) => "it does not answer".to_owned(),
            };
            process_id.store(0, Ordering::Relaxed);
            running.kill().await;
            if begun.elapsed() >= HEALTHY_AFTER {
                backoff = BACKOFF_MIN;
            }
            tracing::error!(%reason, "the embedded engine ended; restarting it in {} ms", backoff.as_millis());
        }
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
        let started = tokio::select! {
            // Dropping the half-started child kills it.
            _ = stopped.changed() => return,
            started = launch.start() => started,
        };
        match started {
            Ok(running) => {
                tracing::info!("the embedded engine answers again");
                engine = Some(running);
            }
            Err(error) => tracing::error!(%error, "the embedded engine could not be started again"),
        }
    }
}

async fn until_unhealthy(address: SocketAddr) {
    let mut failures = 0;
    while failures < PING_FAILURES_MAX {
        tokio::time::sleep(PING_EVERY).await;
        failures = if is_ours(address).await {
            0
        } else {
            failures + 1
        };
    }
}

/// Whether an engine of this program answers at the address.
async fn is_ours(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /ping HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    match tokio::time::timeout(PING_PATIENCE, ask).await {
        Ok(Ok(answer)) => answer
            .windows(DISPLAY_NAME.len())
            .any(|window| window == DISPLAY_NAME.as_bytes()),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// The address to listen on, checked to be free. Waits for an earlier engine of this program to
/// exit. Any other program on the port is an error at once, before it could receive the secret.
async fn free_address(wanted: SocketAddr) -> Result<SocketAddr, EngineError> {
    if !wanted.ip().is_loopback() {
        return Err(EngineError::NotLoopback(wanted));
    }
    let begun = Instant::now();
    loop {
        match TcpListener::bind(wanted)
            .await
            .and_then(|listener| listener.local_addr())
        {
            Ok(address) => return Ok(address),
            Err(source) if source.kind() != std::io::ErrorKind::AddrInUse => {
                return Err(EngineError::Listen {
                    address: wanted,
                    source,
                });
            }
            Err(_) if begun.elapsed() > PREDECESSOR_PATIENCE || !is_ours(wanted).await => {
                // The port may have become free between the two checks.
                return match TcpListener::bind(wanted).await {
                    Ok(_) => Ok(wanted),
                    Err(_) => Err(EngineError::PortInUse(wanted)),
                };
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
