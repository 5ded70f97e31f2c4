//! Bounds of what can be configured.

/// Bytes of an e-mail campaign's name.
pub const MAIL_CAMPAIGN_BYTES_MAX: usize = 64;
/// E-mail campaigns of one site; far fewer than recipients.
pub const MAIL_CAMPAIGNS_MAX: usize = 100;
/// Raw retention above this is refused at start (P9).
pub const RETENTION_DAYS_MAX: u16 = 760;
/// Largest number of threads; more than any machine can use.
pub const THREADS_MAX: usize = 1024;
/// Events that can be remembered for deduplication: 1.6 GB, allocated at the start.
pub const SEEN_KEYS_MAX: usize = 100_000_000;
/// Smallest floor for all audiences except members (P10) …
pub const FLOOR_MIN: u32 = 3;
/// … and the largest floor: beyond it, small sites would have no reports.
pub const FLOOR_MAX: u32 = 1_000;
