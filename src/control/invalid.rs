//! Why a goal, funnel, annotation or saved filter is refused.

/// The rule that an object breaks. The text names the field and the rule, never what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidObject(pub String);
