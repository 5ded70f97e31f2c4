//! Scrubs the path of a page, with the query parameters and the fragment that a site keeps.

use std::borrow::Cow;

use super::normal_form::normalise;
use super::rules::ScrubRules;
use super::segments::across;
use super::settle::settle;
use super::{entities, mask};
use crate::bounds::{PATH_BYTES_MAX, SEGMENT_BYTES_MAX, TARGET_BYTES_MAX};

/// What a path becomes beyond the cardinality limit of its site.
pub const OTHER_PATH: &str = "/(other)";

/// Scrubs a path with an optional `?query` and an optional `#fragment` (passed only for sites that
/// route by it). The result begins with `/` and has at most [`TARGET_BYTES_MAX`] bytes.
pub fn path(url_path: &str, rules: &ScrubRules) -> String {
    let fallback = || "/:token".to_owned();
    let text = match url_path.split_once('?') {
        Some((path, query)) if !query.contains('#') && !rules.keeps_any(query) => path,
        _ => url_path,
    };
    settle(text, |text| path_once(text, rules), fallback)
}

fn path_once<'a>(text: &'a str, rules: &ScrubRules) -> Cow<'a, str> {
    // The `#` of `&#64;` does not begin a fragment.
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

/// Text up to the first character that would begin a query or a fragment. Encoded ones appear only
/// after normalising.
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

/// Appends scrubbed segments as long as they fit into `end` bytes. A longer path is cut between
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
        // Path parameters (`;jsessionid=…`) belong to the server, not to the page's name.
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
