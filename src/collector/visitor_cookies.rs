//! The cookies that visitors' browsers get, and the paths that they are bound to.

use crate::http::cookies::{SameSite, SetCookie};
use crate::ingest::CookieChange;

/// Where beacons go. The measurement cookie is bound to it.
pub const EVENT_PATH: &str = "/api/event";
/// Where the forms of the choices page go. It lies below [`EVENT_PATH`], so that the browser sends
/// the measurement cookie along.
pub const CHOICES_PATH: &str = "/api/event/choices";

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
