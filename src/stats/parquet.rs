//! A report as an Apache Parquet file, for data frames and warehouses.
//!
//! One row group of optional columns. A column holds texts, whole numbers, or floating-point
//! numbers where not all of its numbers are whole. The file is not compressed, since a report has
//! at most 10,000 rows. Format: <https://parquet.apache.org/docs/file-format/>.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::table::Cell;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    Real,
}

/// Writes columns and rows. Each row has a cell for every column.
///
/// # Errors
/// Two columns of the same name, or another fault that the format refuses.
pub fn write(columns: &[String], rows: &[Vec<Cell>]) -> Result<Vec<u8>, ParquetError> {
    let cells = |index: usize| rows.iter().filter_map(move |row| row.get(index));
    let kinds: Vec<Kind> = (0..columns.len()).map(|index| kind(cells(index))).collect();
    let fields = columns
        .iter()
        .zip(&kinds)
        .map(|(name, kind)| field(name, *kind).map(Arc::new));
    let schema = Type::group_type_builder("report")
        .with_fields(fields.collect::<Result<_, _>>()?)
        .build()?;
    let properties = WriterProperties::builder()
        .set_created_by(concat!("sillage ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (index, kind) in kinds.iter().enumerate() {
        let Some(mut column) = group.next_column()? else {
            break;
        };
        match kind {
            Kind::Text => put::<ByteArrayType>(&mut column, cells(index), text)?,
            Kind::Whole => put::<Int64Type>(&mut column, cells(index), whole)?,
            Kind::Real => put::<DoubleType>(&mut column, cells(index), real)?,
        }
        column.close()?;
    }
    group.close()?;
    file.into_inner()
}

fn kind<'a>(cells: impl Iterator<Item = &'a Cell>) -> Kind {
    let mut kind = Kind::Whole;
    for cell in cells {
        match cell {
            Cell::Empty | Cell::Whole(_) => {}
            Cell::Fraction(_) => kind = Kind::Real,
            Cell::Text(_) => return Kind::Text,
        }
    }
    kind
}

fn field(name: &str, kind: Kind) -> Result<Type, ParquetError> {
    let (physical, logical) = match kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Whole => (Physical::INT64, None),
        Kind::Real => (Physical::DOUBLE, None),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

/// Texts stay as they are, unlike in CSV: no program calculates formulas of a Parquet file.
fn text(cell: &Cell) -> Option<ByteArray> {
    match cell {
        Cell::Empty => None,
        Cell::Text(text) => Some(text.as_str().into()),
        Cell::Whole(whole) => Some(whole.to_string().as_str().into()),
        Cell::Fraction(number) => Some(number.to_string().as_str().into()),
    }
}

fn whole(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Whole(whole) => Some(*whole),
        Cell::Empty | Cell::Text(_) | Cell::Fraction(_) => None,
    }
}

fn real(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Whole(whole) => Some(*whole as f64),
        Cell::Fraction(number) => Some(*number),
        Cell::Empty | Cell::Text(_) => None,
    }
}

/// Writes the cells that have a value, and the definition levels that mark them.
fn put<'a, T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    cells: impl Iterator<Item = &'a Cell>,
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = cells.map(value).collect();
    let levels: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let present: Vec<T::T> = values.into_iter().flatten().collect();
    column
        .typed::<T>()
        .write_batch(&present, Some(&levels), None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;
    use serde_json::{Value as Json, json};

    use super::*;

    fn cell(json: &Json) -> Cell {
        match (json.as_str(), json.as_i64(), json.as_f64()) {
            (Some(text), _, _) => Cell::Text(text.to_owned()),
            (_, Some(whole), _) => Cell::Whole(whole),
            (_, _, Some(number)) => Cell::Fraction(number),
            _ => Cell::Empty,
        }
    }

    fn read(columns: &[&str], rows: Json) -> SerializedFileReader<bytes::Bytes> {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let rows: Vec<Vec<Json>> = serde_json::from_value(rows).unwrap();
        let rows: Vec<Vec<Cell>> = rows
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        SerializedFileReader::new(bytes::Bytes::from(write(&columns, &rows).unwrap())).unwrap()
    }

    #[test]
    fn columns_keep_their_names_kinds_and_gaps() {
        let file = read(
            &["visit:source", "visitors", "bounce_rate", "lcp_p75"],
            json!([
                ["=1+1", 3, 50.5, null],
                ["Ａ・東京", 2, 7, null],
                ["", 0, null, null]
            ]),
        );
        let rows: Vec<_> = file
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].get_string(0).unwrap(), "=1+1");
        assert_eq!(rows[1].get_string(0).unwrap(), "Ａ・東京");
        assert_eq!(
            (rows[0].get_long(1).unwrap(), rows[1].get_long(1).unwrap()),
            (3, 2)
        );
        assert_eq!(
            (
                rows[0].get_double(2).unwrap(),
                rows[1].get_double(2).unwrap()
            ),
            (50.5, 7.0)
        );
        assert!(
            rows[2].get_double(2).is_err() && rows[0].get_long(3).is_err(),
            "null"
        );
        let names: Vec<_> = file
            .metadata()
            .file_metadata()
            .schema()
            .get_fields()
            .iter()
            .map(|field| field.name().to_owned())
            .collect();
        assert_eq!(
            names,
            ["visit:source", "visitors", "bounce_rate", "lcp_p75"]
        );
    }

    #[test]
    fn a_report_without_rows_is_a_file_too() {
        let file = read(&["visit:source", "visitors"], json!([]));
        assert_eq!(file.metadata().file_metadata().num_rows(), 0);
        assert_eq!(
            file.metadata().file_metadata().schema().get_fields().len(),
            2
        );
    }
}
