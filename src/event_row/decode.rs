//! Reads one event back from its row in the spool, as [`encode`](crate::event_row::encode::encode)
//! wrote it: only the fields that a restart needs to restore open visits and remembered keys.
//!
//! Rows are read by the column list of their own segment, so rows of an earlier version can be read
//! as long as each of their columns is in the table. No row can cause a panic or an allocation
//! larger than the row.

use crate::event_row::columns::{COLUMNS, Layout, event_columns};

/// What a restart needs of an event. All of it is anonymised already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredEvent<'a> {
    /// Site id.
    pub site: &'a str,
    /// Start of the minute in which it was received, Unix seconds.
    pub minute_s: u32,
    /// `pageview`, `engagement`, or the name of a custom event.
    pub name: &'a str,
    /// The stored form of `k`.
    pub key: u64,
    /// 0 = none.
    pub visitor: u64,
    /// 0 = none.
    pub visit: u64,
    /// Place in the visit, from 1.
    pub seq: u16,
    /// Whole seconds since the visit began.
    pub elapsed_s: u32,
    /// Path of the page.
    pub path: &'a str,
    /// Path of the page before.
    pub previous_path: &'a str,
    /// Path of the visit's first page.
    pub entry_path: &'a str,
    /// Host that linked to the visit's first page.
    pub referrer: &'a str,
    /// Name of the visit's source.
    pub source: &'a str,
    /// Class of the visit's source.
    pub channel: &'a str,
    /// `utm_source`, `_medium`, `_campaign`, `_content`, `_term`.
    pub utm: [&'a str; 5],
    /// Which visit of the device it is, as a class.
    pub visit_number: u8,
    /// Days since the device's previous visit.
    pub days_since_seen: i16,
}

macro_rules! define_cells {
    ($($name:ident: $form:ident, $meaning:literal;)*) => {
        /// Bytes of a row's values, one field for each column; `None` = the row has no such column.
        #[derive(Default)]
        struct Cells<'a> {
            $($name: Option<&'a [u8]>,)*
        }

        impl<'a> Cells<'a> {
            /// The fields in the order of [`COLUMNS`].
            fn in_order(&mut self) -> [&mut Option<&'a [u8]>; COLUMNS.len()] {
                [$(&mut self.$name),*]
            }
        }
    };
}
event_columns!(define_cells);

/// Reads the rows of one column list.
#[derive(Debug)]
pub struct Decoder {
    /// Indices into [`COLUMNS`].
    columns: Vec<usize>,
}

impl Decoder {
    /// For rows with the column list of a segment's header. `None` when it has an unknown column: a
    /// newer version wrote it.
    pub fn new(schema: &str) -> Option<Self> {
        let index = |name: &str| COLUMNS.iter().position(|column| column.name == name);
        let columns = schema.split(',').map(index).collect::<Option<_>>()?;
        Some(Self { columns })
    }

    /// Reads one row. `None` when the bytes are not a row: too short, too long, or not UTF-8 in a
    /// text.
    pub fn decode<'a>(&self, row: &'a [u8]) -> Option<StoredEvent<'a>> {
        let mut cells = Cells::default();
        let mut rest = Rest(row);
        let in_order = cells.in_order();
        for &column in &self.columns {
            *in_order[column] = Some(rest.value(COLUMNS[column].form.layout())?);
        }
        if !rest.0.is_empty() {
            return None;
        }
        Some(StoredEvent {
            site: text(cells.site)?,
            minute_s: u32::from_le_bytes(number(cells.time)?),
            name: text(cells.name)?,
            key: u64::from_le_bytes(number(cells.key)?),
            visitor: u64::from_le_bytes(number(cells.visitor)?),
            visit: u64::from_le_bytes(number(cells.visit)?),
            seq: u16::from_le_bytes(number(cells.seq)?),
            elapsed_s: u32::from_le_bytes(number(cells.elapsed)?),
            path: text(cells.path)?,
            previous_path: text(cells.previous_path)?,
            entry_path: text(cells.entry_path)?,
            referrer: text(cells.referrer)?,
            source: text(cells.source)?,
            channel: text(cells.channel)?,
            utm: [
                text(cells.utm_source)?,
                text(cells.utm_medium)?,
                text(cells.utm_campaign)?,
                text(cells.utm_content)?,
                text(cells.utm_term)?,
            ],
            visit_number: u8::from_le_bytes(number(cells.visit_number)?),
            days_since_seen: match cells.days_since_seen {
                Some(_) => i16::from_le_bytes(number(cells.days_since_seen)?),
                None => -1,
            },
        })
    }
}

/// A text; empty when the row has no such column.
fn text(value: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(value.unwrap_or_default()).ok()
}

/// The bytes of a number; 0 when the row has no such column.
fn number<const BYTES: usize>(value: Option<&[u8]>) -> Option<[u8; BYTES]> {
    value.map_or(Some([0; BYTES]), |value| value.try_into().ok())
}

