//! What is stored about a visitor, field by field: one table, from which every list for visitors is
//! made.
//!
//! Beside the way of a beacon. `/privacy`, `/privacy/policy.json`, `/privacy/external-transmission`
//! and the self-assessment ask [`Terms::kept_on`] and [`SENT`]; the sentence of a field stands in
//! each language's file of the choices page as `field_` and its key, that of a part of a beacon as
//! `sent_` and its key.
//!
//! Invariants: every column of `events` belongs to a field, and a field is on a ground exactly when
//! the collector fills its columns on it. The first is a unit test, the second an integration test
//! that sends beacons with everything in them.
//!
//! Deliberately not here: what the privacy door does. This table describes it and decides nothing.

use crate::config::Site;
use sillage_privacy::{Basis, Profile};

/// What a field is about; the word stands in `policy.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Pages.
    Content,
    /// When.
    Time,
    /// Where the visit came from.
    Source,
    /// Numbers that tie rows together.
    Visitor,
    /// What was done on a page.
    Interaction,
    /// Amounts of money.
    Commerce,
    /// Country, region, city.
    Place,
    /// Browser, system, kind of device.
    Device,
    /// How often and after how long a visitor comes back.
    Returning,
    /// Load times.
    Performance,
    /// The terms under which the row is kept.
    Record,
    /// Totals without a visitor.
    Counts,
    /// Faulty requests.
    Security,
}

impl Category {
    /// The word in `policy.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Time => "time",
            Self::Source => "source",
            Self::Visitor => "visitor",
            Self::Interaction => "interaction",
            Self::Commerce => "commerce",
            Self::Place => "place",
            Self::Device => "device",
            Self::Returning => "returning",
            Self::Performance => "performance",
            Self::Record => "record",
            Self::Counts => "counts",
            Self::Security => "security",
        }
    }
}

/// Whose requests a field is stored for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Visitors whose events are stored on one of these grounds.
    Kept(&'static [Basis]),
    /// A total over all requests, including refused ones.
    Everybody,
}

/// The part of the configuration that a field depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Always,
    /// A database of places.
    Places,
    /// A policy that names the purpose `campaign_effect`, or no record of purposes.
    Campaigns,
    /// `query_allow`.
    QueryAllowed,
    /// `mail_campaigns`, where an image may count without a word of consent.
    MailCampaigns,
}

/// One line of what is stored.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Names the sentence, and the field in `policy.json`.
    pub key: &'static str,
    /// What it is about.
    pub category: Category,
    /// Table of the database `sillage`.
    pub table: &'static str,
    /// Its columns there; [`WHOLE`] for a table that is made from `events`.
    pub columns: &'static [&'static str],
    /// Of whom it is stored.
    pub of: Of,
    /// What it depends on.
    pub when: When,
}

/// Every column of a table that is derived from other rows.
pub const WHOLE: &[&str] = &["*"];

/// Tables and views that hold nothing from requests.
pub const BOOKKEEPING: [&str; 7] = [
    "arrivals",
    "arrivals_into_events",
    "cleared",
    "floors",
    "migrations",
    "report_days",
    "rolled_days",
];

const ALL: Of = Of::Kept(&[Basis::Full, Basis::Exempt, Basis::CountOnly]);
const VISITS: Of = Of::Kept(&[Basis::Full, Basis::Exempt]);
const YES: Of = Of::Kept(&[Basis::Full]);
const EXEMPT: Of = Of::Kept(&[Basis::Exempt]);

const fn of_events(
    key: &'static str,
    category: Category,
    of: Of,
    columns: &'static [&'static str],
) -> Field {
    Field {
        key,
        category,
        table: "events",
        columns,
        of,
        when: When::Always,
    }
}

impl Field {
    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn in_table(self, table: &'static str) -> Self {
        Self { table, ..self }
    }

    /// Whether it is stored of events that are kept on this ground.
    pub fn is_kept_on(&self, basis: Basis) -> bool {
        match self.of {
            Of::Kept(grounds) => grounds.contains(&basis),
            Of::Everybody => false,
        }
    }
}

