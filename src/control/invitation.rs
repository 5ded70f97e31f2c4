//! Single-use links: to become the first owner, to join, or to choose a new password.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::control::audit::{self, AuditEntry};
use crate::control::database::change;
use crate::control::error::ControlError;
use crate::control::ids::PersonId;
use crate::control::people::{self, EVERY_SITE, Person, Role};
use crate::control::token::TokenHash;

/// Seconds for which an invitation to join is valid.
pub const JOIN_S: i64 = 7 * 86_400;
/// Seconds for which a password reset link and the set-up link are valid. Each start creates a new
/// set-up link.
pub const SHORT_S: i64 = 86_400;
/// Most open invitations.
pub const OPEN_MAX: i64 = 1_000;

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitation {
    /// The first owner, while there are no people.
    Setup,
    /// A new person with a role on a site.
    Join { site: String, role: Role },
    /// A new password for an existing person. Also removes the second factor, which may be lost.
    Reset { person: PersonId, name: String },
}

/// Creates the set-up link if there are no people, and invalidates the previous one. Returns
/// whether it was created.
///
/// # Errors
/// The file can't be written.
pub fn set_up(
    connection: &mut Connection,
    now: Timestamp,
    hash: &TokenHash,
) -> Result<bool, ControlError> {
    let change = change(connection)?;
    change
        .prepare_cached("DELETE FROM invitations WHERE kind = 'setup'")?
        .execute([])?;
    let is_empty = people::count(&change)? == 0;
    if is_empty {
        insert(
            &change,
            hash,
            "setup",
            None,
            None,
            EVERY_SITE,
            Role::Owner,
            now.as_second() + SHORT_S,
        )?;
    }
    change.commit()?;
    Ok(is_empty)
}

/// Creates a link to join. It is valid while its creator owns the site.
///
/// # Errors
/// Too many are open.
pub fn invite(
    connection: &mut Connection,
    now: Timestamp,
    by: &Person,
    (site, role): (&str, Role),
    hash: &TokenHash,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    change
        .prepare_cached("DELETE FROM invitations WHERE expires < :now")?
        .execute(named_params! { ":now": now.as_second() })?;
    let open: i64 = change
        .prepare_cached("SELECT count(*) FROM invitations")?
        .query_row([], |row| row.get(0))?;
    if open >= OPEN_MAX {
        return Err(ControlError::Rule(
            "there are already 1,000 open invitations",
        ));
    }
    insert(
        &change,
        hash,
        "join",
        None,
        Some(by.id),
        site,
        role,
        now.as_second() + JOIN_S,
    )?;
    let entry = AuditEntry {
        who: &by.name,
        what: "invited",
        site,
        subject: role.as_str(),
    };
    audit::record(&change, now, entry)?;
    Ok(change.commit()?)
}

/// Creates a link for choosing a new password, and invalidates the person's previous one. It is
/// valid while `by` may manage the person. `None` is the command line, which always may.
///
/// # Errors
/// There is no such person.
pub fn reset(
    connection: &mut Connection,
    now: Timestamp,
    by: Option<&Person>,
    person: PersonId,
    hash: &TokenHash,
) -> Result<(), ControlError> {
    let change = change(connection)?;
    let name = people::find(&change, person)?
        .ok_or(ControlError::NotThere)?
        .name;
    change
        .prepare_cached("DELETE FROM invitations WHERE person = :person")?
        .execute(named_params! { ":person": person })?;
    insert(
        &change,
        hash,
        "reset",
        Some(person),
        by.map(|by| by.id),
        "",
        Role::Viewer,
        now.as_second() + SHORT_S,
    )?;
    let entry = AuditEntry {
        who: by.map_or(audit::COMMAND_LINE, |by| by.name.as_str()),
        what: "password_reset_offered",
        site: "",
        subject: &name,
    };
    audit::record(&change, now, entry)?;
    Ok(change.commit()?)
}

