//! One event as a row of `events`, in ClickHouse's RowBinary: what lies in the spool is what the
//! INSERT sends.
//!
//! The only encoder, and it takes an [`AnonymousEvent`]: nothing that did not pass the door can be
//! written to disk. A segment remembers the column list it was written with ([`schema`]), so that
//! events which lie in the spool over an upgrade are inserted under their own list.
//!
//! Layout: ClickHouse, "RowBinary": integers little-endian, strings and lists with a LEB128 length
//! before them, nullable values after a byte that is 1 for null.

use crate::visits::VisitStamp;
use sillage_privacy::AnonymousEvent;

/// The columns that a record holds, in their order. Sent as the column list of the INSERT.
pub const COLUMNS: [&str; 47] = [
    "site",
    "time",
    "name",
    "key",
    "visitor",
    "visit",
    "seq",
    "elapsed",
    "hostname",
    "path",
    "previous_path",
    "entry_path",
    "referrer",
    "source",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "country",
    "region",
    "city",
    "browser",
    "browser_version",
    "os",
    "os_version",
    "device",
    "screen",
    "language",
    "visit_number",
    "days_since_seen",
    "interactive",
    "engaged_ms",
    "scroll",
    "props",
    "revenue",
    "currency",
    "clicks",
    "lcp_ms",
    "inp_ms",
    "cls",
    "fcp_ms",
    "ttfb_ms",
    "basis",
    "policy",
    "expires",
];

/// The column list as it stands in the INSERT and in each segment's header.
pub fn schema() -> String {
    COLUMNS.join(",")
}

/// What the site adds to an event.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Version of the privacy policy it is collected under.
    pub policy: &'a str,
    /// Day on which the row is destroyed, days since 1970-01-01.
    pub expires: u16,
}

/// Encodes one row. `visit` is `None` for events that belong to no visit.
pub fn encode(event: &AnonymousEvent, visit: Option<&VisitStamp>, terms: Terms<'_>) -> Vec<u8> {
    let origin = visit.map_or(event.origin(), |visit| &visit.origin);
    let mut row = Row(Vec::with_capacity(512));
    row.text(event.site());
    row.u32(event.minute().saturating_mul(60));
    row.text(event.name().as_str());
    row.u64(event.key());
    row.u64(event.visitor().map_or(0, |visitor| visitor.get()));
    row.u64(visit.map_or(0, |visit| visit.id));
    row.u16(visit.map_or(0, |visit| visit.seq));
    row.u32(visit.map_or(0, |visit| visit.elapsed_s));
    row.text(event.hostname());
    row.text(event.path());
    row.text(visit.map_or("", |visit| &visit.previous_path));
    row.text(visit.map_or("", |visit| &visit.entry_path));
    row.text(origin.referrer());
    row.text(origin.source());
    row.text(origin.channel());
    for part in origin.utm() {
        row.text(part);
    }
    row.text(event.country());
    row.text(event.region());
    row.text(event.city());
    row.text(event.browser());
    row.u16(event.browser_version());
    row.text(event.os());
    match event.os_version() {
        0 => row.text(""),
        version => row.text(&version.to_string()),
    }
    row.text(event.device());
    row.text(event.screen());
    row.text(event.language());
    row.u8(visit.map_or(0, |visit| visit.visit_number));
    row.i16(visit.map_or(-1, |visit| visit.days_since_seen));
    row.u8(u8::from(event.interactive()));
    row.u32(event.engaged_ms());
    row.u8(event.scroll());
    row.length(event.props().len());
    for (key, value) in event.props() {
        row.text(key);
        row.text(value);
    }
    // Decimal(18, 3): thousandths as a 64-bit integer.
    row.i64(event.revenue().map_or(0, |revenue| revenue.thousandths()));
    row.text(
        event
            .revenue()
            .as_ref()
            .map_or("", |revenue| revenue.currency()),
    );
    row.length(event.clicks().len());
    for cell in event.clicks() {
        row.u16(*cell);
    }
    let vitals = event.vitals();
    row.optional(vitals.lcp_ms, Row::u32);
    row.optional(vitals.inp_ms, Row::u32);
    row.optional(vitals.cls, Row::f32);
    row.optional(vitals.fcp_ms, Row::u32);
    row.optional(vitals.ttfb_ms, Row::u32);
    row.text(event.basis().as_str());
    row.text(terms.policy);
    row.u16(terms.expires);
    row.0
}

struct Row(Vec<u8>);

impl Row {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn i16(&mut self, value: i16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn f32(&mut self, value: f32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.0.push(length as u8 | 0x80);
            length >>= 7;
        }
        self.0.push(length as u8);
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => {
                self.0.push(0);
                write(self, value);
            }
            None => self.0.push(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_the_tables_in_their_order() {
        for table in [
            include_str!("../store/schema/0001_events.sql"),
            include_str!("../store/schema/0040_arrivals.sql"),
        ] {
            let names: Vec<&str> = table
                .lines()
                .skip_while(|line| *line != "(")
                .skip(1)
                .take_while(|line| *line != ")")
                .filter_map(|line| line.split_whitespace().next())
                .collect();
            assert_eq!(names, COLUMNS);
        }
        let view = include_str!("../store/schema/0041_arrivals_into_events.sql");
        assert!(view.contains(&COLUMNS.join(",\n    ")));
    }

    #[test]
    fn lengths_are_leb128() {
        let mut row = Row(Vec::new());
        for length in [0, 127, 128, 300] {
            row.length(length);
        }
        assert_eq!(row.0, [0, 127, 0x80, 1, 0xac, 2]);
    }
}
