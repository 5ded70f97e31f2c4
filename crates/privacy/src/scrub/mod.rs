//! Scrubbing (P7): what is stored of an address or a text. The server scrubs every text, whatever
//! the page has already removed.
//!
//! `normal_form` brings a text to one form first (percent-decoding, NFKC, hidden characters
//! removed, repeated until nothing changes), so that neither double encoding nor full-width
//! characters bypass the rules. Then `mask` replaces everything that looks like an identifier of a
//! person or a SIM, and `segments` does the same for identifiers that span several segments of a
//! path. `links` shortens addresses inside a text. `names` drops properties whose name says that
//! they are about a person. `corpus` measures the rules.
//!
//! Properties held by tests: every function here is total and idempotent, and its result stays
//! within the limits of [`bounds`](crate::bounds).

mod addresses;
mod coordinates;
mod digit_groups;
mod encoded;
mod entities;
mod kind;
mod links;
mod mask;
mod name_lists;
mod names;
mod national;
mod normal_form;
mod path;
mod prefilter;
mod randomness;
mod rules;
mod segments;
mod settle;
mod shapes;
mod slashed;
mod text;
mod tokens;

pub(crate) use mask::findings;
pub(crate) use normal_form::normalise;
pub use path::{OTHER_PATH, path};
pub use rules::{RouteTemplate, RuleFault, ScrubRules};
pub(crate) use segments::across;
pub use text::{OTHER, host, label, property};

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
