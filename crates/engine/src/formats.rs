//! Which output formats can be streamed, and how their headers are found.
//!
//! libchdb formats every block of a streamed result as if it were a whole result (measured on
//! 26.7.3: four parts of a table give four JSON documents, and `CSVWithNames` repeats its header
//! before each). Formats of rows only are correct all the same. Of formats with a header, repeated
//! headers are cut off. Documents can't be streamed and are requested whole, within a bound. Pure;
//! no IO.

/// What a format's output consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Rows, each by itself.
    Rows,
    /// This header, then rows.
    Headed(Header),
    /// A document with an end, or an unknown format: not streamed.
    Whole,
}

/// The kind of a header, by which its end is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// This number of lines.
    Lines(usize),
    /// This number of lines; a line break between double quotes does not end one.
    QuotedLines(usize),
    /// The number of columns, their names and optionally their types; counts and lengths are
    /// varints.
    Binary { has_types: bool },
}

/// The shape of a format by its name, in any case.
pub fn shape(format: &str) -> Shape {
    let format = format.to_ascii_lowercase();
    let (base, rows_of_header) = match format.strip_suffix("withnamesandtypes") {
        Some(base) => (base, 2),
        None => format
            .strip_suffix("withnames")
            .map_or((format.as_str(), 0), |base| (base, 1)),
    };
    match (base, rows_of_header) {
        (
            "tabseparated"
            | "tsv"
            | "tabseparatedraw"
            | "tsvraw"
            | "raw"
            | "csv"
            | "rowbinary"
            | "jsoncompacteachrow"
            | "jsoncompactstringseachrow"
            | "jsoneachrow"
            | "jsonlines"
            | "jsonl"
            | "ndjson"
            | "jsonstringseachrow"
            | "tskv"
            | "native"
            | "msgpack"
            | "null",
            0,
        ) => Shape::Rows,
        (
            "tabseparated"
            | "tsv"
            | "tabseparatedraw"
            | "tsvraw"
            | "raw"
            | "jsoncompacteachrow"
            | "jsoncompactstringseachrow",
            lines,
        ) => Shape::Headed(Header::Lines(lines)),
        ("csv", lines) => Shape::Headed(Header::QuotedLines(lines)),
        ("rowbinary", lines) => Shape::Headed(Header::Binary {
            has_types: lines == 2,
        }),
        _ => Shape::Whole,
    }
}

impl Header {
    /// Length in bytes of the header at the start of `output`; `None` if there is no header.
    pub fn length(self, output: &[u8]) -> Option<usize> {
        match self {
            Self::Lines(lines) => lines_length(output, lines, false),
            Self::QuotedLines(lines) => lines_length(output, lines, true),
            Self::Binary { has_types } => binary_length(output, has_types),
        }
    }
}

fn lines_length(output: &[u8], lines: usize, has_quotes: bool) -> Option<usize> {
    let (mut left, mut is_quoted) = (lines, false);
    for (at, byte) in output.iter().enumerate() {
        match byte {
            b'"' if has_quotes => is_quoted = !is_quoted,
            b'\n' if !is_quoted => left -= 1,
            _ => {}
        }
        if left == 0 {
            return Some(at + 1);
        }
    }
    None
}

fn binary_length(output: &[u8], has_types: bool) -> Option<usize> {
    let mut at = 0;
    let columns = varint(output, &mut at)?;
    let texts = columns.checked_mul(if has_types { 2 } else { 1 })?;
    for _ in 0..texts {
        let length = varint(output, &mut at)?;
        at = at.checked_add(length).filter(|end| *end <= output.len())?;
    }
    Some(at)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..56).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_names() {
        for format in [
            "TSV",
            "TabSeparated",
            "CSV",
            "JSONEachRow",
            "RowBinary",
            "Native",
            "tsv",
        ] {
            assert_eq!(shape(format), Shape::Rows, "{format}");
        }
        assert_eq!(
            shape("RowBinaryWithNamesAndTypes"),
            Shape::Headed(Header::Binary { has_types: true })
        );
        assert_eq!(
            shape("RowBinaryWithNames"),
            Shape::Headed(Header::Binary { has_types: false })
        );
        assert_eq!(shape("CSVWithNames"), Shape::Headed(Header::QuotedLines(1)));
        assert_eq!(
            shape("TabSeparatedWithNamesAndTypes"),
            Shape::Headed(Header::Lines(2))
        );
        for format in [
            "JSON",
            "JSONCompact",
            "Parquet",
            "Pretty",
            "Values",
            "XML",
            "CustomSeparatedWithNames",
            "New",
            "",
        ] {
            assert_eq!(shape(format), Shape::Whole, "{format}");
        }
    }

    #[test]
    fn a_header_ends_where_the_rows_begin() {
        let binary = b"\x02\x01a\x02bb\x05UInt8\x06String\x01\x01x";
        for (header, output, length) in [
            (Header::Lines(1), &b"a\tb\n1\t2\n"[..], Some(4)),
            (Header::Lines(2), b"a\nUInt8\n1\n", Some(8)),
            (Header::Lines(2), b"a\nUInt8", None),
            (Header::QuotedLines(1), b"\"a\nb\"\"\n\",c\n1\n", Some(11)),
            (Header::Binary { has_types: true }, binary, Some(19)),
            (Header::Binary { has_types: false }, binary, Some(6)),
            (Header::Binary { has_types: true }, &binary[..10], None),
            (Header::Binary { has_types: true }, b"", None),
        ] {
            assert_eq!(header.length(output), length, "{header:?} {output:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn looking_for_a_header_never_panics(output: Vec<u8>, lines in 1_usize..3) {
            for header in [Header::Lines(lines), Header::QuotedLines(lines), Header::Binary { has_types: lines == 2 }] {
                if let Some(length) = header.length(&output) {
                    proptest::prop_assert!(length <= output.len());
                }
            }
        }
    }
}
