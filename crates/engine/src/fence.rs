//! The sandbox of the engine's process: it reaches its own folder, and no network beyond the
//! connections it accepted.
//!
//! The second line of defence after the statement filter. It also holds when a new version of the
//! library brings a function that the filter does not know. [`raise`] is called
//! once, after the library is loaded and before any thread is started, because Landlock restricts
//! the calling thread and what that thread starts. [`leave_root`], which gives up root, comes
//! before it, because the fence forbids changes of owners. This process can undo neither.
//!
//! Files (Landlock): the engine's folder, without execution; read-only, what the library
//! reads about processors, memory and this process's threads. Programs and networks
//! (seccomp): no `execve`, no new process, no new socket, no `connect`, no datagram with an
//! address, nothing that bypasses Landlock, such as io_uring. Landlock lets a process change modes,
//! owners and attributes of its user's files, watch any folder and share memory with other
//! processes, so those calls are refused as well.

use std::path::Path;

/// Why the process is not fenced.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    #[cfg(target_os = "linux")]
    #[error("Landlock of Linux 5.19 or newer is missing: {0}")]
    Landlock(#[from] landlock::RulesetError),
    #[cfg(target_os = "linux")]
    #[error("{0}")]
    Path(#[from] landlock::PathFdError),
    #[cfg(target_os = "linux")]
    #[error("seccomp refuses the filter: {0}")]
    Seccomp(String),
    #[error("{0} threads are running already")]
    Threads(usize),
    #[error("the threads of this process can't be counted: {0}")]
    Unknown(#[from] std::io::Error),
    #[cfg(not(target_os = "linux"))]
    #[error("this system has neither Landlock nor seccomp")]
    System,
    #[cfg(debug_assertions)]
    #[error("it is switched off for a test")]
    Off,
}

/// Raises the fence around this process. It can't be removed again.
///
/// # Errors
/// The system lacks a part of it. Other parts may be in force; the caller must treat the fence as
/// missing.
#[cfg(target_os = "linux")]
pub fn raise(folder: &Path) -> Result<(), FenceError> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(FenceError::Threads(threads));
    }
    restrict_files(folder)?;
    restrict_calls().map_err(|error| FenceError::Seccomp(error.to_string()))
}

/// Fails on every system other than Linux.
///
/// # Errors
/// Always [`FenceError::System`].
#[cfg(not(target_os = "linux"))]
pub fn raise(_folder: &Path) -> Result<(), FenceError> {
    Err(FenceError::System)
}

/// What the library reads: the main thread's stack, the number of processors, the size of memory,
/// counters of its threads, and random numbers. The entries of `/proc` hold no secret: the
/// environment is empty, and `maps` does not give access to memory.
#[cfg(target_os = "linux")]
const READ_ONLY: [&str; 6] = [
    "/proc/self/maps",
    "/proc/self/task",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/dev/urandom",
    "/dev/random",
];

#[cfg(target_os = "linux")]
fn restrict_files(folder: &Path) -> Result<(), FenceError> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd,
        Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, Scope,
    };
    let own = AccessFs::from_all(ABI::V3)
        & !(AccessFs::Execute
            | AccessFs::MakeChar
            | AccessFs::MakeBlock
            | AccessFs::MakeSock
            | AccessFs::MakeFifo);
    let mut rules = Ruleset::default()
        // The first version of Landlock's interface forbids every move between folders, and the
        // engine moves parts.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V2))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::ConnectTcp | AccessNet::BindTcp)?
        // Without root, the collector runs as the same user and could receive signals from this
        // process.
        .scope(Scope::Signal | Scope::AbstractUnixSocket)?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new(folder)?, own))?;
    for path in READ_ONLY {
        // A path that this system lacks needs no rule.
        let Ok(place) = PathFd::new(path) else {
            continue;
        };
        let access = if Path::new(path).is_dir() {
            AccessFs::ReadFile | AccessFs::ReadDir
        } else {
            AccessFs::ReadFile.into()
        };
        rules = rules.add_rule(PathBeneath::new(&place, access))?;
        // A rule belongs to an inode, and `/proc` drops inodes that are not open.
        std::mem::forget(place);
    }
    rules.restrict_self()?;
    Ok(())
}

/// Calls that every Linux has.
#[cfg(target_os = "linux")]
const REFUSED_CALLS: &[i64] = &[
    // networks
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    // other programs and processes
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // files of the same user by path, which Landlock does not restrict; calls by descriptor stay
    // allowed
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    libc::SYS_inotify_init1,
    libc::SYS_fanotify_init,
    // ways around Landlock and this filter
    libc::SYS_io_uring_setup,
    libc::SYS_open_by_handle_at,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
];

/// Calls since Linux 6.13, with the same number on every architecture.
#[cfg(target_os = "linux")]
const SETXATTRAT: i64 = 463;
#[cfg(target_os = "linux")]
const REMOVEXATTRAT: i64 = 466;

/// Older variants of these calls, on this architecture only.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const REFUSED_OLD_CALLS: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_inotify_init,
    libc::SYS_modify_ldt,
];
#[cfg(all(target_os = "linux", not(target_arch = "x86_64")))]
const REFUSED_OLD_CALLS: &[i64] = &[];

