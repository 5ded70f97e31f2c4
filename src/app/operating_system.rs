//! Signals, the limit on open files, and free disk space.

use std::path::Path;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Free bytes that a start needs: the control database with its log and its index, a first segment,
/// some salts.
const START_BYTES: u64 = 256 << 10;

/// Open files in addition to the connections of visitors: segments, databases, the engine.
const OTHER_FILES: u64 = 256;

/// SIGTERM or SIGINT.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    /// Begins to listen for the signals.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot install the signal handlers");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for a signal.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ignores other signals that would end the process by default, and logs them. A terminal
/// that closes sends SIGHUP, and systemd treats an exit by SIGHUP as a clean one.
///
/// # Errors
/// The system refuses the handlers.
pub fn ignore_other_signals() -> anyhow::Result<()> {
    let others = [
        ("SIGHUP", SignalKind::hangup()),
        ("SIGUSR1", SignalKind::user_defined1()),
        ("SIGUSR2", SignalKind::user_defined2()),
    ];
    for (name, kind) in others {
        let mut received = signal(kind).context("cannot install the signal handlers")?;
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

/// Raises the limit on open files to the maximum: each connection is an open file.
pub fn raise_files_max(connections_max: usize) {
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
    // `None` means unlimited.
    if let Some(files_max) = files_max
        && files_max < connections_max as u64 + OTHER_FILES
    {
        tracing::warn!(
            files_max,
            connections_max,
            "the limit on open files is lower than limits.connections_max; raise it (LimitNOFILE, ulimit -n) or lower limits.connections_max"
        );
    }
}

/// Adds to the error of a failed start that the disk is full, if it is. SQLite only reports that a
/// read or a write failed.
pub fn explain_full_disk(folder: &Path, error: anyhow::Error) -> anyhow::Error {
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
