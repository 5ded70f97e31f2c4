//! E-mail subscriptions: a summary of each day, week or month of a site, or an alert when its
//! traffic is unusual.
//!
//! An address gets e-mails only after its holder confirmed the subscription with the link in a
//! first e-mail (double opt-in), so people can't subscribe the addresses of others. An unconfirmed
//! address is deleted after a week. The same link ends the subscription, in one click and without a
//! log-in. Its *seal* is a MAC over the subscription's id, so it is not stored and ends with the
//! subscription. A person who may no longer see a site gets no e-mails about it.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use sha2::Sha256;

use crate::control::database::change;
use crate::control::error::ControlError;
use crate::control::ids::{PersonId, SubscriptionId};
use crate::control::token::{hex, unhex};

/// Most subscriptions of one person to one site.
pub const SUBSCRIPTIONS_MAX: i64 = 20;
/// Seconds after which an unconfirmed address is deleted.
pub const UNANSWERED_S: i64 = 7 * 86_400;
/// Most bytes of an address (RFC 5321 section 4.5.3.1.3, without the brackets).
pub const ADDRESS_BYTES_MAX: usize = 254;

/// How often a summary is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Cadence {
    Day,
    Week,
    Month,
}

impl Cadence {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Parses a name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month]
            .into_iter()
            .find(|cadence| cadence.as_str() == word)
    }
}

/// What a subscription sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    Summary(Cadence),
    Alert,
}

impl Topic {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summary(cadence) => cadence.as_str(),
            Self::Alert => "alert",
        }
    }

    /// Parses a name.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "alert" => Some(Self::Alert),
            word => Cadence::parse(word).map(Self::Summary),
        }
    }
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub site: String,
    pub topic: Topic,
    pub address: String,
    /// One of [`crate::email::LANGUAGES`].
    pub language: String,
    /// Whether the holder of the address confirmed.
    pub is_confirmed: bool,
    /// Last day of the latest summary, or day of the latest alert.
    pub sent: Option<Date>,
    /// Why the latest e-mail was rejected, in a few words.
    pub trouble: Option<String>,
}

/// A subscription to add. The caller has checked the site, the address and the language.
#[derive(Debug, Clone)]
pub struct NewSubscription {
    pub person: PersonId,
    pub site: String,
    pub topic: Topic,
    pub address: String,
    pub language: String,
}

const COLUMNS: &str =
    "SELECT id, site, kind, address, language, confirmed, sent, trouble FROM subscriptions";

fn read(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    let unreadable = |column: usize, text: &str| {
        let text = format!("not known: {text}");
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, text.into())
    };
    let (topic, sent): (String, Option<String>) = (row.get(2)?, row.get(6)?);
    let sent = sent.map(|day| day.parse().map_err(|_| unreadable(6, &day)));
    Ok(Subscription {
        id: row.get(0)?,
        site: row.get(1)?,
        topic: Topic::parse(&topic).ok_or_else(|| unreadable(2, &topic))?,
        address: row.get(3)?,
        language: row.get(4)?,
        is_confirmed: row.get(5)?,
        sent: sent.transpose()?,
        trouble: row.get(7)?,
    })
}

/// Adds an unconfirmed subscription and returns its id.
///
/// # Errors
/// [`ControlError::Taken`] if the address already has it, [`ControlError::Rule`] if there are too
/// many.
pub fn add(
    connection: &mut Connection,
    now: Timestamp,
    new: &NewSubscription,
) -> Result<SubscriptionId, ControlError> {
    let change = change(connection)?;
    let count: i64 = change
        .prepare_cached(
            "SELECT count(*) FROM subscriptions WHERE person = :person AND site = :site",
        )?
        .query_row(
            named_params! { ":person": new.person, ":site": new.site },
            |row| row.get(0),
        )?;
    if count >= SUBSCRIPTIONS_MAX {
        return Err(ControlError::Rule(
            "you already have 20 subscriptions to this site; end one first",
        ));
    }
    change
        .prepare_cached(
            "INSERT INTO subscriptions (person, site, kind, address, language, created)
             VALUES (:person, :site, :kind, :address, :language, :now)",
        )?
        .execute(named_params! {
            ":person": new.person, ":site": new.site, ":kind": new.topic.as_str(),
            ":address": new.address, ":language": new.language, ":now": now.as_second(),
        })
        .map_err(ControlError::of_insert)?;
    let id = SubscriptionId(change.last_insert_rowid());
    change.commit()?;
    Ok(id)
}

