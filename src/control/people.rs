//! Who may log in, and what they may do on which site.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::control::audit::{self, Deed};
use crate::control::database::ControlError;
use crate::control::database::change;
use crate::control::token::TokenHash;

/// In the place of a site: every site, those to come as well.
pub const EVERY_SITE: &str = "*";
/// Characters of a name.
pub const NAME_CHARACTERS_MAX: usize = 64;
/// People of one installation.
pub const PEOPLE_MAX: i64 = 10_000;

/// What a person may do on a site. Each may what the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// See reports.
    Viewer,
    /// Keep goals, annotations and saved filters.
    Editor,
    /// Invite, remove, keep keys and links.
    Owner,
}

impl Role {
    /// The word in the file and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Editor, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: i64,
    pub name: String,
    /// By site, or [`EVERY_SITE`].
    pub roles: BTreeMap<String, Role>,
    pub has_totp: bool,
}

impl Person {
    /// What they may do on a site.
    pub fn role_on(&self, site: &str) -> Option<Role> {
        let own = self.roles.get(site).copied();
        own.max(self.roles.get(EVERY_SITE).copied())
    }

    /// Whether they may decide about a role on `site`, which may be [`EVERY_SITE`].
    pub fn owns(&self, site: &str) -> bool {
        self.role_on(site) == Some(Role::Owner)
    }

    /// Whether they may remove somebody or give them a new password: only with every site of
    /// theirs. Somebody without any role is for those who own every site.
    pub fn may_manage(&self, other: &Person) -> bool {
        if other.roles.is_empty() {
            self.owns(EVERY_SITE)
        } else {
            other.roles.keys().all(|site| self.owns(site))
        }
    }

    /// Whether they get to know that somebody is there: themselves, and those with a role on a site
    /// that they own.
    pub fn may_see(&self, other: &Person) -> bool {
        self.id == other.id
            || self.owns(EVERY_SITE)
            || other.roles.keys().any(|site| self.owns(site))
    }
}

/// What a log-in is checked against.
pub struct Credentials {
    pub person: i64,
    /// PHC format.
    pub password: String,
}

/// Whether a name may be chosen.
///
/// # Errors
/// [`ControlError::Rule`].
pub fn check_name(name: &str) -> Result<(), ControlError> {
    let characters = name.chars().count();
    if characters == 0 || characters > NAME_CHARACTERS_MAX {
        Err(ControlError::Rule("a name has 1 to 64 characters"))
    } else if name.trim() != name || name.chars().any(char::is_control) {
        Err(ControlError::Rule(
            "a name neither begins nor ends with a space and has no control characters",
        ))
    } else {
        Ok(())
    }
}

