//! Scrubbing (P7): what an address or a text may keep. The server's word is the last one, whatever
//! the page has done.
//!
//! Text is first brought to one form (percent-decoding, NFKC, hidden characters out, repeated until
//! nothing changes), so that neither double encoding nor full-width characters carry anything past
//! the rules. Then `mask` replaces what looks like a person's or a SIM's identifier; `segments`
//! does so for what is written over several segments of a path. `links` shortens addresses inside a
//! text. `names` drops properties that are about a person by their name. `corpus` measures the
//! rules.
//!
//! Laws, held by property tests: every function here is total, idempotent, and bounded by the
//! constants below.

mod addresses;
mod coordinates;
mod entities;
mod kind;
mod links;
mod mask;
mod names;
mod national;
mod prefilter;
mod rules;
mod segments;
mod slashed;
mod tokens;

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

pub(super) use mask::findings;
pub use rules::{RouteTemplate, RuleFault, ScrubRules};
pub(super) use segments::across;

/// Bytes of a kept path.
pub const PATH_BYTES_MAX: usize = 512;
/// Bytes of one path segment; longer ones become `:long`.
pub const SEGMENT_BYTES_MAX: usize = 200;
/// Bytes of an allowed query parameter's value.
pub const QUERY_VALUE_BYTES_MAX: usize = 64;
/// Bytes of path, allowed query and routing fragment together.
pub const TARGET_BYTES_MAX: usize = 1024;
/// Bytes of a property's name.
pub const PROPERTY_NAME_BYTES_MAX: usize = 100;
/// Bytes of a property's value.
pub const PROPERTY_VALUE_BYTES_MAX: usize = 500;
/// Properties of one event.
pub const PROPERTIES_MAX: usize = 30;
/// What a path becomes once a site has shown too many distinct ones in a day.
pub const OTHER_PATH: &str = "/(other)";
/// What another text becomes then.
pub const OTHER: &str = "(other)";

/// Rounds of decoding; text that still changes after them was made to hide something.
const ROUNDS_MAX: usize = 8;
/// Characters of a text that are looked at.
const CHARS_MAX: usize = 8 << 10;

/// What is kept of a path with an optional `?query` and an optional `#fragment` (given only for
/// sites that route by it). Starts with `/`; at most [`TARGET_BYTES_MAX`] bytes.
pub fn path(url_path: &str, rules: &ScrubRules) -> String {
    let fallback = || "/:token".to_owned();
    let text = match url_path.split_once('?') {
        Some((path, query)) if !query.contains('#') && !rules.keeps_any(query) => path,
        _ => url_path,
    };
    settle(text, |text| path_once(text, rules), fallback)
}

/// What is kept of a short text (an event's name, a campaign, a source, a property's value). At
/// most `bytes_max` bytes, without spaces at the ends. Addresses in it lose user info, query and
/// fragment.
pub fn label(text: &str, bytes_max: usize) -> String {
    if text.is_empty() {
        return String::new();
    }
    let fallback = || cut(":token", bytes_max).to_owned();
    settle(text, |text| label_once(text, bytes_max), fallback)
}

/// What is kept of a custom event's property; `None` when its name says that it is about a person,
/// or nothing is left of the name.
pub fn property(name: &str, value: &str) -> Option<(String, String)> {
    let name = label(name, PROPERTY_NAME_BYTES_MAX);
    (!name.is_empty() && !names::is_personal(&name))
        .then(|| (name, label(value, PROPERTY_VALUE_BYTES_MAX)))
}

/// What is kept of a host: lower case, no port, IP addresses as `:ip`. Empty when it is none.
pub fn host(text: &str) -> String {
    if matches!(text, "" | OTHER) {
        return text.to_owned();
    }
    settle(text, |text| Cow::Owned(host_once(text)), String::new)
}