#[allow(clippy::too_many_arguments)] // One per column.
fn insert(
    connection: &Connection,
    hash: &TokenHash,
    kind: &str,
    person: Option<PersonId>,
    invited_by: Option<PersonId>,
    site: &str,
    role: Role,
    expires: i64,
) -> Result<(), ControlError> {
    connection
        .prepare_cached(
            "INSERT INTO invitations (hash, kind, person, invited_by, site, role, expires)
             VALUES (:hash, :kind, :person, :invited_by, :site, :role, :expires)",
        )?
        .execute(named_params! {
            ":hash": hash, ":kind": kind, ":person": person, ":invited_by": invited_by,
            ":site": site, ":role": role.as_str(), ":expires": expires,
        })?;
    Ok(())
}

/// What a link is for. `None` if it was used, has expired, or never existed.
///
/// # Errors
/// The file can't be read.
pub fn find(
    connection: &Connection,
    now: Timestamp,
    hash: &TokenHash,
) -> Result<Option<Invitation>, ControlError> {
    type Row = (String, Option<PersonId>, Option<PersonId>, String, String);
    let row: Option<Row> = connection
        .prepare_cached(
            "SELECT kind, person, invited_by, site, role FROM invitations WHERE hash = :hash AND expires >= :now",
        )?
        .query_row(named_params! { ":hash": hash, ":now": now.as_second() }, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let Some((kind, person, invited_by, site, role)) = row else {
        return Ok(None);
    };
    match (kind.as_str(), person, invited_by) {
        ("setup", ..) => Ok((people::count(connection)? == 0).then_some(Invitation::Setup)),
        ("reset", Some(person), creator) => {
            let Some(found) = people::find(connection, person)? else {
                return Ok(None);
            };
            if let Some(creator) = creator {
                let creator = people::find(connection, creator)?;
                if !creator.is_some_and(|creator| creator.may_manage(&found)) {
                    return Ok(None);
                }
            }
            Ok(Some(Invitation::Reset {
                person,
                name: found.name,
            }))
        }
        ("join", _, Some(inviter)) => {
            let inviter = people::find(connection, inviter)?;
            let is_owner = inviter.is_some_and(|inviter| inviter.owns(&site));
            let join = |role| Invitation::Join { site, role };
            Ok(Role::parse(&role).filter(|_| is_owner).map(join))
        }
        _ => Ok(None),
    }
}

/// Uses a link: adds the person, or changes the password. Returns the person's name, or `None` if
/// the link is not valid.
///
/// # Errors
/// The name is taken or breaks a rule. The link stays valid.
pub fn accept(
    connection: &mut Connection,
    now: Timestamp,
    hash: &TokenHash,
    name: &str,
    password: &str,
) -> Result<Option<String>, ControlError> {
    let change = change(connection)?;
    let Some(invitation) = find(&change, now, hash)? else {
        return Ok(None);
    };
    change
        .prepare_cached("DELETE FROM invitations WHERE hash = :hash")?
        .execute(named_params! { ":hash": hash })?;
    let (what, site, name) = match invitation {
        Invitation::Setup => {
            let person = people::insert(&change, now, name, password)?;
            people::give(&change, person, EVERY_SITE, Role::Owner)?;
            ("set_up", EVERY_SITE.to_owned(), name.to_owned())
        }
        Invitation::Join { site, role } => {
            let person = people::insert(&change, now, name, password)?;
            people::give(&change, person, &site, role)?;
            ("joined", site, name.to_owned())
        }
        Invitation::Reset { person, .. } => {
            let name = people::replace_password(&change, person, password)?;
            people::replace_totp(&change, person, None)?;
            change
                .prepare_cached("DELETE FROM logins WHERE person = :person")?
                .execute(named_params! { ":person": person })?;
            ("password_reset", String::new(), name)
        }
    };
    let entry = AuditEntry {
        who: &name,
        what,
        site: &site,
        subject: &name,
    };
    audit::record(&change, now, entry)?;
    change.commit()?;
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::database::in_memory;
    use crate::control::login;
    use crate::control::people::{add, remove, set_role};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn accept_at(connection: &mut Connection, now: i64, hash: u8, name: &str) -> Option<String> {
        accept(connection, at(now), &[hash; 32], name, "p").expect("written")
    }

    /// A database with one owner of every site, added by the set-up link.
    fn set_up_by_root() -> (Connection, Person) {
        let mut connection = in_memory();
        assert!(set_up(&mut connection, at(0), &[1; 32]).expect("written"));
        assert_eq!(
            accept_at(&mut connection, 1, 1, "root").as_deref(),
            Some("root")
        );
        let root = people::find_name(&connection, "root")
            .expect("read")
            .expect("there");
        (connection, root)
    }

    #[test]
    fn the_set_up_link_adds_one_owner_and_only_the_latest_works() {
        let mut connection = in_memory();
        assert!(set_up(&mut connection, at(0), &[1; 32]).expect("written"));
        assert!(set_up(&mut connection, at(0), &[2; 32]).expect("written"));
        assert_eq!(accept_at(&mut connection, 1, 1, "mallory"), None);
        assert_eq!(accept_at(&mut connection, SHORT_S + 1, 2, "late"), None);
        assert_eq!(
            accept_at(&mut connection, SHORT_S, 2, "root").as_deref(),
            Some("root")
        );
        assert_eq!(accept_at(&mut connection, SHORT_S, 2, "again"), None);
        assert!(!set_up(&mut connection, at(2), &[3; 32]).expect("written"));
        assert_eq!(accept_at(&mut connection, 2, 3, "mallory"), None);
        let root = people::find_name(&connection, "root")
            .expect("read")
            .expect("there");
        assert!(root.owns(EVERY_SITE));
    }

    #[test]
    fn an_invitation_works_once_for_a_week_while_its_creator_is_owner() {
        let (mut connection, root) = set_up_by_root();
        let owner = ("a.example", Role::Owner);
        let ada = add(&mut connection, at(0), "root", "ada", "p", owner).expect("added");
        let ada = people::find(&connection, ada)
            .expect("read")
            .expect("there");
        let viewer = ("a.example", Role::Viewer);
        for hash in 10..=14 {
            invite(&mut connection, at(0), &ada, viewer, &[hash; 32]).expect("made");
        }
        assert_eq!(accept_at(&mut connection, JOIN_S + 1, 10, "late"), None);
        assert_eq!(
            accept_at(&mut connection, JOIN_S, 10, "bob").as_deref(),
            Some("bob")
        );
        assert_eq!(accept_at(&mut connection, 1, 10, "replay"), None);
        let taken = accept(&mut connection, at(1), &[11; 32], "ADA", "p");
        assert!(matches!(taken, Err(ControlError::Taken)));
        assert!(
            accept_at(&mut connection, 1, 11, "carol").is_some(),
            "the link still worked"
        );
        let bob = people::find_name(&connection, "bob")
            .expect("read")
            .expect("there");
        assert_eq!(bob.role_on("a.example"), Some(Role::Viewer));
        assert_eq!(bob.role_on("b.example"), None);

        set_role(
            &mut connection,
            at(2),
            &root,
            ada.id,
            "a.example",
            Some(Role::Editor),
        )
        .expect("set");
        assert_eq!(accept_at(&mut connection, 2, 12, "dave"), None);
        set_role(
            &mut connection,
            at(2),
            &root,
            ada.id,
            "a.example",
            Some(Role::Owner),
        )
        .expect("set");
        assert!(accept_at(&mut connection, 2, 12, "dave").is_some());
        remove(&mut connection, at(3), "root", ada.id).expect("removed");
        assert_eq!(accept_at(&mut connection, 3, 13, "erin"), None);
        assert!(root.may_manage(&bob));
    }

    #[test]
    fn a_reset_changes_the_password_and_ends_log_ins_and_second_factor() {
        let (mut connection, root) = set_up_by_root();
        people::set_totp(&mut connection, at(0), root.id, Some((b"secret", 0, &[]))).expect("set");
        reset(&mut connection, at(0), Some(&root), root.id, &[2; 32]).expect("made");
        reset(&mut connection, at(0), Some(&root), root.id, &[3; 32]).expect("made");
        assert_eq!(
            accept(&mut connection, at(1), &[2; 32], "", "q").expect("read"),
            None
        );
        let name = accept(&mut connection, at(1), &[3; 32], "other", "q").expect("changed");
        assert_eq!(name.as_deref(), Some("root"), "the name stays");
        assert_eq!(login::count(&connection, root.id).expect("read"), 0);
        let credentials = people::credentials(&connection, "root")
            .expect("read")
            .expect("there");
        assert_eq!(credentials.password, "q");
        assert!(
            !people::find(&connection, root.id)
                .expect("read")
                .expect("there")
                .has_totp
        );
        assert_eq!(
            accept(&mut connection, at(1), &[3; 32], "", "r").expect("read"),
            None
        );
    }

    #[test]
    fn open_invitations_are_bounded() {
        let (mut connection, root) = set_up_by_root();
        for n in 0..OPEN_MAX {
            let hash = crate::control::token::hash(&n.to_string());
            invite(&mut connection, at(0), &root, ("a", Role::Viewer), &hash).expect("made");
        }
        let one_more = |connection: &mut Connection, now| {
            invite(connection, at(now), &root, ("a", Role::Viewer), &[9; 32])
        };
        assert!(matches!(
            one_more(&mut connection, 0),
            Err(ControlError::Rule(_))
        ));
        one_more(&mut connection, JOIN_S + 1).expect("expired ones make room");
    }

    #[test]
    fn a_reset_link_ends_when_its_creator_loses_the_right_to_create_it() {
        let (mut connection, root) = set_up_by_root();
        let at_a = |role| ("a.example", role);
        let ada = add(
            &mut connection,
            at(0),
            "root",
            "ada",
            "p",
            at_a(Role::Owner),
        )
        .expect("added");
        let avi = add(
            &mut connection,
            at(0),
            "root",
            "avi",
            "p",
            at_a(Role::Viewer),
        )
        .expect("added");
        let ada = people::find(&connection, ada)
            .expect("read")
            .expect("there");
        let found = |connection: &Connection, hash: u8| {
            find(connection, at(1), &[hash; 32])
                .expect("read")
                .is_some()
        };
        reset(&mut connection, at(0), Some(&ada), avi, &[2; 32]).expect("made");
        assert!(found(&connection, 2));
        // Ada may no longer manage Avi. Any change of roles ends the link anyway.
        set_role(
            &mut connection,
            at(1),
            &root,
            avi,
            "b.example",
            Some(Role::Owner),
        )
        .expect("given");
        assert!(!found(&connection, 2));
        assert_eq!(accept_at(&mut connection, 1, 2, ""), None);
        reset(&mut connection, at(1), Some(&root), avi, &[3; 32]).expect("made");
        assert!(found(&connection, 3));
        set_role(
            &mut connection,
            at(1),
            &root,
            avi,
            "c.example",
            Some(Role::Viewer),
        )
        .expect("given");
        assert!(!found(&connection, 3));
        // A link whose creator is no longer an owner.
        set_role(&mut connection, at(1), &root, avi, "b.example", None).expect("taken");
        set_role(&mut connection, at(1), &root, avi, "c.example", None).expect("taken");
        reset(&mut connection, at(1), Some(&ada), avi, &[4; 32]).expect("made");
        assert!(found(&connection, 4));
        set_role(
            &mut connection,
            at(1),
            &root,
            ada.id,
            "a.example",
            Some(Role::Editor),
        )
        .expect("set");
        assert!(!found(&connection, 4));
        reset(&mut connection, at(1), None, avi, &[5; 32]).expect("made");
        assert!(found(&connection, 5), "the command line's");
    }
}
