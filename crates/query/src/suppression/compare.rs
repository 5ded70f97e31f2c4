//! Comparisons of an answer with its neighbours: the answers to the same filter without one of its
//! conditions. Two answers that differ by a few people reveal those people.

use super::floor::Floor;
use crate::columns;
use crate::sql::{Sql, Value};

impl Floor {
    /// The condition under which an answer is given: no neighbour differs from it by a few people,
    /// and neither the `cells` of its conditions nor the `severals` hold a few. Each of the
    /// `severals` is a pair: what the values of a dimension add up to, and all people. Where
    /// `unprotected` is given, the answer lacks at most a few people of it: named values are
    /// answered in full or not at all. Each scan counts [`Floor::measures`].
    pub fn condition(
        &self,
        own: Sql,
        neighbours: Vec<Sql>,
        cells: Vec<Sql>,
        severals: Vec<[Sql; 2]>,
        unprotected: Option<Sql>,
    ) -> Sql {
        if neighbours.is_empty() && severals.is_empty() {
            return Sql::empty();
        }
        let part = |part: &'static str, number: i64, sign: &'static str, scan: Sql| {
            Sql::template(
                include_str!("../sql/condition_part.sql"),
                &[
                    ("part", part.into()),
                    ("number", Value::Number(number).into()),
                    ("sign", sign.into()),
                    ("people", self.people_of_all().into()),
                    ("scan", scan),
                ],
            )
        };
        let count = |name: &'static str, scan: Sql| part(name, 0, "", scan);
        let severals = severals.into_iter().zip(0..).flat_map(|(pair, number)| {
            let [values, all_people] = pair;
            [
                part("several", number, "", values),
                part("several", number, "-", all_people),
            ]
        });
        let same =
            unprotected.map(|scan| [part("same", 0, "", own.clone()), part("same", 0, "-", scan)]);
        let others = neighbours.into_iter();
        let parts = [count("own", own)]
            .into_iter()
            .chain(others.map(|scan| count("neighbour", scan)))
            .chain(cells.into_iter().map(|scan| count("cell", scan)))
            .chain(severals)
            .chain(same.into_iter().flatten());
        Sql::text("AND ").then(Sql::template(
            include_str!("../sql/condition.sql"),
            &[
                ("floor", self.value()),
                ("parts", Sql::join(parts, "\nUNION ALL\n")),
            ],
        ))
    }

    /// The rows of an answer from which a few people are missing, compared with the same row of a
    /// neighbour or, where `whole` is given, with the whole answer. `rows` are the scans of the
    /// answer and its neighbours by the dimensions.
    pub fn revealing_rows(&self, dimensions: usize, rows: Vec<Sql>, whole: Option<Sql>) -> Sql {
        if dimensions == 0 || (rows.len() < 2 && whole.is_none()) {
            return Sql::empty();
        }
        let names = || Sql::join(columns::names(dimensions), ", ");
        let parts = rows.into_iter().zip(0_i64..).map(|(scan, index)| {
            Sql::template(
                include_str!("../sql/revealing_part.sql"),
                &[
                    ("asked", Value::Number(index).into()),
                    ("names", names()),
                    ("people", self.people_of_all().into()),
                    ("scan", scan),
                ],
            )
        });
        let whole = whole.map(|scan| {
            Sql::template(
                include_str!("../sql/whole.sql"),
                &[
                    ("people", self.people_of_all().into()),
                    ("scan", scan),
                    ("floor", self.value()),
                ],
            )
        });
        Sql::template(
            include_str!("../sql/revealing_rows.sql"),
            &[
                ("names", names()),
                ("parts", Sql::join(parts, "\nUNION ALL\n")),
                ("floor", self.value()),
                ("whole", whole.unwrap_or_default()),
            ],
        )
    }
}
