//! A site's scrubbing rules: the query parameters that are stored, and the routes that are stored
//! as a template.

use super::normal_form::normalise;
use super::text::label;
use crate::bounds::{QUERY_VALUE_BYTES_MAX, SEGMENT_BYTES_MAX, TARGET_BYTES_MAX};

/// Query parameters that an allowlist cannot contain.
const DENIED_PARAMETERS: &[&str] = &[
    "token",
    "access_token",
    "id_token",
    "refresh_token",
    "code",
    "state",
    "key",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "pass",
    "password",
    "passwd",
    "pwd",
    "secret",
    "email",
    "e-mail",
    "mail",
    "phone",
    "tel",
    "mobile",
    "session",
    "session_id",
    "sessionid",
    "sid",
    "jsessionid",
    "phpsessid",
    "sig",
    "signature",
    "hash",
    "otp",
    "pin",
    "iccid",
    "imsi",
    "imei",
    "msisdn",
    "user",
    "user_id",
    "userid",
    "uid",
    "username",
    "name",
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "fbclid",
    "msclkid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "yclid",
    "mc_eid",
    "mc_cid",
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
];

/// The scrubbing rules of one site. The default drops every query parameter and has no routes.
#[derive(Debug, Clone, Default)]
pub struct ScrubRules {
    query_allow: Vec<String>,
    route_templates: Vec<RouteTemplate>,
}

/// A rule that is refused. It holds the text from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// A parameter that an allowlist cannot contain.
    #[error(
        "query parameter {0:?} is never stored: it identifies a person, a session or an advertiser's click"
    )]
    DeniedParameter(String),
    /// Not the name of a parameter.
    #[error("query parameter {0:?}: use 1 to 40 letters, digits, '_' or '-'")]
    MalformedParameter(String),
    /// Not a route.
    #[error("route {0:?}: write it like /portal/sims/:id or /portal/*, at most 200 bytes")]
    MalformedRoute(String),
}

impl ScrubRules {
    /// From the query parameters to store and the routes in the configuration.
    ///
    /// # Errors
    /// The first rule that is refused.
    pub fn new(query_allow: &[String], route_templates: &[String]) -> Result<Self, RuleFault> {
        for name in query_allow {
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if name.is_empty() || name.len() > 40 || !name.bytes().all(is_name) {
                return Err(RuleFault::MalformedParameter(name.clone()));
            }
            if name.starts_with("utm_")
                || DENIED_PARAMETERS
                    .iter()
                    .any(|denied| name.eq_ignore_ascii_case(denied))
            {
                return Err(RuleFault::DeniedParameter(name.clone()));
            }
        }
        let route_templates = route_templates
            .iter()
            .map(|route| RouteTemplate::parse(route));
        let route_templates = route_templates.collect::<Result<_, _>>()?;
        Ok(Self {
            query_allow: query_allow.to_vec(),
            route_templates,
        })
    }

    /// The template that matches a path, as it is stored.
    pub(crate) fn template_of(&self, path: &str) -> Option<&str> {
        self.route_templates
            .iter()
            .find(|template| template.matches(path))
            .map(|template| &*template.text)
    }

    /// Whether a query parameter is stored.
    pub(crate) fn allows(&self, name: &str) -> bool {
        self.query_allow.iter().any(|allowed| allowed == name)
    }

    /// Whether a query has a parameter that is stored.
    pub(super) fn keeps_any(&self, query: &str) -> bool {
        let name = |pair: &'_ str| pair.find('=').unwrap_or(pair.len());
        !self.query_allow.is_empty()
            && query
                .split('&')
                .any(|pair| self.allows(&pair[..name(pair)]))
    }

    /// Appends the allowed parameters in the order of the allowlist, so that one page has one
    /// address.
    pub(super) fn push_query(&self, out: &mut String, query: &str) {
        let mut mark = '?';
        for allowed in &self.query_allow {
            let value = query.split('&').find_map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name == allowed).then_some(value)
            });
            let Some(value) = value else { continue };
            let value = query_value(value);
            if out.len() + allowed.len() + value.len() + 2 > TARGET_BYTES_MAX {
                return;
            }
            out.push(mark);
            out.push_str(allowed);
            out.push('=');
            out.push_str(&value);
            mark = '&';
        }
    }
}

/// A parameter's scrubbed value, up to the first character that would end it when it is read again
/// (encoded ones appear only after normalising). `+` is examined both as itself (`name+tag@host`)
/// and as a space.
fn query_value(value: &str) -> String {
    let mut value = label(value, QUERY_VALUE_BYTES_MAX);
    if value.contains(['&', '#', '?', ';', '+']) {
        let first = value.split(['&', '#', '?', ';']).next().unwrap_or_default();
        value = label(&first.replace('+', " "), QUERY_VALUE_BYTES_MAX);
    }
    value
}

/// A route: `/portal/sims/:id` (a name matches any one segment) or `/portal/*` (matches all further
/// segments).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTemplate {
    text: String,
}

impl RouteTemplate {
    /// # Errors
    /// When it does not start with `/`, is longer than 200 bytes, has a `*` before its end, a `:`
    /// without a name, or characters that a path does not have.
    pub fn parse(text: &str) -> Result<Self, RuleFault> {
        let fault = || RuleFault::MalformedRoute(text.to_owned());
        let body = text.strip_prefix('/').ok_or_else(fault)?;
        let segments: Vec<&str> = body.split('/').collect();
        let last = segments.len() - 1;
        let is_sound = segments
            .iter()
            .enumerate()
            .all(|(index, segment)| match *segment {
                "*" => index == last,
                ":" => false,
                literal => !literal.contains(['?', '#', '%', '*', ';']),
            });
        let is_normal = normalise(text).is_some_and(|normal| normal == text);
        if text.len() > SEGMENT_BYTES_MAX || !is_sound || !is_normal {
            return Err(fault());
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }

    fn matches(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        for expected in self.text.split('/') {
            match (expected, segments.next()) {
                ("*", Some(_)) => return true,
                (_, None) => return false,
                (name, Some(segment)) if name.starts_with(':') => {
                    if segment.is_empty() {
                        return false;
                    }
                }
                (literal, Some(segment)) => {
                    if literal != segment {
                        return false;
                    }
                }
            }
        }
        segments.next().is_none()
    }
}
