//! A person's roles and what they permit. Pure.

use std::collections::BTreeMap;

use crate::control::error::ControlError;
use crate::control::ids::PersonId;

/// Stands for every site, including future ones.
pub const EVERY_SITE: &str = "*";
/// Most characters of a name.
pub const NAME_CHARACTERS_MAX: usize = 64;

/// What a person may do on a site. Each role includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read reports.
    Viewer,
    /// Change goals, funnels, annotations and saved filters.
    Editor,
    /// Invite and remove people, and manage keys and links.
    Owner,
}

impl Role {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// Parses a name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Editor, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// A person who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub name: String,
    /// By site, or [`EVERY_SITE`].
    pub roles: BTreeMap<String, Role>,
    pub has_totp: bool,
}

impl Person {
    /// The role on a site.
    pub fn role_on(&self, site: &str) -> Option<Role> {
        let own = self.roles.get(site).copied();
        own.max(self.roles.get(EVERY_SITE).copied())
    }

    /// Whether this person may change roles on `site`, which may be [`EVERY_SITE`].
    pub fn owns(&self, site: &str) -> bool {
        self.role_on(site) == Some(Role::Owner)
    }

    /// Whether this person may remove `other` or reset their password: only as an owner of all
    /// their sites. A person without a role is managed by the owners of every site.
    pub fn may_manage(&self, other: &Person) -> bool {
        if other.roles.is_empty() {
            self.owns(EVERY_SITE)
        } else {
            other.roles.keys().all(|site| self.owns(site))
        }
    }

    /// Whether this person may know of `other`: themselves, and people with a role on a site that
    /// they own.
    pub fn may_see(&self, other: &Person) -> bool {
        self.id == other.id
            || self.owns(EVERY_SITE)
            || other.roles.keys().any(|site| self.owns(site))
    }
}

/// Checks the rules for names.
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

#[cfg(test)]
mod tests {
    use super::*;

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
