//! Audiences, and the floor of each.

use super::floor::Floor;

/// The group of readers that an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// People who are logged in and may see the site.
    Member,
    /// Programs with an API key, and recipients of exports.
    Key,
    /// Readers of a shared link.
    Link,
    /// Readers of the SQL views.
    Analyst,
}

/// By audience: the least number of distinct visitors about whom a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floors {
    /// 0 and 1 show everything.
    pub members: u32,
    pub keys: u32,
    pub links: u32,
    pub analysts: u32,
}

impl Floors {
    /// The floor of an audience; `None` where it sees everything.
    pub fn of(&self, audience: Audience) -> Option<Floor> {
        let visitors = match audience {
            Audience::Member => self.members,
            Audience::Key => self.keys,
            Audience::Link => self.links,
            Audience::Analyst => self.analysts,
        };
        (visitors > 1).then(|| Floor::new(visitors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_of_one_hides_nothing() {
        let floors = Floors {
            members: 1,
            keys: 2,
            links: 10,
            analysts: 0,
        };
        assert_eq!(floors.of(Audience::Member), None);
        assert_eq!(floors.of(Audience::Key), Some(Floor::new(2)));
        assert_eq!(floors.of(Audience::Link), Some(Floor::new(10)));
        assert_eq!(floors.of(Audience::Analyst), None);
    }
}
