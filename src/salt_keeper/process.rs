//! Asks the operating system to keep this process's memory to itself: no core dumps, no reading by
//! other processes of the same user, no swap. Each is tried; what is refused is said once and the
//! collector runs on, because a container often may not.
//!
//! Swap: locking single pages is an `unsafe` call, which this crate does not make, so the whole
//! process is locked, each page as it is first touched. That is only done where the limit on locked
//! memory is lifted or can be: under a finite limit later allocations would fail.

use std::sync::Once;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Protects the process once; later calls do nothing.
pub(super) fn protect_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(errno) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
            tracing::warn!(%errno, "core dumps stay possible, and would hold the day's salts");
        }
        if let Err(errno) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%errno, "other processes of this user can read the day's salts from memory");
        }
        if let Err(errno) = lock_memory() {
            tracing::warn!(
                %errno,
                "memory may be swapped out with the day's salts; set LimitMEMLOCK=infinity, or run without swap"
            );
        }
    });
}

fn lock_memory() -> rustix::io::Result<()> {
    if getrlimit(Resource::Memlock).current.is_some() {
        setrlimit(
            Resource::Memlock,
            Rlimit {
                current: None,
                maximum: None,
            },
        )?;
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protected_process_dumps_no_core_and_locks_its_memory() {
        protect_memory();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        let behaviour = rustix::process::dumpable_behavior().expect("the kernel knows");
        assert_eq!(behaviour, DumpableBehavior::NotDumpable);
        let status = std::fs::read_to_string("/proc/self/status").expect("our own status");
        let locked = status
            .lines()
            .find_map(|line| line.strip_prefix("VmLck:"))
            .expect("a line");
        let is_locked = locked.trim() != "0 kB";
        assert_eq!(is_locked, getrlimit(Resource::Memlock).current.is_none());
    }
}