/// Everything that is stored, in the order in which visitors read it.
pub const FIELDS: [Field; 27] = [
    of_events(
        "page",
        Category::Content,
        ALL,
        &["name", "hostname", "path", "interactive"],
    ),
    of_events("query", Category::Content, ALL, &["path"]).when(When::QueryAllowed),
    of_events("minute", Category::Time, ALL, &["time"]),
    of_events(
        "trail",
        Category::Content,
        VISITS,
        &["previous_path", "entry_path"],
    ),
    of_events(
        "source",
        Category::Source,
        ALL,
        &["referrer", "source", "channel"],
    ),
    of_events(
        "campaign",
        Category::Source,
        YES,
        &[
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_content",
            "utm_term",
        ],
    )
    .when(When::Campaigns),
    of_events(
        "visitor_network",
        Category::Visitor,
        EXEMPT,
        &["visitor", "visit", "seq", "elapsed"],
    ),
    of_events(
        "visitor_cookie",
        Category::Visitor,
        YES,
        &["visitor", "visit", "seq", "elapsed"],
    ),
    of_events("view", Category::Visitor, VISITS, &["key"]),
    of_events(
        "reading",
        Category::Interaction,
        VISITS,
        &["engaged_ms", "scroll"],
    ),
    of_events("clicks", Category::Interaction, YES, &["clicks"]),
    of_events(
        "event_names",
        Category::Interaction,
        VISITS,
        &["name", "interactive"],
    ),
    of_events("event_details", Category::Interaction, YES, &["props"]),
    of_events("amounts", Category::Commerce, YES, &["revenue", "currency"]),
    of_events("country", Category::Place, ALL, &["country"]).when(When::Places),
    of_events("city", Category::Place, VISITS, &["region", "city"]).when(When::Places),
    of_events(
        "device",
        Category::Device,
        ALL,
        &["browser", "os", "device", "screen"],
    ),
    of_events(
        "versions",
        Category::Device,
        VISITS,
        &["browser_version", "os_version", "language"],
    ),
    of_events(
        "returning",
        Category::Returning,
        YES,
        &["visit_number", "days_since_seen"],
    ),
    of_events(
        "speed",
        Category::Performance,
        VISITS,
        &["lcp_ms", "inp_ms", "cls", "fcp_ms", "ttfb_ms"],
    ),
    of_events(
        "terms",
        Category::Record,
        ALL,
        &["site", "basis", "policy", "expires"],
    ),
    of_events("finished_visits", Category::Counts, ALL, WHOLE).in_table("visits"),
    of_events("daily_counts", Category::Counts, ALL, WHOLE).in_table("daily"),
    of_events(
        "opened_mails",
        Category::Counts,
        ALL,
        &["site", "day", "campaign", "opens"],
    )
    .in_table("mail_opens")
    .when(When::MailCampaigns),
    of_events(
        "outcomes",
        Category::Counts,
        Of::Everybody,
        &["site", "day", "outcome", "beacons"],
    )
    .in_table("outcomes"),
    of_events(
        "faults",
        Category::Security,
        Of::Everybody,
        &["day", "reason", "requests"],
    )
    .in_table("security"),
    of_events(
        "fault_networks",
        Category::Security,
        Of::Everybody,
        &["network"],
    )
    .in_table("security"),
];

