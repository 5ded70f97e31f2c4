//! The 47 columns of an event, in one table: name, form and meaning.
//!
//! The order of the spool's rows, the [encoder](crate::event_row::encode), the blocks of
//! [columns](crate::event_row::native) that an INSERT sends and the
//! [decoder](crate::event_row::decode) are made from it. The SQL schema and `docs/schema.md` are
//! compared with it in a test. A new column is a line here, its value in the encoder, and a
//! migration.
//!
//! Deliberately not here: what a column says of a visitor, which is `stored`.

/// Calls a macro with the table: `name: Form, "meaning";` for each column, in the order in which
/// they are stored. The meaning is the column's comment in ClickHouse.
macro_rules! event_columns {
    ($callback:ident) => {
        $callback! {
            site: LowCardinality, "Site id as configured, e.g. example.com";
            time: DateTime,
                "Minute in which the server received the beacon; seconds are never stored (P8)";
            name: LowCardinality, "pageview, engagement, or the name of a custom event";
            key: UInt64,
                "Random id of the pageview or event, from the page; an engagement row carries the \
key of its pageview. Not a visitor id";
            visitor: UInt64,
                "Pseudonymous id of the visitor for one site and one site-local day; 0 = not \
known or cleared. HMAC under a salt that is destroyed after the day (P3)";
            visit: UInt64,
                "Random id of the visit (events of a visitor with gaps under 30 minutes); 0 = not \
known or cleared";
            seq: UInt16,
                "Position of the event in its visit, from 1; 0 = no visit; an engagement row \
carries the position of the latest event before it";
            elapsed: UInt32,
                "Seconds from the minute in which the visit began to the minute of this event; a \
multiple of 60, so no finer than time. Means over visits are unbiased";
            hostname: LowCardinality, "Host of the page";
            path: Text, "Scrubbed path of the page (P7)";
            previous_path: Text, "Path of the page seen before in this visit; empty at its start";
            entry_path: Text, "Path of the first page of this visit";
            referrer: LowCardinality,
                "Host that linked to the first page of this visit; never a full URL";
            source: LowCardinality, "Name of the source of this visit, e.g. Google; empty = direct";
            channel: LowCardinality, "Class of the source, e.g. Organic Search, Referral, Direct";
            utm_source: LowCardinality,
                "Campaign parameters of the first page of this visit; consented visits only";
            utm_medium: LowCardinality, "See utm_source";
            utm_campaign: LowCardinality, "See utm_source";
            utm_content: LowCardinality, "See utm_source";
            utm_term: LowCardinality, "See utm_source";
            country: LowCardinality,
                "ISO 3166-1 alpha-2, looked up from the truncated address; empty = unknown";
            region: LowCardinality, "ISO 3166-2 subdivision, e.g. JP-13; empty = unknown";
            city: LowCardinality,
                "English name of the city; empty = unknown. Reports fold small ones (P10)";
            browser: LowCardinality, "Browser family; empty = unknown";
            browser_version: UInt16, "Major version; 0 = unknown";
            os: LowCardinality, "Operating system family; empty = unknown";
            os_version: LowCardinality, "Major version; empty = unknown";
            device: LowCardinality, "desktop, mobile, tablet, other; empty = unknown";
            screen: LowCardinality,
                "Class of the viewport width: xs < 576, sm < 768, md < 992, lg < 1200, xl < 1600, \
xxl; empty = unknown";
            language: LowCardinality, "Primary language subtag, e.g. ja; empty = unknown";
            visit_number: UInt8,
                "Which visit of this device it is, in classes 1, 2, 3 (3-5), 6 (6-10), 11 (11 and \
more); 0 = not known";
            days_since_seen: Int16,
                "Site-local days since the previous visit of this device: to the day up to 31, \
then the middle of the week (35 to 91), then of 30 days (110 to 380), 400 at \
most; 32767 = never seen before; -1 = not known";
            interactive: Bool,
                "Whether the event makes the visit more than a bounce; pageviews do from the \
second one on";
            engaged_ms: UInt32,
                "engagement rows: milliseconds the page was visible and focused so far; \
cumulative under key, the greatest counts. In classes: 1 (under 10 s), steps of \
10 s to 60 s, 30 s to 300 s, then 60 s, rounded up or down by key so that sums \
and means are unbiased";
            scroll: UInt8,
                "engagement rows: greatest scroll depth so far in percent, 0 to 100; 255 = not \
known";
            props: TextPairs, "Scrubbed properties of a custom event; consented visits only";
            revenue: Decimal, "Amount of a custom event; 0 = none";
            currency: LowCardinality, "ISO 4217; empty = none";
            clicks: UInt16List,
                "Click cells of the page: row * 20 + column, columns of 5 % of the width; \
consented visits only";
            lcp_ms: MaybeUInt32, "Largest Contentful Paint, milliseconds, two significant digits";
            inp_ms: MaybeUInt32, "Interaction to Next Paint, milliseconds, two significant digits";
            cls: MaybeFloat32, "Cumulative Layout Shift, no unit, two significant digits";
            fcp_ms: MaybeUInt32, "First Contentful Paint, milliseconds, two significant digits";
            ttfb_ms: MaybeUInt32, "Time to First Byte, milliseconds, two significant digits";
            basis: LowCardinality,
                "Ground on which the event was collected: consent (the visitor agreed), exempt \
(audience measurement without consent), count (page counts only)";
            policy: LowCardinality,
                "Version of the privacy policy under which the event was collected (P9)";
            expires: Date, "Day on which the row is destroyed, fixed when it was collected (P9)";
        }
    };
}
pub(crate) use event_columns;

