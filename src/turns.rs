//! Who gets a processor first while all are taken: the spool's writer soon, the embedded engine
//! after those who are at it, its merges last and so, while nobody asks it anything, what it stores
//! (`engine/courtesy.rs`).
//!
//! How nice a process was started stays as it is, and no right is needed but for one thing: to be
//! last no more ([`may_return`]). Under `benches/load.sh` on two processors the writer waited for
//! one nearly as long as it then ran, while all connections waited for it; what the engine does
//! took one, the moment it woke, from whoever took beacons; and during a merge a third fewer were
//! taken, though a seventh of both processors was idle the rest of the time. Other systems than
//! Linux have no such words; kernels before 6.12 don't know slices (sched(7),
//! sched_setscheduler(2), sched_setattr(2), the kernel's
//! `Documentation/scheduler/sched-eevdf.rst`).
//!
//! The second file of the crate that may say `unsafe`: for two system calls that no library here
//! wraps.
#![allow(unsafe_code)]

use std::io;

/// The shortest slice that Linux gives, nanoseconds.
#[cfg(target_os = "linux")]
const SHORTEST_NS: u64 = 100_000;

/// Has the calling thread run in short slices: it begins sooner when it is woken, and makes room
/// sooner.
///
/// # Errors
/// The system refuses it; all else is as before.
pub fn soon() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        set_slice(SHORTEST_NS)
    }
    #[cfg(not(target_os = "linux"))]
    Ok(())
}

/// Has the calling thread, and every thread that it starts from now on, take a processor from
/// nobody when they wake.
///
/// # Errors
/// The system refuses it; all else is as before.
pub fn behind() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        set_policy(0, libc::SCHED_BATCH)
    }
    #[cfg(not(target_os = "linux"))]
    Ok(())
}

/// How far back a thread stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// As [`behind`] has it.
    Behind,
    /// It runs when nobody else wants to.
    Last,
}

/// Has those threads of this process whose name is asked for stand there. Says how many there are.
///
/// # Errors
/// The system refuses it for one of them; the others may have been changed. It always lets a thread
/// be last, and no more be last where [`may_return`].
#[cfg_attr(not(target_os = "linux"), expect(unused_variables))]
pub fn give(turn: Turn, is_meant: impl Fn(&str) -> bool) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    {
        give_policy(turn, is_meant)
    }
    #[cfg(not(target_os = "linux"))]
    Ok(0)
}

#[cfg(target_os = "linux")]
fn give_policy(turn: Turn, is_meant: impl Fn(&str) -> bool) -> io::Result<usize> {
    let policy = match turn {
        Turn::Behind => libc::SCHED_BATCH,
        Turn::Last => libc::SCHED_IDLE,
    };
    let mut count = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let thread = thread?;
        // One that has just ended has no name, or is not there, any more.
        let Ok(name) = std::fs::read_to_string(thread.path().join("comm")) else {
            continue;
        };
        if is_meant(name.trim_end())
            && let Some(id) = thread.file_name().to_str().and_then(|id| id.parse().ok())
        {
            match set_policy(id, policy) {
                Ok(()) => count += 1,
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(count)
}

/// Whether a thread of this process that is [`Turn::Last`] may be something else again: not
/// everybody's right, but of those whom `RLIMIT_NICE` (getrlimit(2)) lets be as nice as they are.
/// Raises that limit as far as it goes.
pub fn may_return() -> bool {
    #[cfg(target_os = "linux")]
    {
        comes_back()
    }
    #[cfg(not(target_os = "linux"))]
    false
}

#[cfg(target_os = "linux")]
fn comes_back() -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nice);
    let highest = Rlimit {
        current: maximum,
        maximum,
    };
    // Where this is refused the limit is what it was, and what follows is the answer all the same.
    let _ = setrlimit(Resource::Nice, highest);
    // On a thread of its own, which would stay as it is where there is no way back.
    let there_and_back =
        || set_policy(0, libc::SCHED_IDLE).and_then(|()| set_policy(0, libc::SCHED_BATCH));
    let tried = std::thread::Builder::new().spawn(there_and_back);
    tried.is_ok_and(|tried| tried.join().is_ok_and(|done| done.is_ok()))
}

/// Sets the policy of a thread, 0 being the calling one, and leaves it as nice as it is.
#[cfg(target_os = "linux")]
fn set_policy(thread: libc::pid_t, policy: libc::c_int) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    let set = libc::SYS_sched_setscheduler;
    // SAFETY: the kernel reads the structure, which lives until the call is over, and keeps no
    // pointer.
    match unsafe { libc::syscall(set, thread, policy, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sets the slice of the calling thread, and leaves it as nice as it is.
#[cfg(target_os = "linux")]
fn set_slice(slice_ns: u64) -> io::Result<()> {
    const SIZE: u32 = size_of::<libc::sched_attr>() as u32;
    let attributes = libc::sched_attr {
        size: SIZE,
        sched_policy: libc::SCHED_OTHER.unsigned_abs(),
        sched_flags: 0,
        sched_nice: rustix::process::getpriority_process(None)?,
        sched_priority: 0,
        sched_runtime: slice_ns,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel reads `SIZE` bytes from a structure that lives until the call is over, and
    // keeps no pointer.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
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
        let named = named.spawn(|| {
            let is_own = |name: &str| name == "is last";
            let count = give(Turn::Last, is_own)?;
            let last = policy();
            let back = give(Turn::Behind, is_own).map(|_| policy()).ok();
            io::Result::Ok((count, last, back))
        });
        let told = named.expect("a thread").join().expect("no panic");
        let (count, last, back) = told.expect("it is allowed");
        assert_eq!((count, last), (1, libc::SCHED_IDLE));
        assert_eq!(back, may_return().then_some(libc::SCHED_BATCH));
        let none = give(Turn::Last, |name| name == "no thread is called so");
        assert_eq!(none.expect("it is allowed"), 0);
        assert_eq!(policy(), libc::SCHED_OTHER);
    }
}
