//! Processes: signals, memory, and waiting for what they do.

use std::process::Command;
use std::time::{Duration, Instant};

/// How long a start, or anything that is waited for, may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "signal {name} to {process}"
    );
}

/// Tries again until the attempt succeeds or [`PATIENCE`] ends; returns the last result.
pub fn wait_for<T, E>(mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            last => return last,
        }
    }
}

/// A figure of `/proc/PID/status`, in bytes.
pub fn memory_bytes(process: u32, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .expect("a line of memory");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("KiB")
        * 1024
}

/// Resident memory of a process in bytes.
pub fn resident_bytes(process: u32) -> u64 {
    memory_bytes(process, "VmRSS:")
}
