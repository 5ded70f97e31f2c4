//! The permissions of an [`Identity`]: its role on a site, its [`ReadScope`].

use std::sync::Arc;

use serde_json::Value as Json;

use crate::control::ids::{KeyId, LinkId};
use crate::control::keys::{Key, Scope};
use crate::control::links::Link;
use crate::control::people::{EVERY_SITE, Person, Role};
use crate::control::token::TokenHash;
use sillage_query::suppression::audience::Audience;

/// The sender of a request, as its credentials prove.
pub enum Identity {
    /// No credentials, or none that are valid.
    Anonymous,
    /// A client on this machine while there are no people and `--demo` is given.
    Demo,
    /// A person who is logged in.
    Person(Session),
    /// A program with an API key.
    Key(Key),
    /// A reader of a shared link.
    Link(Link),
}

/// A person and the log-in of their request.
pub struct Session {
    pub person: Person,
    /// Hash of the log-in's cookie.
    pub login: TokenHash,
    /// The token that proves that a change was intended.
    pub csrf: String,
}

/// What kind of reader a report is for. The suppression of small counts follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderKind {
    /// A person who is logged in, or the demo.
    Login,
    /// A program, by the key's id.
    Key(KeyId),
    /// A reader of a shared link, by the link's id.
    Link(LinkId),
}

impl ReaderKind {
    /// The audience whose limit for small counts applies.
    pub fn audience(self) -> Audience {
        match self {
            Self::Login => Audience::Member,
            Self::Key(_) => Audience::Key,
            Self::Link(_) => Audience::Link,
        }
    }
}

/// What a reader may read. The code behind a report knows nothing else about the reader.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadScope {
    /// `None` = every site.
    pub sites: Option<Arc<[String]>>,
    pub kind: ReaderKind,
    /// Fixed filters of a shared link, added to every question.
    pub filters: Vec<Json>,
}

impl ReadScope {
    /// Whether a site exists for this reader.
    pub fn includes(&self, site: &str) -> bool {
        let sites = self.sites.as_deref();
        sites.is_none_or(|sites| sites.iter().any(|own| own == site))
    }
}

impl Identity {
    /// The read permission of this identity; `None` = nothing. No other code derives it from
    /// credentials.
    pub fn read_scope(&self) -> Option<ReadScope> {
        match self {
            Self::Anonymous => None,
            Self::Demo => Some(ReadScope {
                sites: None,
                kind: ReaderKind::Login,
                filters: Vec::new(),
            }),
            Self::Person(session) => {
                let roles = &session.person.roles;
                let sites = (!roles.contains_key(EVERY_SITE))
                    .then(|| roles.keys().cloned().collect::<Arc<[String]>>());
                Some(ReadScope {
                    sites,
                    kind: ReaderKind::Login,
                    filters: Vec::new(),
                })
            }
            Self::Key(key) => key.scopes.contains(&Scope::Query).then(|| ReadScope {
                sites: Some([key.site.clone()].into()),
                kind: ReaderKind::Key(key.id),
                filters: Vec::new(),
            }),
            Self::Link(link) => Some(ReadScope {
                sites: Some([link.site.clone()].into()),
                kind: ReaderKind::Link(link.id),
                filters: link.filters.clone(),
            }),
        }
    }

    /// The role on a site.
    pub fn role_on(&self, site: &str) -> Option<Role> {
        match self {
            // Keys and links read reports and do nothing else.
            Self::Anonymous | Self::Key(_) | Self::Link(_) => None,
            Self::Demo => Some(Role::Viewer),
            Self::Person(session) => session.person.role_on(site),
        }
    }
}
