//! Every limit on what is read from a request and stored of a beacon, once, with its unit and
//! reason.
//!
//! `ingest`, the configuration, the tracker's tests and the fuzz targets use these constants.
//! Limits of the wire format alone, beyond which a beacon is refused, are in the program
//! (`ingest::beacon`).

// Read from a request.

/// Bytes of a page's address that [`PageUrl`](crate::PageUrl) parses. A beacon's body is not
/// longer.
pub const PAGE_URL_BYTES_MAX: usize = 8 << 10;
/// Bytes of a user agent that are read; browsers stay well below.
pub const AGENT_BYTES_MAX: usize = 512;
/// Bytes of one of our cookies' values; the longest valid one is shorter.
pub const COOKIE_VALUE_BYTES_MAX: usize = 400;
/// Bytes of a consent manager's cookie. Browsers store at most 4 KiB.
pub const CONSENT_COOKIE_BYTES_MAX: usize = 4 << 10;
/// Characters of a text that scrubbing examines; longer than any text that is stored.
pub const SCRUBBED_CHARS_MAX: usize = 8 << 10;

// Set by the operator.

/// Bytes of a policy version, in the configuration and in the measurement cookie.
pub const POLICY_BYTES_MAX: usize = 64;
/// Bytes of a consent manager's category.
pub const CATEGORY_BYTES_MAX: usize = 64;

// Stored with an event.

/// Bytes of an event's name, the limit of Plausible's Events API.
pub const EVENT_NAME_BYTES_MAX: usize = 120;
/// Bytes of a campaign parameter or a source's name.
pub const CAMPAIGN_BYTES_MAX: usize = 120;
/// Bytes of a host name (RFC 1035).
pub const HOST_BYTES_MAX: usize = 253;
/// Bytes of a stored path. A longer path is cut between segments.
pub const PATH_BYTES_MAX: usize = 512;
/// Bytes of one path segment. A longer one is not a page's name and becomes `:long`.
pub const SEGMENT_BYTES_MAX: usize = 200;
/// Bytes of the value of an allowed query parameter.
pub const QUERY_VALUE_BYTES_MAX: usize = 64;
/// Bytes of path, allowed query and routing fragment together.
pub const TARGET_BYTES_MAX: usize = 1024;
/// Bytes of a property's stored name. A longer name is cut.
pub const PROPERTY_NAME_BYTES_MAX: usize = 100;
/// Bytes of a property's stored value. A longer value is cut.
pub const PROPERTY_VALUE_BYTES_MAX: usize = 500;
/// Properties of one event, the limit of Plausible's Events API. Further ones are dropped.
pub const PROPERTIES_MAX: usize = 30;
/// Click cells of one event: more than a person clicks in one engagement. The tracker sends no
/// more.
pub const CLICKS_MAX: usize = 64;
/// Milliseconds of engagement of one pageview, thirty minutes: a visit ends after that time.
pub const ENGAGED_MS_MAX: u32 = 30 * 60 * 1000;
/// Percent of the greatest scroll depth. A larger value is stored as unknown.
pub const SCROLL_PERCENT_MAX: u8 = 100;
/// Greatest amount of revenue, either sign, in thousandths of the currency: what `Decimal(18, 3)`
/// holds.
pub const REVENUE_THOUSANDTHS_MAX: i64 = 999_999_999_999_999_999;
/// Milliseconds of a loading time, ten minutes: a longer one is a measuring error.
pub const VITAL_MS_MAX: u32 = 600_000;
/// Greatest layout shift (no unit): a larger one is a measuring error.
pub const VITAL_SHIFT_MAX: f32 = 100.0;