/// The part of a row that is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// LEB128 of at most four bytes, which is more than a row can be long.
    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = *self.bytes(1)?.first()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(length);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.bytes(length)
    }

    /// The bytes of a value without its length; empty for pairs, which a restart does not need.
    fn value(&mut self, layout: Layout) -> Option<&'a [u8]> {
        match layout {
            Layout::OneByte => self.bytes(1),
            Layout::TwoBytes => self.bytes(2),
            Layout::FourBytes => self.bytes(4),
            Layout::EightBytes => self.bytes(8),
            Layout::Text => self.text(),
            Layout::TwoByteList => {
                let elements = self.length()?;
                self.bytes(elements * 2)
            }
            Layout::TextPairs => {
                for _ in 0..self.length()? * 2 {
                    self.text()?;
                }
                Some(&[])
            }
            Layout::MaybeFourBytes => match self.bytes(1)?.first()? {
                0 => self.bytes(4),
                1 => Some(&[]),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::event_row::columns::schema;
    use crate::event_row::encode::{Terms, encode};
    use crate::visits::VisitStamp;
    use sillage_privacy::{
        Basis, Campaign, ClientIp, Device, DeviceId, EventName, Lookups, Origin, PageUrl, Place,
        RawBeacon, Salt, Salts, ScrubRules, UserAgent, Vitals, anonymise,
    };

    /// A row as the pipeline writes it, with its visitor and its path after scrubbing.
    fn row(
        path: &str,
        name: &str,
        props: &[String],
        clicks: Vec<u16>,
        stamp: Option<&VisitStamp>,
    ) -> (Vec<u8>, u64, String) {
        let today = Salt::from_bytes([3; 32]);
        let place = |_| Arc::<Place>::default();
        let device = |_: &str| Device {
            browser: "Firefox",
            browser_version: 144,
            os: "Linux",
            os_version: 0,
            kind: "desktop",
        };
        let raw = RawBeacon {
            site: "example.com".into(),
            minute: 29_000_000,
            key: 77,
            name: EventName::parse(name).unwrap_or(EventName::Pageview),
            page: PageUrl::parse(&format!("https://example.com/{path}"), false)
                .unwrap_or_else(|_| panic!("a page: {path}")),
            origin: Origin::new("", "", "Direct", &Campaign::default()).into(),
            ip: ClientIp::from_peer([203, 0, 113, 9].into()),
            agent: UserAgent::from_header(b"agent"),
            device: Some(DeviceId::from_random([5; 16])),
            language: None,
            viewport_width: Some(800),
            interactive: true,
            engaged_ms: 17,
            scroll: 50,
            props: props
                .iter()
                .map(|value| ("key".to_owned(), value.clone()))
                .collect(),
            revenue: None,
            clicks,
            vitals: Vitals {
                lcp_ms: Some(1_200),
                ..Vitals::default()
            },
            automated: false,
        };
        let salts = Salts {
            today: &today,
            yesterday: None,
        };
        let look = Lookups {
            place: &place,
            device: &device,
        };
        let event = anonymise(raw, Basis::Full, &salts, &ScrubRules::default(), &look).event;
        let visitor = event.visitor().map_or(0, |visitor| visitor.get());
        let terms = Terms {
            policy: "1",
            expires: 20_500,
        };
        let path = event.path().to_owned();
        (encode(&event, stamp, terms), visitor, path)
    }

    fn stamp(seq: u16, elapsed_s: u32, previous: &str, entry: &str) -> VisitStamp {
        let campaign = Campaign {
            source: "news".into(),
            medium: "email".into(),
            ..Campaign::default()
        };
        VisitStamp {
            id: 4711,
            seq,
            elapsed_s,
            previous_path: previous.into(),
            entry_path: entry.into(),
            origin: Arc::new(Origin::new("news.example", "news", "Email", &campaign)),
            visit_number: 3,
            days_since_seen: 12,
            is_first: false,
        }
    }

    proptest! {
        #[test]
        fn an_encoded_row_is_decoded_unchanged(
            path in "[a-z]{0,12}(/[a-z]{1,200}){0,3}", name in "pageview|engagement|[A-Z][a-z]{1,10}",
            props in prop::collection::vec("[a-z ]{1,40}", 0..5), clicks in prop::collection::vec(0u16..2000, 0..20),
            seq in 1u16.., elapsed_s in any::<u32>(), previous in "/[a-z]{0,300}", entry in "/[a-z]{0,300}",
        ) {
            let stamp = stamp(seq, elapsed_s, &previous, &entry);
            let (row, visitor, path) = row(&path, &name, &props, clicks, Some(&stamp));
            let decoder = Decoder::new(&schema()).expect("our own columns");
            let event = decoder.decode(&row).expect("our own row");
            prop_assert_eq!(event.site, "example.com");
            prop_assert_eq!(event.name, name);
            prop_assert_eq!((event.minute_s, event.key, event.visitor), (29_000_000 * 60, 77, visitor));
            prop_assert_eq!((event.visit, event.seq, event.elapsed_s), (4711, seq, elapsed_s));
            prop_assert_eq!(event.path, path);
            prop_assert_eq!((event.previous_path, event.entry_path), (&*previous, &*entry));
            prop_assert_eq!((event.referrer, event.source, event.channel), ("news.example", "news", "Email"));
            prop_assert_eq!(event.utm, ["news", "email", "", "", ""]);
            prop_assert_eq!((event.visit_number, event.days_since_seen), (3, 12));
        }

        #[test]
        fn decoding_an_arbitrary_row_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = Decoder::new(&schema()).expect("our own columns").decode(&bytes);
        }
    }

    #[test]
    fn truncated_rows_and_trailing_bytes_are_refused() {
        let decoder = Decoder::new(&schema()).expect("our own columns");
        let (row, ..) = row("a", "pageview", &["x".into()], vec![1, 2], None);
        assert!(decoder.decode(&row).is_some());
        for length in 0..row.len() {
            assert_eq!(decoder.decode(&row[..length]), None, "{length} bytes");
        }
        assert_eq!(decoder.decode(&[&row[..], b"x"].concat()), None);
    }

    #[test]
    fn an_earlier_column_list_is_read_and_a_newer_one_is_not() {
        let decoder = Decoder::new("site,visit,seq").expect("known columns");
        let event = decoder
            .decode(b"\x01a\x09\0\0\0\0\0\0\0\x02\0")
            .expect("a row");
        assert_eq!((event.site, event.visit, event.seq), ("a", 9, 2));
        assert!(Decoder::new("site,mood").is_none());
    }
}
