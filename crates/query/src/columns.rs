//! The columns of dimensions in every statement: `d0`, `d1`, and so on, in the order of the
//! question.

use crate::sql::Sql;

/// Most dimensions of a statement: a question has up to eight, a roll-up two and the day.
pub const COLUMNS_MAX: usize = 8;

const NAMES: [&str; COLUMNS_MAX] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"];
const ALIASES: [&str; COLUMNS_MAX] = [
    " AS d0", " AS d1", " AS d2", " AS d3", " AS d4", " AS d5", " AS d6", " AS d7",
];

/// The column of the dimension at `index`.
pub fn name(index: usize) -> &'static str {
    NAMES[index]
}

/// The columns of the first `count` dimensions.
pub fn names(count: usize) -> impl Iterator<Item = Sql> + Clone {
    NAMES.into_iter().take(count).map(Sql::text)
}

/// The expressions of the first dimensions, each named as its column.
pub fn named(expressions: impl IntoIterator<Item = Sql>) -> impl Iterator<Item = Sql> {
    let named = expressions.into_iter().zip(ALIASES);
    named.map(|(expression, alias)| expression.then(alias))
}

/// The clause that groups by the first `count` dimensions; empty without dimensions.
pub fn group_by(count: usize) -> Sql {
    if count == 0 {
        return Sql::empty();
    }
    Sql::text("GROUP BY ").then(Sql::join(names(count), ", "))
}
