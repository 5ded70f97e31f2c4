//! Rows to columns: what lies in the spool row by row is sent column by column, as blocks of
//! ClickHouse's Native format.
//!
//! The engine reads a row cell by cell, each through a function of its column's type, which is a
//! third of what an INSERT costs it (0.67 of 1.5 µs a row; 0.17 as columns). Taking rows apart here
//! costs less, since it is known what lies where: nothing is decoded, every cell is copied as it
//! is.
//!
//! The columns are those of `arrivals`. A segment that was written with others, by another version,
//! is sent row by row under its own list.
//!
//! Layout: ClickHouse, "Native": number of columns and of rows, then for each column its name, its
//! type and its values. Lengths are LEB128. Values lie as in RowBinary, but of nullable ones first
//! come all the flags, and of lists first all the ends, counted in elements from the start of the
//! block.

use std::sync::LazyLock;

const ARRIVALS: &str = include_str!("../store/schema/0040_arrivals.sql");

/// A record that is no row of these columns. It was written with a checksum, so this is a fault of
/// the program.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a record is no row of its columns")]
pub struct NoRow;

/// The cells of a row in their order, and the function that takes each apart; written out, as a
/// loop that asked of every cell what it is would cost as much again. That they are the columns of
/// `arrivals` is tested.
macro_rules! cells {
    ($($kind:ident $name:ident,)*) => {
        const CELLS: [(&str, Kind); [$(stringify!($name)),*].len()] = [$((stringify!($name), Kind::$kind)),*];

        /// Moves one row over; `None` if what is left is none.
        #[inline]
        fn take_row([$($name),*]: &mut [Values; CELLS.len()], rest: &mut &[u8]) -> Option<()> {
            $($name.take(const { Kind::$kind }, rest)?;)*
            Some(())
        }
    };
}

cells! {
    Text site,
    Four time,
    Text name,
    Eight key,
    Eight visitor,
    Eight visit,
    Two seq,
    Four elapsed,
    Text hostname,
    Text path,
    Text previous_path,
    Text entry_path,
    Text referrer,
    Text source,
    Text channel,
    Text utm_source,
    Text utm_medium,
    Text utm_campaign,
    Text utm_content,
    Text utm_term,
    Text country,
    Text region,
    Text city,
    Text browser,
    Two browser_version,
    Text os,
    Text os_version,
    Text device,
    Text screen,
    Text language,
    One visit_number,
    Two days_since_seen,
    One interactive,
    Four engaged_ms,
    One scroll,
    Pairs props,
    Eight revenue,
    Text currency,
    List clicks,
    MaybeFour lcp_ms,
    MaybeFour inp_ms,
    MaybeFour cls,
    MaybeFour fcp_ms,
    MaybeFour ttfb_ms,
    Text basis,
    Text policy,
    Two expires,
}

/// How a value lies in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    One,
    Two,
    Four,
    Eight,
    /// A length and so many bytes.
    Text,
    /// A byte, 1 for null; if it is 0, four more.
    MaybeFour,
    /// A number, and so many times two bytes.
    List,
    /// A number, and so many pairs of texts.
    Pairs,
}

/// The type of each column, as the table has it.
static TYPES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = ARRIVALS.lines().skip_while(|line| *line != "(").skip(1);
    lines
        .take_while(|line| *line != ")")
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(_, type_name)| type_name.trim().trim_end_matches(','))
        .collect()
});

/// Takes blocks of rows apart. Its buffers are used again for the next block.
pub struct Columns(Box<[Values; CELLS.len()]>);

/// The values of one column.
#[derive(Debug, Default)]
struct Values {
    /// Flags of nullable values, ends of lists.
    before: Vec<u8>,
    /// The values themselves; the keys of pairs.
    values: Vec<u8>,
    /// The second of each pair.
    seconds: Vec<u8>,
    /// Elements of all lists so far.
    elements: u64,
}

