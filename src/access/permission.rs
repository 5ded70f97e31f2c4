//! What a route requires: who may use it, and what proves that a change was intended.

use crate::control::people::Role;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anyone,
    /// Programs on this machine, without a log-in.
    Local,
    /// People who may read reports of some site, or a demo without people. The handler checks which
    /// site.
    Reader,
    /// A [`Who::Reader`], an API key or a shared link. The handler checks which site.
    AnyReader,
    /// People who are logged in.
    Person,
    /// People who own a site. The handler checks which one.
    Owner,
    /// People with at least this role on the site in the path. A demo without people is a viewer.
    Has(Role),
}

/// Protection against cross-site request forgery: what proves that a person intended a change. In
/// addition, cookies are `SameSite=Strict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// None: the route changes nothing, or needs no log-in.
    None,
    /// A form that is sent before log-in, so without a token: the browser states that it comes from
    /// this origin.
    Origin,
    /// A form with the log-in's token in its field `csrf`, sent from this origin.
    Form,
    /// The log-in's token in the header `x-sillage-csrf`.
    Header,
    /// The secret in the path, which was sent to one person. Mail programs press the button for
    /// that person (RFC 8058) and send no origin.
    Link,
}
