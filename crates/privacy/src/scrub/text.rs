//! Scrubs short texts, properties and host names.

use std::borrow::Cow;

use super::normal_form::normalise;
use super::settle::{cut, settle};
use super::{links, mask, names};
use crate::bounds::{HOST_BYTES_MAX, PROPERTY_NAME_BYTES_MAX, PROPERTY_VALUE_BYTES_MAX};

/// What a text becomes beyond the cardinality limit of its site.
pub const OTHER: &str = "(other)";

/// Scrubs a short text (an event's name, a campaign, a source, a property's value). The result has
/// at most `bytes_max` bytes and no spaces at its ends. Addresses in it lose user info, query and
/// fragment.
pub fn label(text: &str, bytes_max: usize) -> String {
    if text.is_empty() {
        return String::new();
    }
    let fallback = || cut(":token", bytes_max).to_owned();
    settle(text, |text| label_once(text, bytes_max), fallback)
}

/// Scrubs a property. `None` if its name says that it is about a person, or if nothing is left of
/// the name.
pub fn property(name: &str, value: &str) -> Option<(String, String)> {
    let name = label(name, PROPERTY_NAME_BYTES_MAX);
    (!name.is_empty() && !names::is_personal(&name))
        .then(|| (name, label(value, PROPERTY_VALUE_BYTES_MAX)))
}

/// Scrubs a host name: lower case, no port, IP addresses as `:ip`. Empty if it is not a host name.
pub fn host(text: &str) -> String {
    if text.is_empty() || text == OTHER {
        return text.to_owned();
    }
    settle(text, |text| Cow::Owned(host_once(text)), String::new)
}

fn label_once(text: &str, bytes_max: usize) -> Cow<'_, str> {
    let Some(text) = normalise(text) else {
        return Cow::Borrowed(":token");
    };
    let text = match links::cut(&text) {
        Some(text) => Cow::Owned(text),
        None => text,
    };
    let masked = match mask::mask(&text) {
        Some(masked) => Cow::Owned(masked),
        None => text,
    };
    match masked {
        Cow::Borrowed(text) => Cow::Borrowed(cut(text.trim(), bytes_max).trim()),
        Cow::Owned(text) => Cow::Owned(cut(text.trim(), bytes_max).trim().to_owned()),
    }
}

fn host_once(text: &str) -> String {
    let Some(text) = normalise(text) else {
        return String::new();
    };
    let text = text.trim().to_ascii_lowercase();
    if text.starts_with('[') || text.parse::<std::net::IpAddr>().is_ok() {
        return ":ip".into();
    }
    let name = match text.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => &text,
    };
    let is_host = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':'));
    if !is_host || name.len() > HOST_BYTES_MAX {
        return String::new();
    }
    // An international name in its ASCII form looks like a token, but is not one.
    if name.split('.').any(|label| label.starts_with("xn--")) {
        return name
            .split('.')
            .map(mask_host_label)
            .collect::<Vec<_>>()
            .join(".");
    }
    mask::mask(name).unwrap_or_else(|| name.to_owned())
}

fn mask_host_label(label: &str) -> String {
    if label.starts_with("xn--") {
        label.to_owned()
    } else {
        mask::mask(label).unwrap_or_else(|| label.to_owned())
    }
}