/// The subscriptions of a person to a site.
///
/// # Errors
/// The file can't be read.
pub fn list(
    connection: &Connection,
    person: PersonId,
    site: &str,
) -> Result<Vec<Subscription>, ControlError> {
    let mut statement = connection.prepare_cached(
        &[
            COLUMNS,
            " WHERE person = :person AND site = :site ORDER BY id",
        ]
        .concat(),
    )?;
    let found = statement.query_map(named_params! { ":person": person, ":site": site }, read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// All subscriptions that get e-mails: confirmed ones of people who may still see the site.
///
/// # Errors
/// The file can't be read.
pub fn all_confirmed(connection: &Connection) -> Result<Vec<Subscription>, ControlError> {
    let mut statement = connection.prepare_cached(
        &[
            COLUMNS,
            " WHERE confirmed AND EXISTS (SELECT 1 FROM roles WHERE roles.person = subscriptions.person
              AND roles.site IN (subscriptions.site, '*')) ORDER BY site, kind, id",
        ]
        .concat(),
    )?;
    let found = statement.query_map([], read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// A subscription by its id, for requests that hold its seal.
///
/// # Errors
/// The file can't be read.
pub fn find(
    connection: &Connection,
    id: SubscriptionId,
) -> Result<Option<Subscription>, ControlError> {
    let mut statement = connection.prepare_cached(&[COLUMNS, " WHERE id = :id"].concat())?;
    Ok(statement
        .query_row(named_params! { ":id": id }, read)
        .optional()?)
}

/// Deletes subscriptions that were not confirmed in time.
///
/// # Errors
/// The file can't be written.
pub fn forget_unanswered(connection: &mut Connection, now: Timestamp) -> Result<(), ControlError> {
    let change = change(connection)?;
    change
        .prepare_cached("DELETE FROM subscriptions WHERE NOT confirmed AND created <= :oldest")?
        .execute(named_params! { ":oldest": now.as_second() - UNANSWERED_S })?;
    Ok(change.commit()?)
}

/// Confirms a subscription for the holder of the address.
///
/// # Errors
/// It no longer exists.
pub fn confirm(connection: &mut Connection, id: SubscriptionId) -> Result<(), ControlError> {
    set(
        connection,
        "UPDATE subscriptions SET confirmed = 1 WHERE id = :id",
        id,
    )
}

/// Ends a subscription, by its link or because its first e-mail could not be sent.
///
/// # Errors
/// It no longer exists.
pub fn end(connection: &mut Connection, id: SubscriptionId) -> Result<(), ControlError> {
    set(connection, "DELETE FROM subscriptions WHERE id = :id", id)
}

fn set(
    connection: &mut Connection,
    statement: &str,
    id: SubscriptionId,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let changed = change
        .prepare_cached(statement)?
        .execute(named_params! { ":id": id })?;
    if changed == 0 {
        return Err(ControlError::NotThere);
    }
    Ok(change.commit()?)
}

/// Ends a subscription of a person.
///
/// # Errors
/// The person has no such subscription to that site.
pub fn remove(
    connection: &mut Connection,
    person: PersonId,
    site: &str,
    id: SubscriptionId,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let removed = change
        .prepare_cached(
            "DELETE FROM subscriptions WHERE id = :id AND person = :person AND site = :site",
        )?
        .execute(named_params! { ":id": id, ":person": person, ":site": site })?;
    if removed == 0 {
        return Err(ControlError::NotThere);
    }
    Ok(change.commit()?)
}

/// Records that an e-mail was sent, or with `trouble` that it was rejected permanently. In both
/// cases it is not sent again. Does nothing if the subscription ended meanwhile.
///
/// # Errors
/// The file can't be written.
pub fn record(
    connection: &mut Connection,
    id: SubscriptionId,
    sent: Date,
    trouble: Option<&str>,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    change
        .prepare_cached("UPDATE subscriptions SET sent = :sent, trouble = :trouble WHERE id = :id")?
        .execute(named_params! { ":sent": sent.to_string(), ":trouble": trouble, ":id": id })?;
    Ok(change.commit()?)
}

/// The last part of a subscription's link: its id and a MAC.
pub fn seal(key: &[u8], id: SubscriptionId) -> String {
    format!("{id}-{}", hex(&mac(key, id).finalize().into_bytes()))
}

/// The id of the subscription that a text of [`seal`] belongs to. `None` for any other text.
pub fn unseal(key: &[u8], text: &str) -> Option<SubscriptionId> {
    let (id, seal) = text.split_once('-')?;
    let (id, seal): (SubscriptionId, _) = (id.parse().ok()?, unhex(seal)?);
    mac(key, id).verify_slice(&seal).is_ok().then_some(id)
}

fn mac(key: &[u8], id: SubscriptionId) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(b"subscription");
    mac.update(&id.0.to_be_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;
    use crate::control::people::{self, Role};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn new(person: PersonId, topic: Topic, address: &str) -> NewSubscription {
        NewSubscription {
            person,
            site: "a".into(),
            topic,
            address: address.into(),
            language: "en".into(),
        }
    }

    const WEEK: Topic = Topic::Summary(Cadence::Week);

    #[test]
    fn only_confirmed_subscribers_with_access_get_e_mail() {
        let mut connection = in_memory();
        people::add(&mut connection, at(0), "x", "root", "p", ("*", Role::Owner)).expect("added");
        let ada = people::add(&mut connection, at(0), "x", "ada", "p", ("a", Role::Viewer));
        let ada = ada.expect("added");
        let id = add(&mut connection, at(1), &new(ada, WEEK, "a@b.example")).expect("added");
        let of_ada = |connection: &Connection| list(connection, ada, "a").expect("read");
        assert_eq!(
            (
                of_ada(&connection).len(),
                of_ada(&connection)[0].is_confirmed
            ),
            (1, false)
        );
        let to = |connection: &Connection| all_confirmed(connection).expect("read").len();
        assert_eq!(to(&connection), 0);
        confirm(&mut connection, id).expect("confirmed");
        assert_eq!(to(&connection), 1);

        let day: Date = "2026-11-22".parse().expect("a day");
        record(&mut connection, id, day, Some("550")).expect("recorded");
        let known = find(&connection, id).expect("read").expect("there");
        assert_eq!(
            (known.sent, known.trouble.as_deref()),
            (Some(day), Some("550"))
        );
        record(&mut connection, id, day, None).expect("recorded");
        assert_eq!(
            find(&connection, id).expect("read").expect("there").trouble,
            None
        );

        let by = people::find(&connection, ada)
            .expect("read")
            .expect("there");
        people::set_role(&mut connection, at(2), &by, ada, "a", None).expect("taken");
        assert_eq!(to(&connection), 0);
        people::set_role(&mut connection, at(3), &by, ada, "*", Some(Role::Viewer)).expect("given");
        assert_eq!(to(&connection), 1);
        people::remove(&mut connection, at(4), "x", ada).expect("removed");
        assert_eq!(find(&connection, id).expect("read"), None);
    }

    #[test]
    fn subscriptions_are_unique_per_address_and_bounded() {
        let mut connection = in_memory();
        let ada = people::add(&mut connection, at(0), "x", "ada", "p", ("a", Role::Viewer));
        let ada = ada.expect("added");
        add(&mut connection, at(1), &new(ada, WEEK, "a@b.example")).expect("added");
        let again = add(&mut connection, at(1), &new(ada, WEEK, "a@b.example"));
        assert!(matches!(again, Err(ControlError::Taken)));
        add(
            &mut connection,
            at(1),
            &new(ada, Topic::Alert, "a@b.example"),
        )
        .expect("another");
        for n in 2..SUBSCRIPTIONS_MAX {
            let address = format!("{n}@b.example");
            add(&mut connection, at(1), &new(ada, WEEK, &address)).expect("added");
        }
        let one_more = add(&mut connection, at(1), &new(ada, WEEK, "z@b.example"));
        assert!(matches!(one_more, Err(ControlError::Rule(_))));
    }

    #[test]
    fn only_its_owner_or_its_link_removes_a_subscription() {
        let mut connection = in_memory();
        let mut person = |name| {
            people::add(&mut connection, at(0), "x", name, "p", ("*", Role::Owner)).expect("added")
        };
        let (ada, bob) = (person("ada"), person("bob"));
        let id = add(&mut connection, at(1), &new(ada, WEEK, "a@b.example")).expect("added");
        for (person, site) in [(bob, "a"), (ada, "b")] {
            let removed = remove(&mut connection, person, site, id);
            assert!(matches!(removed, Err(ControlError::NotThere)));
        }
        remove(&mut connection, ada, "a", id).expect("removed");
        assert!(matches!(
            end(&mut connection, id),
            Err(ControlError::NotThere)
        ));
        assert!(matches!(
            confirm(&mut connection, id),
            Err(ControlError::NotThere)
        ));
        let next = add(&mut connection, at(1), &new(ada, WEEK, "a@b.example")).expect("added");
        assert!(next > id, "an old link never ends another subscription");
    }

    #[test]
    fn an_unconfirmed_address_is_deleted_after_a_week() {
        let mut connection = in_memory();
        let ada = people::add(&mut connection, at(0), "x", "ada", "p", ("*", Role::Owner));
        let ada = ada.expect("added");
        let mut ask =
            |topic| add(&mut connection, at(1), &new(ada, topic, "a@b.example")).expect("added");
        let (confirmed, unanswered) = (ask(WEEK), ask(Topic::Alert));
        confirm(&mut connection, confirmed).expect("confirmed");
        forget_unanswered(&mut connection, at(UNANSWERED_S)).expect("forgotten");
        assert!(find(&connection, unanswered).expect("read").is_some());
        forget_unanswered(&mut connection, at(1 + UNANSWERED_S)).expect("forgotten");
        assert_eq!(find(&connection, unanswered).expect("read"), None);
        assert!(find(&connection, confirmed).expect("read").is_some());
    }

    #[test]
    fn a_seal_is_bound_to_its_id_and_key() {
        let sealed = seal(&[7; 32], SubscriptionId(12));
        assert_eq!(unseal(&[7; 32], &sealed), Some(SubscriptionId(12)));
        assert_eq!(unseal(&[8; 32], &sealed), None);
        for forged in [
            "",
            "12",
            "12-",
            "12-00",
            "-",
            &sealed.replacen("12", "13", 1),
        ] {
            assert_eq!(unseal(&[7; 32], forged), None, "{forged}");
        }
    }

    #[test]
    fn every_topic_is_parsed_from_its_name() {
        for word in ["day", "week", "month", "alert"] {
            assert_eq!(Topic::parse(word).map(Topic::as_str), Some(word));
        }
        assert_eq!(Topic::parse("year"), None);
    }
}
