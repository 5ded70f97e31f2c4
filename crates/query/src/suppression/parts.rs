//! Parts of a row, such as bounces or new visitors, as an audience with a floor sees them.

use super::floor::Floor;
use crate::measure::Measure;
use crate::sql::Sql;

impl Floor {
    /// A count of a row as it is shown. A part of the row's people or visits counts as none if it
    /// is about a few of them, and as all if it is about all except a few. In between it is shown
    /// in steps of the floor. Without steps, the part of all people minus the parts of the other
    /// rows would reveal a part that counts as none.
    pub(super) fn shown(&self, measure: Measure) -> Sql {
        let column =
            |measure: Measure| Sql::text("whole.").then(measure.alias().trim_start_matches(" AS "));
        let own = column(measure);
        let number = |part: Sql| Sql::text("toInt64(").then(part).then(")");
        // 0 if fewer people than the floor have such a value.
        let with = |counted: Measure| {
            Sql::text("if(")
                .then(number(column(counted)))
                .then(" < ")
                .then(self.value())
                .then(", ")
                .then(measure.zero())
                .then(", ")
                .then(own.clone())
                .then(")")
        };
        // The nearest multiple of the floor. It does not exceed the whole, which is at least the
        // floor away.
        let in_steps = |part: Sql| {
            Sql::text("toUInt64(intDiv(2 * ")
                .then(number(part))
                .then(" + ")
                .then(self.value())
                .then(", 2 * ")
                .then(self.value())
                .then(") * ")
                .then(self.value())
                .then(")")
        };
        let part_of = |whole: Sql| {
            Sql::text("multiIf(")
                .then(number(own.clone()))
                .then(" < ")
                .then(self.value())
                .then(", toUInt64(0), ")
                .then(number(whole.clone()))
                .then(" - ")
                .then(number(own.clone()))
                .then(" < ")
                .then(self.value())
                .then(", toUInt64(")
                .then(whole)
                .then("), ")
                .then(in_steps(own.clone()))
                .then(")")
        };
        let whole_of = |part: Sql| {
            Sql::text("if(")
                .then(number(own.clone()))
                .then(" - ")
                .then(number(part.clone()))
                .then(" < ")
                .then(self.value())
                .then(", toUInt64(")
                .then(part)
                .then("), ")
                .then(own.clone())
                .then(")")
        };
        match measure {
            Measure::New => part_of(column(Measure::Known)),
            Measure::Bounces => part_of(column(Measure::WholeVisits)),
            Measure::ExitViews => whole_of(column(Measure::Visits)),
            Measure::Candidates => whole_of(Sql::text("whole.row_people")),
            Measure::EngagedMilliseconds | Measure::EngagedVisits => with(Measure::EngagedVisits),
            Measure::ScrollPercent | Measure::ScrolledViews => with(Measure::ScrolledViews),
            Measure::RevenueMilli | Measure::RevenueEvents => with(Measure::RevenueEvents),
            Measure::Clicks => with(Measure::Clicks),
            Measure::LcpViews => with(Measure::LcpViews),
            Measure::InpViews => with(Measure::InpViews),
            Measure::ClsViews => with(Measure::ClsViews),
            Measure::FcpViews => with(Measure::FcpViews),
            Measure::TtfbViews => with(Measure::TtfbViews),
            // About all people of the row, or shown only where its views are shown.
            Measure::Known
            | Measure::Daily
            | Measure::Visits
            | Measure::Pageviews
            | Measure::Events
            | Measure::WholeVisits
            | Measure::DurationSeconds
            | Measure::VisitViews
            | Measure::LcpValues
            | Measure::InpValues
            | Measure::ClsValues
            | Measure::FcpValues
            | Measure::TtfbValues => own,
        }
    }
}
