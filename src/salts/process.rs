//! Protects the memory of this process from core dumps and from other processes of the same user.
//! If the system refuses, this is logged once and the collector continues, because containers often
//! may not do this.
//!
//! The memory of salts is locked as well (`locked_memory`). This protects their short-lived copies
//! on stacks, and the cookie key.

use std::sync::Once;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Protects the process once; later calls do nothing.
pub(super) fn protect_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let no_core = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        if let Err(errno) = setrlimit(Resource::Core, no_core) {
            tracing::warn!(%errno, "core dumps can't be switched off and could contain secrets; set LimitCORE=0");
        }
        if let Err(errno) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(
                %errno,
                "other processes of this user can read the day's salts from memory; run the collector under its own user"
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protected_process_dumps_no_core_and_cannot_be_read() {
        protect_memory();
        let core = rustix::process::getrlimit(Resource::Core);
        assert_eq!(core.current, Some(0));
        let behaviour = rustix::process::dumpable_behavior().expect("the kernel knows");
        assert_eq!(behaviour, DumpableBehavior::NotDumpable);
    }
}