impl Columns {
    /// For rows written with this column list; `None` if that is not the one of `arrivals`.
    pub fn of(schema: &str) -> Option<Self> {
        let names = CELLS.iter().map(|(name, _)| *name);
        names
            .eq(schema.split(','))
            .then(|| Self(Box::new(std::array::from_fn(|_| Values::default()))))
    }

    /// These rows as one block.
    ///
    /// # Errors
    /// [`NoRow`] if they are not so many, or end in the middle of one.
    pub fn block(&mut self, rows: &[u8], count: u64) -> Result<Vec<u8>, NoRow> {
        for values in self.0.iter_mut() {
            values.before.clear();
            values.values.clear();
            values.seconds.clear();
            values.elements = 0;
        }
        let mut rest = rows;
        for _ in 0..count {
            take_row(&mut self.0, &mut rest).ok_or(NoRow)?;
        }
        if !rest.is_empty() {
            return Err(NoRow);
        }
        let bytes_of = |values: &Values| {
            values.before.len() + values.values.len() + values.seconds.len() + HEADER_BYTES
        };
        let mut block = Vec::with_capacity(self.0.iter().map(bytes_of).sum());
        push_length(&mut block, CELLS.len() as u64);
        push_length(&mut block, count);
        for (((name, _), type_name), values) in CELLS.iter().zip(&*TYPES).zip(self.0.iter()) {
            for text in [name, type_name] {
                push_length(&mut block, text.len() as u64);
                block.extend_from_slice(text.as_bytes());
            }
            block.extend_from_slice(&values.before);
            block.extend_from_slice(&values.values);
            block.extend_from_slice(&values.seconds);
        }
        Ok(block)
    }
}

/// Room for a column's name and type.
const HEADER_BYTES: usize = 64;

impl Values {
    /// Moves one cell over; `None` if the row ends in it.
    #[inline]
    fn take(&mut self, kind: Kind, rest: &mut &[u8]) -> Option<()> {
        match kind {
            Kind::One => push_array::<1>(&mut self.values, rest),
            Kind::Two => push_array::<2>(&mut self.values, rest),
            Kind::Four => push_array::<4>(&mut self.values, rest),
            Kind::Eight => push_array::<8>(&mut self.values, rest),
            Kind::Text => push_text(&mut self.values, rest),
            Kind::MaybeFour => {
                let (&flag, after) = rest.split_first()?;
                *rest = after;
                self.before.push(flag);
                if flag == 0 {
                    return push_array::<4>(&mut self.values, rest);
                }
                self.values.extend_from_slice(&[0; 4]);
                Some(())
            }
            Kind::List => {
                let elements = self.begin_list(rest)?;
                let bytes = usize::try_from(elements).ok()?.checked_mul(2)?;
                self.values.extend_from_slice(rest.split_off(..bytes)?);
                Some(())
            }
            Kind::Pairs => {
                for _ in 0..self.begin_list(rest)? {
                    push_text(&mut self.values, rest)?;
                    push_text(&mut self.seconds, rest)?;
                }
                Some(())
            }
        }
    }

    /// Notes where a list ends, and says how many elements it has.
    #[inline]
    fn begin_list(&mut self, rest: &mut &[u8]) -> Option<u64> {
        let elements = take_length(rest)?;
        self.elements = self.elements.checked_add(elements)?;
        self.before.extend_from_slice(&self.elements.to_le_bytes());
        Some(elements)
    }
}

#[inline]
fn push_array<const BYTES: usize>(to: &mut Vec<u8>, rest: &mut &[u8]) -> Option<()> {
    let (value, after) = rest.split_first_chunk::<BYTES>()?;
    *rest = after;
    to.extend_from_slice(value);
    Some(())
}

/// A text that with its length is at most so long is copied in one piece of this size, of which the
/// end is cut off again: copying exactly as much as it has would take a call, and most are short or
/// empty.
const SHORT_BYTES: usize = 16;

