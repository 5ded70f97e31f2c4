//! Bounds of what can be configured.

/// Bytes of an e-mail campaign's name.
pub const MAIL_CAMPAIGN_BYTES_MAX: usize = 64;
/// E-mail campaigns of one site; far fewer than recipients.
pub const MAIL_CAMPAIGNS_MAX: usize = 100;
/// Raw retention above this is refused at start (P9).
pub const RETENTION_DAYS_MAX: u16 = 760;
/// Most threads that can be asked for; more than any machine has use for.
pub const THREADS_MAX: usize = 1024;
/// Events that can be remembered: 1.6 GB, which are taken at the start.
pub const SEEN_KEYS_MAX: usize = 100_000_000;
/// Fewest visitors of a row that anybody but members is shown (P10) …
pub const FLOOR_MIN: u32 = 3;
/// … and the most that a floor may ask for, beyond which small sites would have no reports.
pub const FLOOR_MAX: u32 = 1_000;
