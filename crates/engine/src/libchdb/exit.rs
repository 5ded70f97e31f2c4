//! The end of a process that has libchdb loaded.

use std::ffi::c_int;

unsafe extern "C" {
    fn _exit(code: c_int) -> !;
}

/// Ends the process at once, without the library's destructors: its threads may still run and would
/// crash. Everything that must be on disk has to be there before.
pub fn leave(code: u8) -> ! {
    // SAFETY: POSIX `_exit` takes a status and never returns; nothing of this process runs after
    // it.
    unsafe { _exit(c_int::from(code)) }
}
