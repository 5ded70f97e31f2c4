//! A [`Call`]: an admitted request with everything that its handler gets, in types.
//!
//! A handler is an `async fn(Call<I, P>) -> R`. `I` is what it needs from the identity, `P` what it
//! needs from the path, and `R` is converted to the answer. The router converts `I` and `P` before
//! it calls the handler: a malformed id in the path is 404, an identity of another kind is 403.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use serde_json::Value as Json;

use crate::access::App;
use crate::access::error::ApiError;
use crate::access::identity::{Identity, ReadScope, Session};
use crate::control::ids::{KeyId, LinkId, PersonId, SiteObjectId, SubscriptionId};
use crate::control::people::Person;
use crate::http::client_ip::client_ip;
use crate::http::local::Connection;
use crate::http::response::{self, Answer};
use sillage_privacy::{TruncatedIp, truncate};

/// An admitted request.
pub struct Call<I = Identity, P = ()> {
    pub app: Arc<App>,
    pub connection: Connection,
    pub identity: I,
    pub path: P,
    pub request: Request<Incoming>,
}

impl<I, P> Call<I, P> {
    /// The truncated network of the client.
    pub fn network(&self) -> TruncatedIp {
        let trusted = &self.app.config.trusted_proxies;
        let peer = self.connection.peer.ip();
        truncate(&client_ip(peer, self.request.headers(), trusted))
    }

    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The query of the address; empty when there is none.
    pub fn query(&self) -> &str {
        self.request.uri().query().unwrap_or("")
    }

    /// A parameter of the query; `None` when it is absent.
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query().as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// Runs a handler: converts identity and path for it, and its result to an answer.
///
/// # Errors
/// None: errors become the answer.
pub async fn run<I, P, R, F>(
    handler: impl FnOnce(Call<I, P>) -> F,
    call: Call<Identity, PathParts>,
) -> Answer
where
    I: FromIdentity,
    P: FromPath,
    R: IntoAnswer,
    F: Future<Output = R>,
{
    let Call {
        app,
        connection,
        identity,
        mut path,
        request,
    } = call;
    let Some(path) = P::from_path(&mut path) else {
        return ApiError::NotFound.into();
    };
    let identity = match I::from_identity(identity) {
        Ok(identity) => identity,
        Err(error) => return error.into(),
    };
    let call = Call {
        app,
        connection,
        identity,
        path,
        request,
    };
    handler(call).await.into_answer()
}

/// What a handler needs from the identity.
pub trait FromIdentity: Sized {
    /// # Errors
    /// The identity does not have it.
    fn from_identity(identity: Identity) -> Result<Self, ApiError>;
}

impl FromIdentity for Identity {
    fn from_identity(identity: Identity) -> Result<Self, ApiError> {
        Ok(identity)
    }
}

impl FromIdentity for Session {
    fn from_identity(identity: Identity) -> Result<Self, ApiError> {
        match identity {
            Identity::Person(session) => Ok(session),
            Identity::Anonymous | Identity::Demo | Identity::Key(_) | Identity::Link(_) => {
                Err(ApiError::Forbidden)
            }
        }
    }
}

impl FromIdentity for Person {
    fn from_identity(identity: Identity) -> Result<Self, ApiError> {
        Session::from_identity(identity).map(|session| session.person)
    }
}

impl FromIdentity for ReadScope {
    fn from_identity(identity: Identity) -> Result<Self, ApiError> {
        identity.read_scope().ok_or(ApiError::Forbidden)
    }
}

/// The variable segments of a path, percent-decoded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PathParts {
    pub site: String,
    pub id: String,
    pub token: String,
    pub rest: String,
}

/// What a handler needs from the path.
pub trait FromPath: Sized {
    /// `None` for a malformed part.
    fn from_path(parts: &mut PathParts) -> Option<Self>;
}

impl FromPath for () {
    fn from_path(_: &mut PathParts) -> Option<Self> {
        Some(())
    }
}

impl<A: FromPath, B: FromPath> FromPath for (A, B) {
    fn from_path(parts: &mut PathParts) -> Option<Self> {
        Some((A::from_path(parts)?, B::from_path(parts)?))
    }
}

/// A type for a part of the path that is any text.
macro_rules! text_part {
    ($(#[$doc:meta])* $name:ident, $part:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub String);

        impl FromPath for $name {
            fn from_path(parts: &mut PathParts) -> Option<Self> {
                Some(Self(std::mem::take(&mut parts.$part)))
            }
        }
    };
}

text_part! {
    /// `{site}`: the site's id as it is configured. `Who::Has` admits configured sites only.
    SitePart, site
}
text_part! {
    /// `{token}`: a secret.
    TokenPart, token
}
text_part! {
    /// `{rest}`: the remaining segments.
    RestPart, rest
}
text_part! {
    /// `{id}` of a route whose ids are words, not numbers.
    WordPart, id
}

/// `{id}` of a row in the control database.
macro_rules! id_part {
    ($($name:ident),+) => {$(
        impl FromPath for $name {
            fn from_path(parts: &mut PathParts) -> Option<Self> {
                parts.id.parse().ok()
            }
        }
    )+};
}

id_part!(PersonId, KeyId, LinkId, SiteObjectId, SubscriptionId);

/// What a handler returns.
pub trait IntoAnswer {
    fn into_answer(self) -> Answer;
}

impl IntoAnswer for Answer {
    fn into_answer(self) -> Answer {
        self
    }
}

/// 200 with JSON.
impl IntoAnswer for Json {
    fn into_answer(self) -> Answer {
        response::json(StatusCode::OK, &self)
    }
}

/// 201 with JSON.
pub struct Created(pub Json);

impl IntoAnswer for Created {
    fn into_answer(self) -> Answer {
        response::json(StatusCode::CREATED, &self.0)
    }
}

impl<T: IntoAnswer> IntoAnswer for Result<T, ApiError> {
    fn into_answer(self) -> Answer {
        self.map_or_else(Answer::from, T::into_answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_id_is_not_parsed_as_another() {
        let id = |text: &str| {
            let mut parts = PathParts {
                id: text.into(),
                ..Default::default()
            };
            PersonId::from_path(&mut parts).map(|id| id.0)
        };
        assert_eq!(id("7"), Some(7));
        for malformed in ["", "x", "7x", "-7", "07", "99999999999999999999"] {
            assert_eq!(id(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn several_parts_of_a_path_are_read_together() {
        let mut parts = PathParts {
            site: "example.com".into(),
            id: "3".into(),
            ..Default::default()
        };
        let read = <(SitePart, KeyId)>::from_path(&mut parts);
        assert_eq!(read, Some((SitePart("example.com".into()), KeyId(3))));
    }
}
