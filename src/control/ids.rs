//! Ids of rows in the control database. Each kind is a type, so that they can't be confused.

use std::fmt;
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;

/// The text is not the id of a row. SQLite numbers rows from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a positive whole number")]
pub struct InvalidId;

/// Parses digits only. Signs, spaces and leading zeros are refused, so that an id has one spelling.
fn parse(text: &str) -> Result<i64, InvalidId> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    match text.parse() {
        Ok(id) if is_plain => Ok(id),
        _ => Err(InvalidId),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person who may log in.
    PersonId,
    /// An API key.
    KeyId,
    /// A shared link.
    LinkId,
    /// A goal, funnel, annotation or saved filter.
    SiteObjectId,
    /// An e-mail subscription.
    SubscriptionId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_whole_numbers_are_ids() {
        assert_eq!("1".parse(), Ok(PersonId(1)));
        assert_eq!(i64::MAX.to_string().parse(), Ok(LinkId(i64::MAX)));
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "01",
            " 1",
            "1 ",
            "1.5",
            "a",
            "9223372036854775808",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(InvalidId), "{text:?}");
        }
    }
}
