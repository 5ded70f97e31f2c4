//! Who gets a processor first while all are taken: the spool's writer soon, the embedded engine after those who are at it,
//! its merges last.
//!
//! No right is needed for it, and how nice a process was started stays as it is. Under `benches/load.sh` on two processors the
//! writer waited for one nearly as long as it then ran, while all connections waited for it; what the engine does took one, the
//! moment it woke, from whoever took beacons; and during a merge a third fewer were taken, though a seventh of both
//! processors was idle the rest of the time. Other systems than Linux have no such words; kernels before 6.12 don't know slices
//! (sched(7), sched_setattr(2), the kernel's `Documentation/scheduler/sched-eevdf.rst`).
//!
//! The second file of the crate that may say `unsafe`: for one system call that no library here wraps.
#![allow(unsafe_code)]

use std::io;

/// The shortest slice that Linux gives, nanoseconds.
#[cfg(target_os = "linux")]
const SHORTEST_NS: u64 = 100_000;

/// Has the calling thread run in short slices: it begins sooner when it is woken, and makes room sooner.
///
/// # Errors
/// The system refuses it; all else is as before.
pub fn soon() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        set(0, libc::SCHED_OTHER, SHORTEST_NS)
    }
    #[cfg(not(target_os = "linux"))]
    Ok(())
}

/// Has the calling thread, and every thread that it starts from now on, take a processor from nobody when they wake.
///
/// # Errors
/// The system refuses it; all else is as before.
pub fn behind() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        set(0, libc::SCHED_BATCH, 0)
    }
    #[cfg(not(target_os = "linux"))]
    Ok(())
}

/// Has those threads of this process that are called so run when nobody else wants to, for good. Says how many there are.
///
/// # Errors
/// The system refuses it for one of them; the others may have been changed.
#[cfg(target_os = "linux")]
pub fn last(name: &str) -> io::Result<usize> {
    let mut count = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let thread = thread?;
        // One that has just ended has no name, or is not there, any more.
        let called = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        if called.trim_end() == name
            && let Some(id) = thread.file_name().to_str().and_then(|id| id.parse().ok())
        {
            match set(id, libc::SCHED_IDLE, 0) {
                Ok(()) => count += 1,
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(count)
}

/// Sets policy and slice (0 = the usual one) of a thread, 0 being the calling one, and leaves it as nice as it is.
#[cfg(target_os = "linux")]
fn set(thread: libc::pid_t, policy: libc::c_int, slice_ns: u64) -> io::Result<()> {
    const SIZE: u32 = size_of::<libc::sched_attr>() as u32;
    let nice = rustix::process::getpriority_process(rustix::process::Pid::from_raw(thread))?;
    let attributes = libc::sched_attr {
        size: SIZE,
        sched_policy: policy.unsigned_abs(),
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: slice_ns,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel reads `SIZE` bytes from a structure that lives until the call is over, and keeps no pointer.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, thread, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The scheduling policy of the calling thread (proc(5), field 41 of `stat`).
    fn policy() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux tells it");
        let (_, behind_name) = stat.rsplit_once(')').expect("a name");
        let policy = behind_name.split_whitespace().nth(41 - 3);
        policy.expect("field 41").parse().expect("a number")
    }

    /// The slice of the calling thread; `None` where this kernel does not tell it.
    fn slice_ns() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/thread-self/sched").ok()?;
        let line = text.lines().find(|line| line.starts_with("se.slice"))?;
        line.rsplit(':').next()?.trim().parse().ok()
    }

    /// On a thread of its own, since the tests' threads are used again.
    fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(work).join().expect("no panic")
    }

    #[test]
    fn a_thread_that_is_to_run_soon_has_short_slices() {
        let usual = slice_ns();
        let now = apart(|| soon().map(|()| (policy(), slice_ns())));
        let (policy, slice) = now.expect("it is allowed");
        assert_eq!(policy, libc::SCHED_OTHER);
        assert_eq!(slice, usual.map(|_| SHORTEST_NS));
    }

    #[test]
    fn what_a_thread_that_is_behind_starts_is_behind_as_well() {
        let inherited = apart(|| behind().map(|()| apart(policy)));
        assert_eq!(inherited.expect("it is allowed"), libc::SCHED_BATCH);
    }

    #[test]
    fn how_nice_somebody_was_started_stays_as_it_is() {
        for set in [soon, behind] {
            let nice = apart(move || {
                // Of this thread alone, on Linux.
                rustix::process::nice(7)?;
                set()?;
                io::Result::Ok(rustix::process::getpriority_process(None)?)
            });
            assert_eq!(nice.expect("it is allowed"), 7);
        }
    }

    #[test]
    fn threads_of_a_name_are_last_and_no_others() {
        let named = std::thread::Builder::new().name("is last".into());
        let named = named.spawn(|| last("is last").map(|count| (count, policy())));
        let (count, own) = named
            .expect("a thread")
            .join()
            .expect("no panic")
            .expect("it is allowed");
        assert_eq!((count, own), (1, libc::SCHED_IDLE));
        assert_eq!(last("no thread is called so").expect("it is allowed"), 0);
        assert_eq!(policy(), libc::SCHED_OTHER);
    }
}
