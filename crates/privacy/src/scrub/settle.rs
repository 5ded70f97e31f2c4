//! Repeating a scrubbing step until it changes nothing.

use std::borrow::Cow;

/// Rounds after which a text that still changes counts as made to hide something.
pub(super) const ROUNDS_MAX: usize = 8;

/// Applies a scrubbing step until it changes nothing, which makes it idempotent by construction. A
/// text that still changes after [`ROUNDS_MAX`] rounds becomes `fallback`.
pub(super) fn settle(
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

/// The first `bytes_max` bytes, cut between characters.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
