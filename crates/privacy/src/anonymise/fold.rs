//! Replaces texts beyond the cardinality limit by `(other)`.

use std::sync::Arc;

use super::AnonymousEvent;
use crate::fields::{CustomName, EventName};
use crate::open_field::OpenField;
use crate::scrub;

impl AnonymousEvent {
    /// Replaces by `(other)` those texts chosen by the page for which `is_kept` is false. It is not
    /// called for empty texts and for `(other)`.
    pub fn fold(&mut self, is_kept: &mut dyn FnMut(OpenField, &str) -> bool) {
        let mut is_folded = |field, text: &str| {
            !matches!(text, "" | scrub::OTHER | scrub::OTHER_PATH) && !is_kept(field, text)
        };
        if is_folded(OpenField::Path, &self.path) {
            self.path = scrub::OTHER_PATH.to_owned();
        }
        if let EventName::Custom(name) = &mut self.name
            && is_folded(OpenField::EventName, name.as_str())
        {
            *name = CustomName::other();
        }
        if let Some(folded) = self.origin.folded(&mut is_folded) {
            self.origin = Arc::new(folded);
        }
        let mut has_other = false;
        for (name, value) in &mut self.props {
            if is_folded(OpenField::PropertyName, name) {
                // Several such names would be one key with several values: keep one.
                *name = if has_other {
                    String::new()
                } else {
                    scrub::OTHER.to_owned()
                };
                *value = scrub::OTHER.to_owned();
                has_other = true;
            } else if is_folded(OpenField::PropertyValue, value) {
                *value = scrub::OTHER.to_owned();
            }
        }
        if has_other {
            self.props.retain(|(name, _)| !name.is_empty());
        }
    }
}