/// Form of a column: its type in ClickHouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text with few different values.
    LowCardinality,
    /// Any text.
    Text,
    Bool,
    UInt8,
    UInt16,
    Int16,
    UInt32,
    UInt64,
    /// Days since 1970-01-01.
    Date,
    /// Unix seconds.
    DateTime,
    /// An amount in thousandths.
    Decimal,
    /// A number, or null for not known.
    MaybeUInt32,
    MaybeFloat32,
    UInt16List,
    /// Names and their values.
    TextPairs,
}

/// How a value is laid out in a row of ClickHouse's RowBinary format. Numbers are little-endian,
/// lengths are LEB128.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    OneByte,
    TwoBytes,
    FourBytes,
    EightBytes,
    /// Length in bytes, then the bytes.
    Text,
    /// A byte that is 1 for null. If it is 0, four bytes follow.
    MaybeFourBytes,
    /// Number of elements, then two bytes for each.
    TwoByteList,
    /// Number of pairs, then two texts for each.
    TextPairs,
}

impl Form {
    /// Layout of a value in a row.
    pub const fn layout(self) -> Layout {
        match self {
            Self::LowCardinality | Self::Text => Layout::Text,
            Self::Bool | Self::UInt8 => Layout::OneByte,
            Self::UInt16 | Self::Int16 | Self::Date => Layout::TwoBytes,
            Self::UInt32 | Self::DateTime => Layout::FourBytes,
            Self::UInt64 | Self::Decimal => Layout::EightBytes,
            Self::MaybeUInt32 | Self::MaybeFloat32 => Layout::MaybeFourBytes,
            Self::UInt16List => Layout::TwoByteList,
            Self::TextPairs => Layout::TextPairs,
        }
    }

    /// Type of the column in `arrivals`, the table that INSERTs name.
    pub const fn arrivals_type(self) -> &'static str {
        match self {
            Self::LowCardinality | Self::Text => "String",
            Self::Bool => "Bool",
            Self::UInt8 => "UInt8",
            Self::UInt16 => "UInt16",
            Self::Int16 => "Int16",
            Self::UInt32 => "UInt32",
            Self::UInt64 => "UInt64",
            Self::Date => "Date",
            Self::DateTime => "DateTime('UTC')",
            Self::Decimal => "Decimal(18, 3)",
            Self::MaybeUInt32 => "Nullable(UInt32)",
            Self::MaybeFloat32 => "Nullable(Float32)",
            Self::UInt16List => "Array(UInt16)",
            Self::TextPairs => "Map(String, String)",
        }
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub form: Form,
    /// What it holds, as analysts read it.
    pub meaning: &'static str,
}

macro_rules! list_columns {
    ($($name:ident: $form:ident, $meaning:literal;)*) => {
        /// Every column of an event, in the order in which a row holds them.
        pub const COLUMNS: [Column; [$(stringify!($name)),*].len()] = [
            $(Column { name: stringify!($name), form: Form::$form, meaning: $meaning }),*
        ];
    };
}
event_columns!(list_columns);

/// The column list of an INSERT and of a segment's header.
pub fn schema() -> String {
    COLUMNS.map(|column| column.name).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = include_str!("../store/schema/0001_events.sql");
    const ARRIVALS: &str = include_str!("../store/schema/0040_arrivals.sql");
    const VIEW: &str = include_str!("../store/schema/0041_arrivals_into_events.sql");
    const DOCUMENT: &str = include_str!("../../docs/schema.md");

    /// Type of the column in `events`, the table that keeps rows.
    fn events_type(form: Form) -> &'static str {
        match form {
            Form::LowCardinality => "LowCardinality(String)",
            Form::TextPairs => "Map(LowCardinality(String), String)",
            other => other.arrivals_type(),
        }
    }

    /// Names and types of the columns in a CREATE TABLE statement that has one column a line.
    fn columns_of(create: &str) -> Vec<(&str, &str)> {
        let lines = create.lines().skip_while(|line| *line != "(").skip(1);
        let lines = lines.take_while(|line| *line != ")");
        lines
            .filter_map(|line| line.trim().split_once(' '))
            .map(|(name, rest)| {
                let rest = rest.trim().trim_end_matches(',');
                let ends = [" COMMENT ", " CODEC("].map(|word| rest.find(word));
                let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
                (name, &rest[..end])
            })
            .collect()
    }

    #[test]
    fn the_table_has_the_columns_of_the_sql_schema_in_their_order() {
        let arrivals = COLUMNS.map(|column| (column.name, column.form.arrivals_type()));
        assert_eq!(columns_of(ARRIVALS), arrivals);
        let events = COLUMNS.map(|column| (column.name, events_type(column.form)));
        assert_eq!(columns_of(EVENTS), events);
        assert!(VIEW.contains(&COLUMNS.map(|column| column.name).join(",\n    ")));
    }

    #[test]
    fn the_document_of_the_tables_says_what_the_table_says() {
        let (_, events) = DOCUMENT.split_once("\n## events\n").expect("events");
        let (events, _) = events.split_once("\n## ").expect("another table");
        let documented: Vec<&str> = events
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let expected = COLUMNS.map(|column| {
            let (name, form) = (column.name, events_type(column.form));
            format!("| `{name}` | `{form}` | {} |", column.meaning)
        });
        assert_eq!(documented, expected);
    }
}
