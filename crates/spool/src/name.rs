//! Names of segment files. The name of a sealed segment says how many bytes of the file count and
//! how many records they hold. So opening a spool reads names and headers, never records, and one
//! atomic rename both seals a segment and cuts off anything that a failed write left behind its
//! end.
//!
//! ```text
//! <seq>-<id>-<created>.open                        being written to
//! <seq>-<id>-<created>-<records>-<bytes>.sealed    complete; <records> and <bytes> in decimal
//! <seq>-<id>.quarantine                            damaged or refused data, for the operator to inspect
//! ```
//! `<seq>` (16 hex digits) orders, `<id>` (32 hex digits) names, `<created>` is Unix milliseconds
//! in decimal.

use std::fmt;

use crate::segment::SegmentId;

/// What a segment file's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentName {
    /// Order of creation within this folder; never reused.
    pub seq: u64,
    pub id: SegmentId,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open { created_ms: u64 },
    Sealed { created_ms: u64, extent: Extent },
    Quarantine,
}

/// How much of a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub records: u64,
    /// Length from the start of the file, header included.
    pub bytes: u64,
}

impl SegmentName {
    /// `None` if the name is not exactly as [`SegmentName`] writes it.
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        let mut parts = stem.split('-');
        let seq = u64::from_str_radix(parts.next()?, 16).ok()?;
        let id = SegmentId::parse(parts.next()?)?;
        let mut number = || parts.next()?.parse::<u64>().ok();
        let state = match extension {
            "open" => State::Open {
                created_ms: number()?,
            },
            "sealed" => State::Sealed {
                created_ms: number()?,
                extent: Extent {
                    records: number()?,
                    bytes: number()?,
                },
            },
            "quarantine" => State::Quarantine,
            _ => return None,
        };
        let parsed = Self { seq, id, state };
        // Only the spelling that we write is accepted: not "+1", upper case or further parts.
        (parsed.to_string() == name).then_some(parsed)
    }

    pub fn with(self, state: State) -> Self {
        Self { state, ..self }
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.seq, self.id)?;
        match self.state {
            State::Open { created_ms } => write!(f, "-{created_ms}.open"),
            State::Sealed { created_ms, extent } => {
                write!(
                    f,
                    "-{created_ms}-{}-{}.sealed",
                    extent.records, extent.bytes
                )
            }
            State::Quarantine => write!(f, ".quarantine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_are_not_exactly_ours_are_foreign() {
        let id = "0123456789abcdef0123456789abcdef";
        let good = format!("00000000000000a1-{id}-17-2-300.sealed");
        assert!(SegmentName::parse(&good).is_some());
        for name in [
            "".to_owned(),
            "notes.txt".to_owned(),
            "lock".to_owned(),
            format!("a1-{id}-17-2-300.sealed"),
            format!("00000000000000A1-{id}-17-2-300.sealed"),
            format!("00000000000000a1-{id}-+17-2-300.sealed"),
            format!("00000000000000a1-{id}-17-2.sealed"),
            format!("00000000000000a1-{id}-17-2-300-4.sealed"),
            format!("00000000000000a1-{id}-17-2-300.sealed.bak"),
            format!("00000000000000a1-{id}-17-2-99999999999999999999999.sealed"),
            format!("00000000000000a1-{}-17.open", &id[1..]),
        ] {
            assert_eq!(SegmentName::parse(&name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_segment_name_survives_the_round_trip(
            seq: u64, id: u128, created_ms: u64, records: u64, bytes: u64, state in 0..3,
        ) {
            let state = match state {
                0 => State::Open { created_ms },
                1 => State::Sealed { created_ms, extent: Extent { records, bytes } },
                _ => State::Quarantine,
            };
            let name = SegmentName { seq, id: SegmentId::from(id), state };
            prop_assert_eq!(SegmentName::parse(&name.to_string()), Some(name));
        }

        #[test]
        fn parsing_any_name_never_panics(name in ".{0,120}") {
            let _ = SegmentName::parse(&name);
        }
    }
}