/// How many there are.
///
/// # Errors
/// The file can't be read.
pub fn count(connection: &Connection) -> Result<i64, ControlError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM people")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Everybody, by name.
///
/// # Errors
/// The file can't be read.
pub fn all(connection: &Connection) -> Result<Vec<Person>, ControlError> {
    let mut statement = connection.prepare_cached("SELECT id FROM people ORDER BY name")?;
    let ids: Vec<i64> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let found: Result<Vec<_>, _> = ids.into_iter().map(|id| find(connection, id)).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// One person.
///
/// # Errors
/// The file can't be read.
pub fn find(connection: &Connection, id: i64) -> Result<Option<Person>, ControlError> {
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

/// One person by name; case does not matter for a-z.
///
/// # Errors
/// The file can't be read.
pub fn find_name(connection: &Connection, name: &str) -> Result<Option<Person>, ControlError> {
    match credentials(connection, name)? {
        Some(credentials) => find(connection, credentials.person),
        None => Ok(None),
    }
}

/// What a log-in under this name is checked against.
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
/// The name is taken or against the rules, or there are too many.
pub fn add(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    name: &str,
    password: &str,
    (site, role): (&str, Role),
) -> Result<i64, ControlError> {
    let change = change(connection)?;
    let id = insert(&change, now, name, password)?;
    give(&change, id, site, role)?;
    let deed = Deed {
        who,
        what: "person_added",
        site,
        subject: name,
    };
    audit::record(&change, now, deed)?;
    change.commit()?;
    Ok(id)
}

/// The bare row, within another change.
pub(super) fn insert(
    connection: &Connection,
    now: Timestamp,
    name: &str,
    password: &str,
) -> Result<i64, ControlError> {
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
    Ok(connection.last_insert_rowid())
}

/// The bare role, within another change.
pub(super) fn give(
    connection: &Connection,
    person: i64,
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

/// Gives a person another role on a site, or takes it. Links for a new password end with it:
/// whoever made one may have no right to the person any more. So do the keys and links of a site
/// that the person owns no more.
///
/// # Errors
/// There is no such person among those whom `by` may see, or nobody would own every site any more.
pub fn set_role(
    connection: &mut Connection,
    now: Timestamp,
    by: &Person,
    person: i64,
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
    end_what_was_made(&change, now, who, &name, &|site| {
        before.owns(site) && !after.owns(site)
    })?;
    let what = match role {
        Some(Role::Viewer) => "role_viewer",
        Some(Role::Editor) => "role_editor",
        Some(Role::Owner) => "role_owner",
        None => "role_taken",
    };
    let deed = Deed {
        who,
        what,
        site,
        subject: &name,
    };
    audit::record(&change, now, deed)?;
    Ok(change.commit()?)
}

/// Removes a person, their open log-ins, and the invitations, API keys and shared links they made.
///
/// # Errors
/// There is no such person, or nobody would own every site any more.
pub fn remove(
    connection: &mut Connection,
    now: Timestamp,
    who: &str,
    person: i64,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let name = find(&change, person)?.ok_or(ControlError::NotThere)?.name;
    change
        .prepare_cached("DELETE FROM people WHERE id = :id")?
        .execute(named_params! { ":id": person })?;
    refuse_without_owner(&change)?;
    end_what_was_made(&change, now, who, &name, &|_| true)?;
    let deed = Deed {
        who,
        what: "person_removed",
        site: "",
        subject: &name,
    };
    audit::record(&change, now, deed)?;
    Ok(change.commit()?)
}

/// Ends the API keys and shared links of some sites that a person made, each with a line in the
/// log: their secrets may still be in that person's hands. The site's other owners read there what
/// ended, and can make new ones.
fn end_what_was_made(
    change: &Connection,
    now: Timestamp,
    who: &str,
    name: &str,
    is_ended: &dyn Fn(&str) -> bool,
) -> Result<(), ControlError> {
    for (table, what) in [("keys", "key_revoked"), ("links", "link_revoked")] {
        let text = format!(
            "SELECT id, site, name FROM {table} WHERE created_by = :name COLLATE NOCASE ORDER BY id"
        );
        let made: Vec<(i64, String, String)> = change
            .prepare_cached(&text)?
            .query_map(named_params! { ":name": name }, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        for (id, site, subject) in made.iter().filter(|(_, site, _)| is_ended(site)) {
            change
                .prepare_cached(&format!("DELETE FROM {table} WHERE id = :id"))?
                .execute(named_params! { ":id": id })?;
            let deed = Deed {
                who,
                what,
                site,
                subject,
            };
            audit::record(change, now, deed)?;
        }
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

/// Changes a password. All other log-ins of the person end, and links for choosing a new one.
///
/// # Errors
/// There is no such person.
pub fn set_password(
    connection: &mut Connection,
    now: Timestamp,
    person: i64,
    password: &str,
    kept_login: &TokenHash,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let name = replace_password(&change, person, password)?;
    change
        .prepare_cached("DELETE FROM logins WHERE person = :person AND hash <> :kept")?
        .execute(named_params! { ":person": person, ":kept": kept_login })?;
    let deed = Deed {
        who: &name,
        what: "password_changed",
        site: "",
        subject: &name,
    };
    audit::record(&change, now, deed)?;
    Ok(change.commit()?)
}

/// The bare change, within another. Answers the person's name.
pub(super) fn replace_password(
    connection: &Connection,
    person: i64,
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

/// Sets up the second factor with the step of its first code and the hashes of its recovery codes,
/// or takes it (`None`).
///
/// # Errors
/// There is no such person.
pub fn set_totp(
    connection: &mut Connection,
    now: Timestamp,
    person: i64,
    totp: Option<(&[u8], i64, &[TokenHash])>,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let name = find(&change, person)?.ok_or(ControlError::NotThere)?.name;
    replace_totp(&change, person, totp)?;
    let what = match totp {
        Some(_) => "second_factor_added",
        None => "second_factor_removed",
    };
    let deed = Deed {
        who: &name,
        what,
        site: "",
        subject: &name,
    };
    audit::record(&change, now, deed)?;
    Ok(change.commit()?)
}

/// The bare change, within another.
pub(super) fn replace_totp(
    connection: &Connection,
    person: i64,
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
            id: 1,
            name: "ada".into(),
            roles: roles
                .iter()
                .map(|(site, role)| ((*site).to_owned(), *role))
                .collect(),
            has_totp: false,
        }
    }

    #[test]
    fn a_role_holds_for_its_site_or_for_every_site() {
        let ada = person(&[("a.example", Role::Owner), ("b.example", Role::Viewer)]);
        assert_eq!(ada.role_on("a.example"), Some(Role::Owner));
        assert_eq!(ada.role_on("b.example"), Some(Role::Viewer));
        assert_eq!(ada.role_on("c.example"), None);
        assert_eq!(ada.role_on(EVERY_SITE), None);
        let grace = person(&[("*", Role::Editor), ("b.example", Role::Owner)]);
        assert_eq!(grace.role_on("c.example"), Some(Role::Editor));
        assert_eq!(grace.role_on("b.example"), Some(Role::Owner));
        assert!(!grace.owns(EVERY_SITE));
        assert!(Role::Viewer < Role::Editor && Role::Editor < Role::Owner);
    }

    #[test]
    fn managing_a_person_needs_ownership_of_all_their_sites() {
        let owner = person(&[("a.example", Role::Owner)]);
        assert!(owner.may_manage(&person(&[("a.example", Role::Owner)])));
        assert!(!owner.may_manage(&person(&[
            ("a.example", Role::Viewer),
            ("b.example", Role::Viewer)
        ])));
        assert!(!owner.may_manage(&person(&[("*", Role::Viewer)])));
        assert!(!owner.may_manage(&person(&[])));
        assert!(person(&[("*", Role::Owner)]).may_manage(&person(&[("*", Role::Owner)])));
        assert!(
            !person(&[("*", Role::Editor)]).may_manage(&person(&[("a.example", Role::Viewer)]))
        );
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
        assert_eq!(root, 1);
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

    #[test]
    fn names_have_1_to_64_characters_on_one_trimmed_line() {
        for name in [
            "a",
            "Ada Lovelace",
            "ada@example.com",
            "鍵",
            &"x".repeat(64),
        ] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", " a", "a ", "a\nb", &"x".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
