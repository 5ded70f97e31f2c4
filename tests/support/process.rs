//! Processes: signals, memory, and waiting for a condition.

use std::process::Command;
use std::time::{Duration, Instant};

/// Time limit for a start, or for any condition, on a busy machine.
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

/// Retries until the attempt succeeds or [`PATIENCE`] has passed. Returns the last result.
pub fn wait_for<T, E>(mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            last => return last,
        }
    }
}

/// A number of `/proc/PID/status`, in bytes.
pub fn memory_bytes(process: u32, figure: &str) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .expect("the line with this number");
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