#[cfg(target_os = "linux")]
fn restrict_calls() -> Result<(), Box<dyn std::error::Error>> {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
    let mut rules: std::collections::BTreeMap<i64, Vec<SeccompRule>> = REFUSED_CALLS
        .iter()
        .chain(REFUSED_OLD_CALLS)
        .map(|call| (*call, Vec::new()))
        .collect();
    // A datagram to an address; answers on accepted connections have no address.
    let has_address = SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_sendto, vec![SeccompRule::new(vec![has_address])?]);
    // A new process, perhaps in new namespaces; only threads have this flag.
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let is_process = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(thread),
        0,
    )?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_process])?]);
    // Limits of other processes.
    let is_other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![is_other])?]);
    apply(rules, libc::EACCES)?;
    // The filter can't see the flags of `clone3`. The C library falls back to `clone`.
    let newer = std::collections::BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    apply(newer, libc::ENOSYS)
}

/// Refuses these calls with this error.
#[cfg(target_os = "linux")]
fn apply(
    mut rules: std::collections::BTreeMap<i64, Vec<seccompiler::SeccompRule>>,
    error: i32,
) -> Result<(), Box<dyn std::error::Error>> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    #[cfg(target_arch = "x86_64")]
    {
        // The same calls by their x32 numbers.
        const X32: i64 = 0x4000_0000;
        let doubled: Vec<_> = rules
            .iter()
            .map(|(call, rule)| (call | X32, rule.clone()))
            .collect();
        rules.extend(doubled);
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(error.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter_all_threads(&program)?;
    Ok(())
}

/// Gives up root for the user and group with the id `user`, which then owns `folder`. Does nothing
/// without root.
///
/// One capability is kept: the data folder above is closed to other users, so the process may
/// traverse folders and read (not write) regardless of owners. The fence limits what it reads.
///
/// # Errors
/// The system refuses, e.g. in a container that may not change users; the process is still root.
#[cfg(target_os = "linux")]
pub fn leave_root(user: u32, folder: &Path) -> std::io::Result<()> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{CapabilitySet, CapabilitySets};
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
    let kept = rustix::thread::capabilities(None)?.permitted & CapabilitySet::DAC_READ_SEARCH;
    if kept.is_empty()
        && let Some(closed) = closed_above(folder)?
    {
        return Err(std::io::Error::other(format!(
            "without the capability DAC_READ_SEARCH another user can't traverse {}",
            closed.display()
        )));
    }
    own(folder, user)?;
    rustix::thread::set_keep_capabilities(true)?;
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets)?;
    Ok(rustix::thread::set_keep_capabilities(false)?)
}

/// Does nothing on systems other than Linux.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn leave_root(_user: u32, _folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The nearest folder above that other users may not traverse.
#[cfg(target_os = "linux")]
fn closed_above(folder: &Path) -> std::io::Result<Option<&Path>> {
    use std::os::unix::fs::MetadataExt as _;
    for above in folder.ancestors().skip(1) {
        if std::fs::metadata(above)?.mode() & 0o001 == 0 {
            return Ok(Some(above));
        }
    }
    Ok(None)
}

/// Changes the owner of a folder and its contents, which root owns after an earlier version. The
/// folder itself comes last: if its owner is right, so is everything in it, except files that this
/// start has created at its top.
#[cfg(target_os = "linux")]
fn own(path: &Path, user: u32) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::symlink_metadata(path)?;
    if found.uid() != user || found.gid() != user {
        return own_content(path, user);
    }
    // Files that root has just created.
    for entry in std::fs::read_dir(path)? {
        std::os::unix::fs::lchown(entry?.path(), Some(user), Some(user))?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn own_content(path: &Path, user: u32) -> std::io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            own_content(&entry?.path(), user)?;
        }
    }
    std::os::unix::fs::lchown(path, Some(user), Some(user))
}

/// What this process can still do to the machine, for the test of the fence: a compromised library
/// could do the same. `outside` is a file of the same user, outside the engine's folder.
#[cfg(all(debug_assertions, target_os = "linux"))]
pub fn reach(outside: &Path) -> Vec<&'static str> {
    use std::os::unix::fs::PermissionsExt as _;
    let user = Some(rustix::process::geteuid().as_raw());
    let parent = rustix::process::getppid();
    let attempts: [(&str, bool); 10] = [
        ("read", std::fs::read(outside).is_ok()),
        (
            "write",
            std::fs::OpenOptions::new()
                .append(true)
                .open(outside)
                .is_ok(),
        ),
        (
            "change mode",
            std::fs::set_permissions(outside, std::fs::Permissions::from_mode(0o666)).is_ok(),
        ),
        (
            "change owner",
            std::os::unix::fs::chown(outside, user, None).is_ok(),
        ),
        (
            "set attribute",
            rustix::fs::setxattr(outside, "user.a", b"1", rustix::fs::XattrFlags::empty()).is_ok(),
        ),
        (
            "watch",
            rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).is_ok(),
        ),
        (
            "signal",
            parent.is_some_and(|parent| rustix::process::test_kill_process(parent).is_ok()),
        ),
        (
            "limit",
            rustix::process::prlimit(
                parent,
                rustix::process::Resource::Core,
                rustix::process::Rlimit {
                    // Only ever lower, which needs no privilege, whatever the parent's limits are.
                    current: Some(0),
                    maximum: Some(0),
                },
            )
            .is_ok(),
        ),
        (
            "start a program",
            std::process::Command::new("/bin/true").status().is_ok(),
        ),
        (
            "open a socket",
            std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
        ),
    ];
    let can = attempts.into_iter().filter(|(_, is_possible)| *is_possible);
    can.map(|(attempt, _)| attempt).collect()
}
