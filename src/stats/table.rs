//! A report as a table, and the table as text.

use serde_json::{Map, Value as Json};
use sillage_query::Report;
use sillage_query::value::MetricValue;

/// A cell of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Whole(i64),
    Fraction(f64),
}

/// A report as columns and rows.
#[derive(Debug, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Dimensions, then metrics. An amount of money takes two columns: value and currency.
    pub fn of(report: &Report) -> Self {
        let question = &report.question;
        let mut columns: Vec<String> = question.dimensions.iter().map(|each| each.name()).collect();
        for metric in &question.metrics {
            columns.push(metric.name().to_owned());
            if metric.is_revenue() {
                columns.push(format!("{}_currency", metric.name()));
            }
        }
        let rows = report.rows.iter().map(|row| {
            let mut cells: Vec<Cell> = row.dimensions.iter().cloned().map(Cell::Text).collect();
            for (metric, value) in question.metrics.iter().zip(&row.metrics) {
                cells.push(Cell::of(value));
                if metric.is_revenue() {
                    cells.push(match value {
                        MetricValue::Amount(amount) => Cell::Text(amount.currency.clone()),
                        MetricValue::Unknown | MetricValue::Whole(_) | MetricValue::Fraction(_) => {
                            Cell::Empty
                        }
                    });
                }
            }
            cells
        });
        Self {
            rows: rows.collect(),
            columns,
        }
    }

    /// CSV with a header, RFC 4180. A text that a spreadsheet would run as a formula gets a leading
    /// apostrophe.
    pub fn to_csv(&self) -> String {
        let line = |cells: Vec<String>| cells.join(",") + "\r\n";
        let mut csv = line(self.columns.iter().map(|name| csv_text(name)).collect());
        for row in &self.rows {
            csv += &line(row.iter().map(csv_cell).collect());
        }
        csv
    }

    /// One JSON object per line.
    pub fn to_ndjson(&self) -> String {
        let mut lines = String::new();
        for row in &self.rows {
            let cells = self
                .columns
                .iter()
                .cloned()
                .zip(row.iter().map(Cell::to_json));
            lines += &Json::Object(Map::from_iter(cells)).to_string();
            lines.push('\n');
        }
        lines
    }
}

impl Cell {
    fn of(value: &MetricValue) -> Self {
        match value {
            MetricValue::Unknown => Self::Empty,
            MetricValue::Whole(whole) => Self::Whole(*whole),
            MetricValue::Fraction(number) => Self::Fraction(*number),
            MetricValue::Amount(amount) => Self::Fraction(amount.value),
        }
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Empty => Json::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Whole(whole) => (*whole).into(),
            Self::Fraction(number) => (*number).into(),
        }
    }
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => csv_text(text),
        Cell::Whole(_) | Cell::Fraction(_) => cell.to_json().to_string(),
    }
}

/// A text, quoted where CSV needs it, with a leading apostrophe if a spreadsheet would run it as a
/// formula.
fn csv_text(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let safe = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if safe.contains(['"', ',', '\r', '\n', '\t', ';', '\'']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = [
            "visit:source",
            "visitors",
            "total_revenue",
            "total_revenue_currency",
            "lcp_p75",
        ];
        let text = |text: &str| Cell::Text(text.to_owned());
        Table {
            columns: columns.map(str::to_owned).to_vec(),
            rows: vec![
                vec![
                    text("=HYPERLINK(\"x\")"),
                    Cell::Whole(3),
                    Cell::Fraction(-1.5),
                    text("EUR"),
                    Cell::Empty,
                ],
                vec![
                    text("a,b"),
                    Cell::Whole(2),
                    Cell::Empty,
                    Cell::Empty,
                    Cell::Whole(900),
                ],
            ],
        }
    }

    #[test]
    fn text_that_looks_like_a_formula_is_quoted_in_exports() {
        assert_eq!(
            table().to_csv(),
            "visit:source,visitors,total_revenue,total_revenue_currency,lcp_p75\r\n\
             \"'=HYPERLINK(\"\"x\"\")\",3,-1.5,EUR,\r\n\"a,b\",2,,,900\r\n"
        );
        for text in ["+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert!(
                csv_text(text).trim_start_matches('"').starts_with('\''),
                "{text:?}"
            );
        }
        assert_eq!(csv_text("/a=b"), "/a=b");
    }

    #[test]
    fn a_line_of_json_names_its_columns() {
        let lines = table().to_ndjson();
        let first: Json = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["visit:source"], "=HYPERLINK(\"x\")");
        assert_eq!(
            (&first["visitors"], &first["total_revenue_currency"]),
            (&Json::from(3), &Json::from("EUR"))
        );
        assert_eq!(lines.lines().count(), 2);
    }
}
