//! An event as a row of `events` in ClickHouse's RowBinary format: the spool holds the bytes that
//! the INSERT sends.
//!
//! This is the only encoder, and it takes an [`AnonymousEvent`], so nothing that did not pass the
//! privacy door can be written to disk. A segment records the column list it was written with
//! ([`schema`](crate::event_row::columns::schema)), so that events left in the spool by an earlier
//! version are inserted under their own list.
//!
//! RowBinary: integers are little-endian, strings and lists follow their LEB128 length, nullable
//! values follow a byte that is 1 for null.

use crate::event_row::columns::event_columns;
use crate::visits::VisitStamp;
use sillage_privacy::AnonymousEvent;

/// What the site adds to an event.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Version of the privacy policy under which it is collected.
    pub policy: &'a str,
    /// Day on which the row is destroyed, days since 1970-01-01.
    pub expires: u16,
}

/// Rust's types for the forms of columns.
mod form {
    pub type LowCardinality<'a> = &'a str;
    pub type Text<'a> = &'a str;
    pub type Bool<'a> = bool;
    pub type UInt8<'a> = u8;
    pub type UInt16<'a> = u16;
    pub type Int16<'a> = i16;
    pub type UInt32<'a> = u32;
    pub type UInt64<'a> = u64;
    pub type Date<'a> = u16;
    pub type DateTime<'a> = u32;
    pub type Decimal<'a> = i64;
    pub type MaybeUInt32<'a> = Option<u32>;
    pub type MaybeFloat32<'a> = Option<f32>;
    pub type UInt16List<'a> = &'a [u16];
    pub type TextPairs<'a> = &'a [(String, String)];
}

macro_rules! define_row {
    ($($name:ident: $form:ident, $meaning:literal;)*) => {
        /// The values of a row, one field for each column.
        struct Row<'a> {
            $($name: form::$form<'a>,)*
        }

        impl Row<'_> {
            /// Writes the values in the order of the columns.
            fn write(self, to: &mut Vec<u8>) {
                $(self.$name.write(to);)*
            }
        }
    };
}
event_columns!(define_row);

/// Encodes one row. `visit` is `None` for events that belong to no visit.
pub fn encode(event: &AnonymousEvent, visit: Option<&VisitStamp>, terms: Terms<'_>) -> Vec<u8> {
    let origin = visit.map_or(event.origin(), |visit| &visit.origin);
    let [utm_source, utm_medium, utm_campaign, utm_content, utm_term] = origin.utm();
    let os_version = match event.os_version() {
        0 => String::new(),
        version => version.to_string(),
    };
    let revenue = event.revenue();
    let vitals = event.vitals();
    let row = Row {
        site: event.site(),
        time: event.minute().saturating_mul(60),
        name: event.name().as_str(),
        key: event.key(),
        visitor: event.visitor().map_or(0, |visitor| visitor.get()),
        visit: visit.map_or(0, |visit| visit.id),
        seq: visit.map_or(0, |visit| visit.seq),
        elapsed: visit.map_or(0, |visit| visit.elapsed_s),
        hostname: event.hostname(),
        path: event.path(),
        previous_path: visit.map_or("", |visit| &visit.previous_path),
        entry_path: visit.map_or("", |visit| &visit.entry_path),
        referrer: origin.referrer(),
        source: origin.source(),
        channel: origin.channel(),
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        country: event.country(),
        region: event.region(),
        city: event.city(),
        browser: event.browser(),
        browser_version: event.browser_version(),
        os: event.os(),
        os_version: &os_version,
        device: event.device(),
        screen: event.screen(),
        language: event.language(),
        visit_number: visit.map_or(0, |visit| visit.visit_number),
        days_since_seen: visit.map_or(-1, |visit| visit.days_since_seen),
        interactive: event.interactive(),
        engaged_ms: event.engaged_ms(),
        scroll: event.scroll(),
        props: event.props(),
        revenue: revenue.map_or(0, |revenue| revenue.thousandths()),
        currency: revenue.as_ref().map_or("", |revenue| revenue.currency()),
        clicks: event.clicks(),
        lcp_ms: vitals.lcp_ms,
        inp_ms: vitals.inp_ms,
        cls: vitals.cls,
        fcp_ms: vitals.fcp_ms,
        ttfb_ms: vitals.ttfb_ms,
        basis: event.basis().as_str(),
        policy: terms.policy,
        expires: terms.expires,
    };
    let mut bytes = Vec::with_capacity(ROW_BYTES_USUAL);
    row.write(&mut bytes);
    bytes
}

/// Most rows fit into this many bytes without growing.
const ROW_BYTES_USUAL: usize = 512;

/// A value that has a form in RowBinary.
trait Value {
    fn write(self, to: &mut Vec<u8>);
}

macro_rules! write_little_endian {
    ($($number:ty),*) => {
        $(impl Value for $number {
            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
        })*
    };
}
write_little_endian!(u8, u16, i16, u32, i64, u64, f32);

impl Value for bool {
    fn write(self, to: &mut Vec<u8>) {
        to.push(u8::from(self));
    }
}

impl Value for &str {
    fn write(self, to: &mut Vec<u8>) {
        write_length(self.len(), to);
        to.extend_from_slice(self.as_bytes());
    }
}

impl<T: Value> Value for Option<T> {
    fn write(self, to: &mut Vec<u8>) {
        match self {
            Some(value) => {
                to.push(0);
                value.write(to);
            }
            None => to.push(1),
        }
    }
}

impl Value for &[u16] {
    fn write(self, to: &mut Vec<u8>) {
        write_length(self.len(), to);
        for element in self {
            (*element).write(to);
        }
    }
}

impl Value for &[(String, String)] {
    fn write(self, to: &mut Vec<u8>) {
        write_length(self.len(), to);
        for (name, value) in self {
            name.as_str().write(to);
            value.as_str().write(to);
        }
    }
}

/// LEB128.
fn write_length(mut length: usize, to: &mut Vec<u8>) {
    while length >= 0x80 {
        to.push(length as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_leb128() {
        let mut row = Vec::new();
        for length in [0, 127, 128, 300] {
            write_length(length, &mut row);
        }
        assert_eq!(row, [0, 127, 0x80, 1, 0xac, 2]);
    }
}
