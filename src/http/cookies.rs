//! Reads and assembles cookies: the only place that writes a `Set-Cookie` header.

use hyper::HeaderMap;
use hyper::header::{self, HeaderValue};

use crate::http::response::Answer;
use sillage_privacy::find;

/// Attribute `SameSite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    Lax,
    Strict,
}

/// A cookie to set. A `Max-Age` of 0 deletes it.
#[derive(Debug, Clone, Copy)]
pub struct SetCookie<'a> {
    pub name: &'a str,
    pub value: &'a str,
    pub path: &'a str,
    pub max_age_s: i64,
    /// Whether scripts can't read it.
    pub is_http_only: bool,
    pub same_site: SameSite,
    /// Whether it is sent over https only.
    pub is_secure: bool,
}

impl SetCookie<'_> {
    /// The value of the header.
    pub fn to_text(self) -> String {
        let max_age_s = self.max_age_s.to_string();
        let parts = [
            self.name,
            "=",
            self.value,
            "; Path=",
            self.path,
            "; Max-Age=",
            &max_age_s,
            if self.is_http_only { "; HttpOnly" } else { "" },
            match self.same_site {
                SameSite::Lax => "; SameSite=Lax",
                SameSite::Strict => "; SameSite=Strict",
            },
            if self.is_secure { "; Secure" } else { "" },
        ];
        parts.concat()
    }

    /// Adds the header to an answer.
    pub fn add_to(self, answer: &mut Answer) {
        match HeaderValue::try_from(self.to_text()) {
            Ok(value) => {
                answer.headers_mut().append(header::SET_COOKIE, value);
            }
            Err(error) => {
                tracing::error!(%error, "a cookie is not a valid header and was not set");
            }
        }
    }
}

/// The value of a named cookie of a request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    find(cookies.map(HeaderValue::as_bytes), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_follow_the_value_in_a_fixed_order() {
        let cookie = SetCookie {
            name: "a",
            value: "b",
            path: "/c",
            max_age_s: 7,
            is_http_only: true,
            same_site: SameSite::Lax,
            is_secure: true,
        };
        assert_eq!(
            cookie.to_text(),
            "a=b; Path=/c; Max-Age=7; HttpOnly; SameSite=Lax; Secure"
        );
        let plain = SetCookie {
            value: "",
            max_age_s: 0,
            is_http_only: false,
            same_site: SameSite::Strict,
            is_secure: false,
            ..cookie
        };
        assert_eq!(plain.to_text(), "a=; Path=/c; Max-Age=0; SameSite=Strict");
    }
}
