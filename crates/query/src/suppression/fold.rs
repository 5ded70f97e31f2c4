//! Folding: small rows become one row `(other)`.

use super::floor::Floor;
use crate::columns;
use crate::dimension::Dimension;
use crate::measure::Measure;
use crate::sql::Sql;

impl Floor {
    /// The scans of an answer with small rows folded. The columns stay, with dimensions as text.
    /// `is_additive` says that no person is in two rows. `revealing` lists further rows to fold.
    /// Without the `condition` nothing is answered.
    pub fn fold(
        &self,
        scans: Sql,
        dimensions: &[Dimension],
        measures: &[Measure],
        is_additive: bool,
        revealing: Sql,
        condition: Sql,
    ) -> Sql {
        let names = || columns::names(dimensions.len());
        let folded = columns::named(names().map(|name| {
            Sql::text("if(ranked.is_folded, '(other)', toString(ranked.")
                .then(name)
                .then("))")
        }));
        let sums = measures
            .iter()
            .map(|measure| Sql::text(measure.carried()).then(measure.alias()));
        let counts = measures.iter().map(|measure| {
            Sql::text("ranked.")
                .then(measure.alias().trim_start_matches(" AS "))
                .then(measure.alias())
        });
        // Parts of a row are checked after its rows are folded into one.
        let kept_sums = measures
            .iter()
            .map(|measure| Sql::text(measure.carried()).then(measure.alias()));
        let kept = names()
            .chain(kept_sums)
            .chain([Sql::text("sum(kept.people) AS row_people")]);
        let shown = names().chain(
            measures
                .iter()
                .map(|measure| self.shown(*measure).then(measure.alias())),
        );
        let groups = columns::group_by(dimensions.len());
        let order = Sql::join([Sql::text("ranked_as")].into_iter().chain(names()), ", ");
        // The least number of people of several rows together. The histories of one person are in
        // one row; ids of days, and people with such an event, can be in several.
        let together = |sum: &'static str, rest: &'static str, most: &'static str, window: Sql| {
            let over = |aggregate| Sql::text(aggregate).then(window.clone()).then(")");
            if is_additive {
                over(sum).then(" + ").then(over(rest))
            } else {
                over(most)
            }
        };
        let smaller = Sql::text("ORDER BY ")
            .then(order)
            .then(" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING");
        let smaller = together(
            "sum(known_as) OVER (",
            "max(ranked_as - known_as) OVER (",
            "max(ranked_as) OVER (",
            smaller,
        );
        let shown_with = together(
            "sum(toInt64(known)) OVER (",
            "max(people - toInt64(known)) OVER (",
            "max(people) OVER (",
            Sql::text("PARTITION BY is_folded"),
        );
        let is_revealing = if revealing.is_empty() {
            Sql::text("false")
        } else {
            Sql::text("(")
                .then(Sql::join(names(), ", "))
                .then(") IN (\n")
                .then(revealing)
                .then(")")
        };
        Sql::template(
            include_str!("../sql/folded.sql"),
            &[
                ("columns", Sql::join(folded.chain(counts), ",\n    ")),
                ("sums", Sql::join(names().chain(sums), ",\n            ")),
                ("people", self.people().into()),
                ("smaller", smaller),
                ("together", shown_with),
                ("revealing", is_revealing),
                ("floor", self.value()),
                ("scans", scans),
                ("groups", groups.clone()),
                ("kept", Sql::join(kept, ",\n        ")),
                ("kept_groups", groups),
                ("shown", Sql::join(shown, ",\n    ")),
                ("condition", condition),
            ],
        )
    }
}
