//! The end of a process that has libchdb loaded.

use std::ffi::c_int;

unsafe extern "C" {
    fn _exit(code: c_int) -> !;
}

/// Ends the process at once, without the destructors of a library whose threads may still run: they
/// would crash. What has to be on disk must be there before.
pub fn leave(code: u8) -> ! {
    // SAFETY: POSIX `_exit` takes a status and never returns; nothing of this process runs after
    // it.
    unsafe { _exit(c_int::from(code)) }
}
