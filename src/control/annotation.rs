//! Annotations: notes on the chart about a day or a minute.

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::control::invalid::InvalidObject;

/// Most characters of an annotation.
pub const TEXT_CHARACTERS_MAX: usize = 500;

/// An annotation of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    /// A day (`2026-11-24`) or a minute (`2026-11-24T15:30`) by the site's clock.
    pub at: String,
    pub text: String,
}

impl Annotation {
    /// Checks the rules for annotations.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), InvalidObject> {
        // Each has one spelling, so that annotations can be compared as text.
        let is_day = self.at.len() == 10 && self.at.parse::<Date>().is_ok();
        let is_minute = self.at.len() == 16
            && self.at.as_bytes()[10] == b'T'
            && self.at.parse::<DateTime>().is_ok();
        if !is_day && !is_minute {
            return Err(InvalidObject(
                "at: a day such as 2026-11-24 or a minute such as 2026-11-24T15:30 is expected"
                    .into(),
            ));
        }
        let characters = self.text.chars().count();
        if self.text.trim().is_empty() || characters > TEXT_CHARACTERS_MAX {
            return Err(InvalidObject(
                "text: 1 to 500 characters are expected".into(),
            ));
        }
        if self.text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(InvalidObject(
                "text: control characters are not allowed".into(),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_has_a_day_or_minute_and_up_to_500_characters() {
        let check = |at: &str, text: &str| {
            let annotation = Annotation {
                at: at.into(),
                text: text.into(),
            };
            annotation.check().is_ok()
        };
        assert!(check("2026-11-24", "launch"));
        assert!(check("2026-11-24T15:30", "発売\n日"));
        assert!(check("2026-11-24", &"鍵".repeat(TEXT_CHARACTERS_MAX)));
        assert!(!check("2026-11-24", &"x".repeat(TEXT_CHARACTERS_MAX + 1)));
        for at in [
            "",
            "2026-02-30",
            "24.11.2026",
            "2026-11-24 15:30",
            "2026-11-24T15:30:00",
            "2026-11-24T25:30",
            "20261124T1530000",
        ] {
            assert!(!check(at, "x"), "{at}");
        }
        for text in ["", " \n ", "a\u{7}b"] {
            assert!(!check("2026-11-24", text), "{text:?}");
        }
    }
}