/// Applies a scrubbing step until it changes nothing, which makes it idempotent by construction. A
/// text that does not come to rest was made to hide something and becomes `fallback`.
fn settle(
    text: &str,
    step: impl Fn(&str) -> Cow<'_, str>,
    fallback: impl Fn() -> String,
) -> String {
    let mut now = step(text);
    if now == text {
        return now.into_owned();
    }
    for _ in 0..ROUNDS_MAX {
        let next = step(&now).into_owned();
        if next == *now {
            return next;
        }
        now = Cow::Owned(next);
    }
    fallback()
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
    if !is_host || name.len() > super::fields::HOST_BYTES_MAX {
        return String::new();
    }
    // An international name in its ASCII form looks like a token and is none.
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

fn path_once<'a>(text: &'a str, rules: &ScrubRules) -> Cow<'a, str> {
    // The `#` of `&#64;` begins no fragment.
    let decoded = entities::has(text).then(|| entities::decode(text));
    let text = decoded.as_deref().unwrap_or(text);
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (path, query) = before.split_once('?').unwrap_or((before, ""));
    let mut out = String::with_capacity(path.len().min(PATH_BYTES_MAX) + 1);
    match normalise(path) {
        Some(path) => push_path(&mut out, cut_address(&path), rules),
        None => out.push_str("/:token"),
    }
    if !query.is_empty() {
        rules.push_query(&mut out, query);
    }
    if !fragment.is_empty()
        && let Some(fragment) = normalise(fragment)
    {
        // `#access_token=…` is a credential, not a route.
        let route = cut_address(&fragment);
        if !route.is_empty() && !route.contains(['=', '&']) {
            let start = out.len();
            out.push('#');
            push_segments(
                &mut out,
                route,
                TARGET_BYTES_MAX.min(start + PATH_BYTES_MAX),
            );
        }
    }
    Cow::Owned(out)
}

/// Text up to the first character that would start a query or a fragment; encoded ones show only
/// now.
fn cut_address(text: &str) -> &str {
    &text[..text.find(['?', '#']).unwrap_or(text.len())]
}

fn push_path(out: &mut String, path: &str, rules: &ScrubRules) {
    if let Some(template) = rules.template_of(path) {
        out.push_str(template);
        return;
    }
    if !path.starts_with('/') {
        out.push('/');
    }
    push_segments(out, path, PATH_BYTES_MAX);
}

/// Appends scrubbed segments as far as they fit under `end`; a path that is cut is cut between
/// segments.
fn push_segments(out: &mut String, path: &str, end: usize) {
    let found = across(path);
    let mut joined = String::new();
    let mut done = 0;
    for found in &found {
        joined.push_str(&path[done..found.range.start]);
        joined.push_str(found.kind.placeholder());
        done = found.range.end;
    }
    let path = if found.is_empty() {
        path
    } else {
        joined.push_str(&path[done..]);
        &joined
    };
    for (index, segment) in path.split('/').enumerate() {
        // Path parameters (`;jsessionid=…`) are the server's, not the page's.
        let segment = &segment[..segment.find(';').unwrap_or(segment.len())];
        let masked = mask_segment(segment);
        if out.len() + usize::from(index > 0) + masked.len() > end {
            return;
        }
        if index > 0 {
            out.push('/');
        }
        out.push_str(&masked);
    }
}

fn mask_segment(segment: &str) -> Cow<'_, str> {
    if segment.contains('\u{FFFD}') {
        return Cow::Borrowed(":binary");
    }
    match mask::mask(segment) {
        _ if segment.len() > SEGMENT_BYTES_MAX => Cow::Borrowed(":long"),
        Some(masked) => Cow::Owned(masked),
        None => Cow::Borrowed(segment),
    }
}

/// One form for every spelling: percent-decoded, NFKC, without control and format characters.
/// `None` when it does not come to rest.
pub(super) fn normalise(text: &str) -> Option<Cow<'_, str>> {
    if is_normal(text) {
        return Some(Cow::Borrowed(text));
    }
    let mut now = normalise_once(text);
    for _ in 0..ROUNDS_MAX {
        if is_normal(&now) {
            return Some(Cow::Owned(now));
        }
        let next = normalise_once(&now);
        if next == now {
            return Some(Cow::Owned(now));
        }
        now = next;
    }
    None
}

/// Whether a text is in normal form as far as can be told without making it. A text of which this
/// is said is not changed by [`normalise_once`].
fn is_normal(text: &str) -> bool {
    if text.len() > CHARS_MAX || text.contains('%') || entities::has(text) {
        return false;
    }
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
    if text.bytes().all(is_plain) {
        return true;
    }
    let is_kept = |c: char| !is_hidden(c) && (c == ' ' || !c.is_whitespace());
    text.chars().all(is_kept) && is_nfkc_quick(text.chars()) == IsNormalized::Yes
}

fn normalise_once(text: &str) -> String {
    let text = entities::decode(text);
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
    let visible = decoded.nfkc().filter(|c| !is_hidden(*c));
    let spaced = visible.map(|c| if c.is_whitespace() { ' ' } else { c });
    let mut normal = String::with_capacity(decoded.len());
    normal.extend(spaced.take(CHARS_MAX));
    normal
}

/// Characters that can't be seen: they would split an identifier for the rules and not for a
/// reader.
fn is_hidden(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