/// A part of a beacon: its key, and the names that it has on the wire.
pub type Part = (&'static str, &'static [&'static str]);

/// Everything that a page sends to the collector, besides what browsers send with every request.
pub const SENT: [Part; 11] = [
    ("page", &["d", "u", "h"]),
    ("referrer", &["r"]),
    ("event", &["n", "i"]),
    ("details", &["p", "$"]),
    ("reading", &["e", "sd"]),
    ("clicks", &["x"]),
    ("view", &["k"]),
    ("width", &["w"]),
    ("speed", &["vl", "vi", "vc", "vf", "vt"]),
    ("consent", &["c", "cv"]),
    ("automated", &["b"]),
];

/// What of the configuration the table depends on.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The site.
    pub site: &'a Site,
    /// Whether campaigns are kept after a yes.
    pub has_campaigns: bool,
    /// Whether places are looked up.
    pub has_places: bool,
}

impl Terms<'_> {
    /// Whether this configuration stores the field at all.
    pub fn includes(&self, field: &Field) -> bool {
        match field.when {
            When::Always => true,
            When::Places => self.has_places,
            When::Campaigns => self.has_campaigns,
            When::QueryAllowed => !self.site.query_allow.is_empty(),
            When::MailCampaigns => {
                let needs_word = self.site.consent.profile == Profile::Consent;
                !self.site.mail_campaigns.is_empty()
                    && (!needs_word || self.site.consent_cookie.is_some())
            }
        }
    }

    /// What is stored of events that are kept on this ground.
    pub fn kept_on(&self, basis: Basis) -> impl Iterator<Item = &'static Field> {
        FIELDS
            .iter()
            .filter(move |field| field.is_kept_on(basis) && self.includes(field))
    }

    /// The ground on which events of visitors without a yes are kept; `None` = they are not.
    pub fn without_yes(&self) -> Option<Basis> {
        match self.site.consent.profile {
            Profile::Consent => None,
            Profile::Exempt => Some(Basis::Exempt),
            Profile::Count => Some(Basis::CountOnly),
        }
    }
}

/// Totals that include refused requests.
pub fn of_everybody() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| field.of == Of::Everybody)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_row::columns::COLUMNS;

    /// Columns of `events` without a field.
    fn unlisted<'a>(columns: &[&'a str]) -> Vec<&'a str> {
        let is_listed = |column: &&str| {
            FIELDS
                .iter()
                .any(|field| field.table == "events" && field.columns.contains(column))
        };
        columns
            .iter()
            .copied()
            .filter(|column| !is_listed(column))
            .collect()
    }

    #[test]
    fn every_column_of_events_belongs_to_a_field_that_visitors_read() {
        let columns = COLUMNS.map(|column| column.name);
        assert_eq!(unlisted(&columns), [""; 0]);
        let with_new = [&columns[..], &["birthday"]].concat();
        assert_eq!(unlisted(&with_new), ["birthday"], "a new column is found");
        for field in FIELDS.iter().filter(|field| field.table == "events") {
            for column in field.columns {
                assert!(columns.contains(column), "{}: {column}", field.key);
            }
        }
    }

    #[test]
    fn fields_are_listed_where_the_configuration_can_fill_them() {
        let keys = |more: &str, has_campaigns, has_places| {
            let text = format!("[[site]]\nid = \"a.example\"\n{more}");
            let config = crate::config::Config::parse(&text, std::path::Path::new("/x.toml"));
            let config = config.expect("sound");
            let terms = Terms {
                site: config.sites.first().expect("a site"),
                has_campaigns,
                has_places,
            };
            let conditional = FIELDS.iter().filter(|field| field.when != When::Always);
            let listed = conditional.filter(|field| terms.includes(field));
            listed.map(|field| field.key).collect::<Vec<_>>()
        };
        let mails = "mail_campaigns = [\"spring\"]\n";
        let manager = "consent_cookie = { manager = \"cookiebot\" }\n";
        assert_eq!(keys("", false, false), [""; 0]);
        assert_eq!(keys("", true, true), ["campaign", "country", "city"]);
        assert_eq!(keys("query_allow = [\"q\"]", false, false), ["query"]);
        assert_eq!(keys(mails, false, false), [""; 0], "an image has no yes");
        let with_profile = [mails, "profile = \"count\"\n"].concat();
        assert_eq!(keys(&with_profile, false, false), ["opened_mails"]);
        let with_manager = [mails, manager].concat();
        assert_eq!(keys(&with_manager, false, false), ["opened_mails"]);
    }

    #[test]
    fn consent_keeps_at_least_what_is_kept_without_it() {
        let columns = |basis| {
            FIELDS
                .iter()
                .filter(move |field| field.is_kept_on(basis))
                .flat_map(|field| field.columns.iter().map(|column| (field.table, *column)))
                .collect::<std::collections::BTreeSet<_>>()
        };
        let (full, exempt, count) = (
            columns(Basis::Full),
            columns(Basis::Exempt),
            columns(Basis::CountOnly),
        );
        assert!(count.is_subset(&exempt) && exempt.is_subset(&full));
        assert!(count.len() < exempt.len() && exempt.len() < full.len());
    }
}
