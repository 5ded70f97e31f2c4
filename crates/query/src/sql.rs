//! SQL that is safe from injection: its text comes from the program only.
//!
//! A statement is built from the files in `sql/` and from fixed fragments. Invariants:
//!
//! - **Text is part of the program.** [`Sql`] can only be made from `&'static str` and from other
//!   [`Sql`]. No constructor takes a `String`, and nothing formats one into text. A question
//!   chooses *which* fragments are used, through the closed enums of `dimension`, `metric` and
//!   `filter`. It never chooses their text.
//! - **Values are sent separately.** A [`Value`] becomes a placeholder `{pN:Type}` with our name
//!   and type. ClickHouse gets the value as a parameter and parses it as a literal of that type.
//! - **The slots of a template are a closed list.** An unknown slot, or one left open, is a fault
//!   of the program; the tests of `plan` reach every slot.

/// A value that ClickHouse binds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Bound as `String`.
    Text(String),
    /// Bound as `Array(String)`.
    Texts(Vec<String>),
    /// Bound as `Int64`.
    Number(i64),
    /// Bound as `Array(Int64)`.
    Numbers(Vec<i64>),
}

impl Value {
    /// ClickHouse's name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "String",
            Value::Texts(_) => "Array(String)",
            Value::Number(_) => "Int64",
            Value::Numbers(_) => "Array(Int64)",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(&'static str),
    Value(Value),
}

/// A piece of a statement: fixed text and bound values, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sql {
    parts: Vec<Part>,
}

/// A statement to send: the text, and the values of its placeholders by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Text with `{pN:Type}` placeholders.
    pub text: String,
    /// `(name, value)` in the order of the placeholders.
    pub values: Vec<(String, Value)>,
}

impl Sql {
    /// Text of the program: string literals and included files.
    pub fn text(text: &'static str) -> Self {
        Self {
            parts: vec![Part::Text(text)],
        }
    }

    /// A placeholder for `value`.
    pub fn value(value: Value) -> Self {
        Self {
            parts: vec![Part::Value(value)],
        }
    }

    /// No text.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// `self`, then `next`.
    #[must_use]
    pub fn then(mut self, next: impl Into<Sql>) -> Self {
        self.parts.extend(next.into().parts);
        self
    }

    /// All `pieces` with `separator` between them.
    pub fn join(pieces: impl IntoIterator<Item = Sql>, separator: &'static str) -> Self {
        let mut joined = Self::empty();
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                joined.parts.push(Part::Text(separator));
            }
            joined.parts.extend(piece.parts);
        }
        joined
    }

    /// A file with its slots filled. A slot is a comment of the form `/*{name}*/`.
    ///
    /// # Panics
    /// If a slot of the file is not among `slots`, or one of `slots` is not in the file. Both are
    /// faults of the program that no question can cause.
    pub fn template(file: &'static str, slots: &[(&'static str, Sql)]) -> Self {
        let mut filled = Self::empty();
        let mut used = 0;
        let mut rest = file;
        while let Some((before, after)) = rest.split_once("/*{") {
            let (name, after) = after
                .split_once("}*/")
                .expect("every slot of a file is closed");
            let (_, piece) = slots
                .iter()
                .find(|(slot, _)| *slot == name)
                .expect("every slot of a file is filled by its caller");
            filled.parts.push(Part::Text(before));
            filled.parts.extend(piece.parts.iter().cloned());
            used |= 1u64
                << slots
                    .iter()
                    .position(|(slot, _)| *slot == name)
                    .unwrap_or(0);
            rest = after;
        }
        assert_eq!(
            used.count_ones() as usize,
            slots.len(),
            "every slot given is in the file"
        );
        filled.parts.push(Part::Text(rest));
        filled
    }

    /// Numbers the placeholders, and separates text and values.
    pub fn finish(self) -> Statement {
        let mut statement = Statement {
            text: String::new(),
            values: Vec::new(),
        };
        for part in self.parts {
            match part {
                Part::Text(text) => statement.text.push_str(text),
                Part::Value(value) => {
                    // The same value twice is one parameter: every part of a statement has the time
                    // range.
                    let known = statement
                        .values
                        .iter()
                        .position(|(_, bound)| *bound == value);
                    let index = known.unwrap_or(statement.values.len());
                    let name = ["p", &index.to_string()].concat();
                    statement
                        .text
                        .extend(["{", &name, ":", value.type_name(), "}"]);
                    if known.is_none() {
                        statement.values.push((name, value));
                    }
                }
            }
        }
        statement
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::text(text)
    }
}

impl From<Value> for Sql {
    fn from(value: Value) -> Self {
        Self::value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_part_of_the_text() {
        let hostile = "x' OR 1 = 1 --";
        let sql = Sql::text("a = ")
            .then(Value::Text(hostile.into()))
            .then(" AND b = ")
            .then(Value::Number(7));
        let statement = sql.finish();
        assert_eq!(statement.text, "a = {p0:String} AND b = {p1:Int64}");
        assert_eq!(
            statement.values[0],
            ("p0".into(), Value::Text(hostile.into()))
        );
    }

    #[test]
    fn the_same_value_is_bound_once() {
        let sql = Sql::join(
            [
                Value::Number(1).into(),
                Value::Number(2).into(),
                Value::Number(1).into(),
            ],
            ", ",
        );
        let statement = sql.finish();
        assert_eq!(statement.text, "{p0:Int64}, {p1:Int64}, {p0:Int64}");
        assert_eq!(statement.values.len(), 2);
    }

    #[test]
    fn a_template_fills_each_slot_at_every_place() {
        let sql = Sql::template(
            "SELECT /*{what}*/ WHERE 1 /*{filters}*/",
            &[("what", "count()".into()), ("filters", Sql::empty())],
        );
        assert_eq!(sql.finish().text, "SELECT count() WHERE 1 ");
    }

    #[test]
    #[should_panic(expected = "every slot of a file is filled")]
    fn an_unfilled_slot_is_a_bug_in_the_program() {
        Sql::template("SELECT /*{what}*/", &[]);
    }
}