#[inline]
fn push_text(to: &mut Vec<u8>, rest: &mut &[u8]) -> Option<()> {
    match rest.first_chunk::<SHORT_BYTES>() {
        Some(piece) if usize::from(piece[0]) < SHORT_BYTES => {
            let whole = 1 + usize::from(piece[0]);
            to.extend_from_slice(piece);
            to.truncate(to.len() - SHORT_BYTES + whole);
            *rest = &rest[whole..];
        }
        _ => {
            let mut after = *rest;
            let bytes = usize::try_from(take_length(&mut after)?).ok()?;
            let whole = (rest.len() - after.len()).checked_add(bytes)?;
            to.extend_from_slice(rest.split_off(..whole)?);
        }
    }
    Some(())
}

/// Longest LEB128 of a 64-bit number.
const LENGTH_BYTES_MAX: usize = 10;

#[inline]
fn take_length(rest: &mut &[u8]) -> Option<u64> {
    let mut length = 0;
    for (place, &byte) in rest.iter().take(LENGTH_BYTES_MAX).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            *rest = &rest[place + 1..];
            return Some(length);
        }
    }
    None
}

fn push_length(to: &mut Vec<u8>, mut length: u64) {
    while length >= 0x80 {
        to.push(length as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event_row::encode;

    fn kind_of(type_name: &str) -> Option<Kind> {
        Some(match type_name {
            "UInt8" | "Bool" => Kind::One,
            "UInt16" | "Int16" | "Date" => Kind::Two,
            "UInt32" | "DateTime('UTC')" => Kind::Four,
            "UInt64" | "Decimal(18, 3)" => Kind::Eight,
            "String" => Kind::Text,
            "Nullable(UInt32)" | "Nullable(Float32)" => Kind::MaybeFour,
            "Array(UInt16)" => Kind::List,
            "Map(String, String)" => Kind::Pairs,
            _ => return None,
        })
    }

    #[test]
    fn cells_match_the_columns_of_arrivals_and_the_encoded_rows() {
        assert_eq!(CELLS.map(|(name, _)| name), encode::COLUMNS);
        let kinds: Vec<_> = TYPES.iter().map(|name| kind_of(name)).collect();
        assert_eq!(kinds, CELLS.map(|(_, kind)| Some(kind)));
        for ((name, _), type_name) in CELLS.iter().zip(&*TYPES) {
            assert!(name.len() + type_name.len() + 2 <= HEADER_BYTES);
        }
        assert!(Columns::of(&encode::schema()).is_some());
        assert!(Columns::of("site,time").is_none());
        assert!(Columns::of(&[&encode::schema(), ",more"].concat()).is_none());
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let length = prop_oneof![Just(0), 1..20_usize, Just(15), Just(16), 120..140_usize];
        length
            .prop_flat_map(|length| prop::collection::vec(any::<u8>(), length))
            .prop_map(|bytes| {
                let mut cell = Vec::new();
                push_length(&mut cell, bytes.len() as u64);
                [cell, bytes].concat()
            })
    }

    /// A cell as it lies in a row, and what each of the three buffers gets of it after so many
    /// elements.
    type Cell = (Vec<u8>, Vec<u8>, Vec<u8>, u64);

    fn cell(kind: Kind) -> BoxedStrategy<Cell> {
        let fixed = |bytes| {
            prop::collection::vec(any::<u8>(), bytes)
                .prop_map(|value: Vec<u8>| (value.clone(), value, Vec::new(), 0))
                .boxed()
        };
        match kind {
            Kind::One => fixed(1),
            Kind::Two => fixed(2),
            Kind::Four => fixed(4),
            Kind::Eight => fixed(8),
            Kind::Text => text()
                .prop_map(|value| (value.clone(), value, Vec::new(), 0))
                .boxed(),
            Kind::MaybeFour => prop::option::of(any::<[u8; 4]>())
                .prop_map(|value| match value {
                    Some(value) => ([&[0], &value[..]].concat(), value.into(), Vec::new(), 0),
                    None => (vec![1], vec![0; 4], Vec::new(), 0),
                })
                .boxed(),
            Kind::List => prop::collection::vec(any::<[u8; 2]>(), 0..4)
                .prop_map(|list| {
                    let values = list.concat();
                    let row = [&[list.len() as u8], &values[..]].concat();
                    (row, values, Vec::new(), list.len() as u64)
                })
                .boxed(),
            Kind::Pairs => prop::collection::vec((text(), text()), 0..4)
                .prop_map(|pairs| {
                    let mut row = vec![pairs.len() as u8];
                    let (mut keys, mut values) = (Vec::new(), Vec::new());
                    for (key, value) in &pairs {
                        row.extend_from_slice(key);
                        row.extend_from_slice(value);
                        keys.extend_from_slice(key);
                        values.extend_from_slice(value);
                    }
                    (row, keys, values, pairs.len() as u64)
                })
                .boxed(),
        }
    }

    fn rows() -> impl Strategy<Value = Vec<Vec<Cell>>> {
        let row: Vec<_> = CELLS.iter().map(|(_, kind)| cell(*kind)).collect();
        prop::collection::vec(row, 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_cell_is_written_to_its_column(rows in rows()) {
            let mut expected = vec![CELLS.len() as u8, rows.len() as u8];
            for (place, (name, kind)) in CELLS.iter().enumerate() {
                for text in [name, TYPES[place]] {
                    expected.push(text.len() as u8);
                    expected.extend_from_slice(text.as_bytes());
                }
                let cells = || rows.iter().map(|row| &row[place]);
                let mut elements = 0;
                for (row, _, _, more) in cells() {
                    match kind {
                        Kind::MaybeFour => expected.push(row[0]),
                        Kind::List | Kind::Pairs => {
                            elements += more;
                            expected.extend_from_slice(&elements.to_le_bytes());
                        }
                        _ => {}
                    }
                }
                cells().for_each(|(_, values, _, _)| expected.extend_from_slice(values));
                cells().for_each(|(_, _, seconds, _)| expected.extend_from_slice(seconds));
            }
            let joined: Vec<u8> = rows.iter().flatten().flat_map(|(row, ..)| row.clone()).collect();
            let count = rows.len() as u64;
            let mut columns = Columns::of(&encode::schema()).expect("these columns");
            prop_assert_eq!(columns.block(&joined, count), Ok(expected.clone()));
            // Nothing of it is left in the next, and what is no row is refused.
            prop_assert_eq!(columns.block(&joined, count), Ok(expected.clone()));
            prop_assert_eq!(columns.block(&joined, count + 1), Err(NoRow));
            prop_assert_eq!(columns.block(&[&joined, &b"\0"[..]].concat(), count), Err(NoRow));
            for end in 0..joined.len() {
                prop_assert_eq!(columns.block(&joined[..end], count), Err(NoRow));
            }
        }

        #[test]
        fn splitting_an_arbitrary_record_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), count in 0..5_u64) {
            let mut columns = Columns::of(&encode::schema()).expect("these columns");
            let _ = columns.block(&bytes, count);
        }
    }

    #[test]
    fn overlong_texts_and_lists_are_refused() {
        for length in [
            &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..],
            &[0xff; 32],
        ] {
            for kind in [Kind::Text, Kind::List, Kind::Pairs] {
                let mut values = Values::default();
                assert_eq!(values.take(kind, &mut &*[length, b"abc"].concat()), None);
            }
        }
    }

    #[test]
    fn lengths_are_leb128() {
        for length in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            push_length(&mut bytes, length);
            assert!(bytes.len() <= LENGTH_BYTES_MAX);
            bytes.push(7);
            let mut rest = bytes.as_slice();
            assert_eq!(take_length(&mut rest), Some(length));
            assert_eq!(rest, [7]);
        }
    }
}
