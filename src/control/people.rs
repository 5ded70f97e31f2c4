//! The people who may log in, with their roles and passwords.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::control::audit::{self, AuditEntry};
use crate::control::credential_table::CredentialTable;
use crate::control::database::change;
use crate::control::error::ControlError;
use crate::control::ids::PersonId;
use crate::control::token::TokenHash;

pub use crate::control::person::{EVERY_SITE, Person, Role, check_name};

/// Most people of one installation.
pub const PEOPLE_MAX: i64 = 10_000;

/// The stored password of a person.
pub struct Credentials {
    pub person: PersonId,
    /// PHC format.
    pub password: String,
}

/// The number of people.
///
/// # Errors
/// The file can't be read.
pub fn count(connection: &Connection) -> Result<i64, ControlError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM people")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// All people, by name.
///
/// # Errors
/// The file can't be read.
pub fn all(connection: &Connection) -> Result<Vec<Person>, ControlError> {
    let mut statement = connection.prepare_cached("SELECT id FROM people ORDER BY name")?;
    let ids: Vec<PersonId> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let found: Result<Vec<_>, _> = ids.into_iter().map(|id| find(connection, id)).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// One person.
///
/// # Errors
/// The file can't be read.
pub fn find(connection: &Connection, id: PersonId) -> Result<Option<Person>, ControlError> {
    let person = connection
        .prepare_cached("SELECT name, totp IS NOT NULL FROM people WHERE id = :id")?
        .query_row(named_params! { ":id": id }, |row| {
            Ok(Person {
                id,
                name: row.get(0)?,
                roles: BTreeMap::new(),
                has_totp: row.get(1)?,
            })
        })
        .optional()?;
    let Some(mut person) = person else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare_cached("SELECT site, role FROM roles WHERE person = :id")?;
    let mut rows = statement.query(named_params! { ":id": id })?;
    while let Some(row) = rows.next()? {
        let role: String = row.get(1)?;
        person.roles.extend(
            Role::parse(&role)
                .map(|role| row.get(0).map(|site| (site, role)))
                .transpose()?,
        );
    }
    Ok(Some(person))
}

/// One person by name. The case of a-z does not matter.
///
/// # Errors
/// The file can't be read.
pub fn find_name(connection: &Connection, name: &str) -> Result<Option<Person>, ControlError> {
    match credentials(connection, name)? {
        Some(credentials) => find(connection, credentials.person),
        None => Ok(None),
    }
}

/// The stored password for a name.
///
/// # Errors
/// The file can't be read.
pub fn credentials(
    connection: &Connection,
    name: &str,
) -> Result<Option<Credentials>, ControlError> {
    Ok(connection
        .prepare_cached("SELECT id, password FROM people WHERE name = :name")?
        .query_row(named_params! { ":name": name }, |row| {
            Ok(Credentials {
                person: row.get(0)?,
                password: row.get(1)?,
            })
        })
        .optional()?)
}

/// Adds a person with one role.
///
/// # Errors
/// The name is taken or not allowed, or there are too many people.
pub fn add(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    name: &str,
    password: &str,
    (site, role): (&str, Role),
) -> Result<PersonId, ControlError> {
    let change = change(connection)?;
    let id = insert(&change, now, name, password)?;
    give(&change, id, site, role)?;
    let entry = AuditEntry {
        who,
        what: "person_added",
        site,
        subject: name,
    };
    audit::record(&change, now, entry)?;
    change.commit()?;
    Ok(id)
}

/// Inserts the row only, within a transaction of the caller.
pub(super) fn insert(
    connection: &Connection,
    now: Timestamp,
    name: &str,
    password: &str,
) -> Result<PersonId, ControlError> {
    check_name(name)?;
    if count(connection)? >= PEOPLE_MAX {
        return Err(ControlError::Rule(
            "there are 10,000 people already; remove one first",
        ));
    }
    connection
        .prepare_cached(
            "INSERT INTO people (name, password, created) VALUES (:name, :password, :now)",
        )?
        .execute(named_params! { ":name": name, ":password": password, ":now": now.as_second() })
        .map_err(ControlError::of_insert)?;
    Ok(PersonId(connection.last_insert_rowid()))
}

/// Sets the role only, within a transaction of the caller.
pub(super) fn give(
    connection: &Connection,
    person: PersonId,
    site: &str,
    role: Role,
) -> Result<(), ControlError> {
    connection
        .prepare_cached(
            "INSERT INTO roles (person, site, role) VALUES (:person, :site, :role)
             ON CONFLICT DO UPDATE SET role = excluded.role",
        )?
        .execute(named_params! { ":person": person, ":site": site, ":role": role.as_str() })?;
    Ok(())
}

/// Changes or removes a person's role on a site. Ends open password reset links, whose creator may
/// no longer manage the person, and revokes the keys and shared links that the person created for
/// sites they no longer own.
///
/// # Errors
/// `by` may not see such a person, or no owner of every site would remain.
pub fn set_role(
    connection: &mut Connection,
    now: Timestamp,
    by: &Person,
    person: PersonId,
    site: &str,
    role: Option<Role>,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let who = by.name.as_str();
    let found = find(&change, person)?.filter(|found| by.may_see(found));
    let before = found.ok_or(ControlError::NotThere)?;
    let name = before.name.clone();
    change
        .prepare_cached("DELETE FROM invitations WHERE person = :person AND kind = 'reset'")?
        .execute(named_params! { ":person": person })?;
    match role {
        Some(role) => give(&change, person, site, role)?,
        None => {
            change
                .prepare_cached("DELETE FROM roles WHERE person = :person AND site = :site")?
                .execute(named_params! { ":person": person, ":site": site })?;
        }
    }
    refuse_without_owner(&change)?;
    let after = find(&change, person)?.ok_or(ControlError::NotThere)?;
    revoke_created_by(&change, now, who, &name, &|site| {
        before.owns(site) && !after.owns(site)
    })?;
    let what = match role {
        Some(Role::Viewer) => "role_viewer",
        Some(Role::Editor) => "role_editor",
        Some(Role::Owner) => "role_owner",
        None => "role_taken",
    };
    let entry = AuditEntry {
        who,
        what,
        site,
        subject: &name,
    };
    audit::record(&change, now, entry)?;
    Ok(change.commit()?)
}

/// Removes a person, their open log-ins, and the invitations, API keys and shared links they made.
///
/// # Errors
/// There is no such person, or no owner of every site would remain.
pub fn remove(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    person: PersonId,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let name = find(&change, person)?.ok_or(ControlError::NotThere)?.name;
    change
        .prepare_cached("DELETE FROM people WHERE id = :id")?
        .execute(named_params! { ":id": person })?;
    refuse_without_owner(&change)?;
    revoke_created_by(&change, now, who, &name, &|_| true)?;
    let entry = AuditEntry {
        who,
        what: "person_removed",
        site: "",
        subject: &name,
    };
    audit::record(&change, now, entry)?;
    Ok(change.commit()?)
}

/// Revokes the API keys and shared links that a person created for some sites: the person may still
/// have their secrets. The audit log tells the site's other owners, who can create new ones.
fn revoke_created_by(
    change: &Connection,
    now: Timestamp,
    who: &str,
    name: &str,
    is_revoked: &dyn Fn(&str) -> bool,
) -> Result<(), ControlError> {
    for table in [CredentialTable::Keys, CredentialTable::Links] {
        table.revoke_created_by(change, now, who, name, is_revoked)?;
    }
    Ok(())
}

fn refuse_without_owner(connection: &Connection) -> Result<(), ControlError> {
    let owners: i64 = connection
        .prepare_cached("SELECT count(*) FROM roles WHERE site = '*' AND role = 'owner'")?
        .query_row([], |row| row.get(0))?;
    if owners == 0 {
        return Err(ControlError::Rule(
            "every site needs an owner; make another person an owner of every site first",
        ));
    }
    Ok(())
}

/// Changes a password. Ends the person's other log-ins and password reset links.
///
/// # Errors
/// There is no such person.
pub fn set_password(
    connection: &mut Connection,
    now: Timestamp,
    person: PersonId,
    password: &str,
    kept_login: &TokenHash,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let name = replace_password(&change, person, password)?;
    change
        .prepare_cached("DELETE FROM logins WHERE person = :person AND hash <> :kept")?
        .execute(named_params! { ":person": person, ":kept": kept_login })?;
    let entry = AuditEntry {
        who: &name,
        what: "password_changed",
        site: "",
        subject: &name,
    };
    audit::record(&change, now, entry)?;
    Ok(change.commit()?)
}

/// Replaces the password only, within a transaction of the caller. Returns the person's name.
pub(super) fn replace_password(
    connection: &Connection,
    person: PersonId,
    password: &str,
) -> Result<String, ControlError> {
    connection
        .prepare_cached("DELETE FROM invitations WHERE person = :person")?
        .execute(named_params! { ":person": person })?;
    connection
        .prepare_cached("UPDATE people SET password = :password WHERE id = :person RETURNING name")?
        .query_row(
            named_params! { ":password": password, ":person": person },
            |row| row.get(0),
        )
        .optional()?
        .ok_or(ControlError::NotThere)
}

/// Sets the second factor, with the time step of its first code and the hashes of its recovery
/// codes, or removes it (`None`).
///
/// # Errors
/// There is no such person.
pub fn set_totp(
    connection: &mut Connection,
    now: Timestamp,
    person: PersonId,
    totp: Option<(&[u8], i64, &[TokenHash])>,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let name = find(&change, person)?.ok_or(ControlError::NotThere)?.name;
    replace_totp(&change, person, totp)?;
    let what = match totp {
        Some(_) => "second_factor_added",
        None => "second_factor_removed",
    };
    let entry = AuditEntry {
        who: &name,
        what,
        site: "",
        subject: &name,
    };
    audit::record(&change, now, entry)?;
    Ok(change.commit()?)
}

/// Replaces the second factor only, within a transaction of the caller.
pub(super) fn replace_totp(
    connection: &Connection,
    person: PersonId,
    totp: Option<(&[u8], i64, &[TokenHash])>,
) -> Result<(), ControlError> {
    let (secret, step, codes) = match totp {
        Some((secret, step, codes)) => (Some(secret), step, codes),
        None => (None, 0, &[][..]),
    };
    connection
        .prepare_cached("UPDATE people SET totp = :totp, totp_step = :step WHERE id = :person")?
        .execute(named_params! { ":totp": secret, ":step": step, ":person": person })?;
    connection
        .prepare_cached("DELETE FROM recovery_codes WHERE person = :person")?
        .execute(named_params! { ":person": person })?;
    for code in codes {
        connection
            .prepare_cached("INSERT INTO recovery_codes (hash, person) VALUES (:hash, :person)")?
            .execute(named_params! { ":hash": code, ":person": person })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn person(roles: &[(&str, Role)]) -> Person {
        Person {
            id: PersonId(1),
            name: "ada".into(),
            roles: roles
                .iter()
                .map(|(site, role)| ((*site).to_owned(), *role))
                .collect(),
            has_totp: false,
        }
    }

    #[test]
    fn adding_changing_and_removing_people_is_audited() {
        let mut connection = in_memory();
        let root = add(
            &mut connection,
            NOW,
            "(setup)",
            "Root",
            "p",
            ("*", Role::Owner),
        )
        .expect("added");
        let ada = add(
            &mut connection,
            NOW,
            "Root",
            "ada",
            "p",
            ("a.example", Role::Viewer),
        )
        .expect("added");
        let taken = add(
            &mut connection,
            NOW,
            "Root",
            "ADA",
            "p",
            ("a.example", Role::Viewer),
        );
        assert!(matches!(taken, Err(ControlError::Taken)));
        let owner = find(&connection, root).expect("read").expect("there");
        set_role(
            &mut connection,
            NOW,
            &owner,
            ada,
            "b.example",
            Some(Role::Owner),
        )
        .expect("given");
        set_role(&mut connection, NOW, &owner, ada, "a.example", None).expect("taken");
        let found = find_name(&connection, "aDa").expect("read").expect("there");
        assert_eq!(
            found,
            Person {
                id: ada,
                ..person(&[("b.example", Role::Owner)])
            }
        );
        assert_eq!(all(&connection).expect("read").len(), 2);
        remove(&mut connection, NOW, "Root", ada).expect("removed");
        assert!(matches!(
            remove(&mut connection, NOW, "Root", ada),
            Err(ControlError::NotThere)
        ));
        assert_eq!(count(&connection).expect("read"), 1);
        let deeds: Vec<String> = audit::latest(&connection, &|_| true)
            .expect("read")
            .iter()
            .map(|entry| format!("{} {} {}", entry.who, entry.what, entry.subject))
            .collect();
        assert_eq!(
            deeds,
            [
                "Root person_removed ada",
                "Root role_taken ada",
                "Root role_owner ada",
                "Root person_added ada",
                "(setup) person_added Root",
            ]
        );
        assert_eq!(root, PersonId(1));
    }

    #[test]
    fn the_last_owner_of_every_site_cannot_be_removed() {
        let mut connection = in_memory();
        let root = add(&mut connection, NOW, "x", "root", "p", ("*", Role::Owner)).expect("added");
        let rule = |result| assert!(matches!(result, Err(ControlError::Rule(_))), "{result:?}");
        rule(remove(&mut connection, NOW, "x", root));
        let owner = find(&connection, root).expect("read").expect("there");
        rule(set_role(
            &mut connection,
            NOW,
            &owner,
            root,
            "*",
            Some(Role::Editor),
        ));
        rule(set_role(&mut connection, NOW, &owner, root, "*", None));
        assert!(
            find(&connection, root)
                .expect("read")
                .expect("there")
                .owns("*")
        );
        add(&mut connection, NOW, "x", "next", "p", ("*", Role::Owner)).expect("added");
        remove(&mut connection, NOW, "x", root).expect("removed");
    }
}
