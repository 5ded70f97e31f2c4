//! The cookies that visitors' browsers get, and the paths that they are bound to.

use crate::http::cookies::{SameSite, SetCookie};
use crate::ingest::CookieChange;
use sillage_privacy::{OPT_OUT_COOKIE, OPT_OUT_VALUE};

/// Where beacons go. The measurement cookie is bound to it.
pub const EVENT_PATH: &str = "/api/event";
/// Where the forms of the choices page go. It is below [`EVENT_PATH`], so that the browser sends
/// the measurement cookie with them.
pub const CHOICES_PATH: &str = "/api/event/choices";

/// Lifetime of the opt-out cookie in seconds: 400 days, the most that browsers allow, and more than
/// the 13 months of the measurement cookie.
pub const OPT_OUT_S: u32 = 400 * 86_400;

/// The opt-out cookie, or its deletion. It is the same for every visitor, so scripts may read it.
pub fn set_opt_out(opts_out: bool, is_https: bool) -> SetCookie<'static> {
    let (value, max_age_s) = if opts_out {
        (OPT_OUT_VALUE, OPT_OUT_S)
    } else {
        ("", 0)
    };
    SetCookie {
        name: OPT_OUT_COOKIE,
        value,
        path: "/",
        max_age_s: max_age_s.into(),
        is_http_only: false,
        same_site: SameSite::Lax,
        is_secure: is_https,
    }
}

/// The header for a change. The measurement cookie is sent to the endpoint of beacons only, the
/// erasure cookie to the choices page only; scripts can read neither.
pub fn set_cookie(change: &CookieChange, is_https: bool) -> SetCookie<'_> {
    let (name, value, path, max_age_s) = match change {
        CookieChange::Set {
            name,
            value,
            max_age_s,
        } => (name, value.as_str(), EVENT_PATH, *max_age_s),
        CookieChange::Delete { name } => (name, "", EVENT_PATH, 0),
        CookieChange::SetErasure {
            name,
            value,
            max_age_s,
        } => (name, value.as_str(), CHOICES_PATH, *max_age_s),
        CookieChange::DeleteErasure { name } => (name, "", CHOICES_PATH, 0),
    };
    SetCookie {
        name,
        value,
        path,
        max_age_s: max_age_s.into(),
        is_http_only: true,
        same_site: SameSite::Lax,
        is_secure: is_https,
    }
}
