//! For whom an answer is, and how few people it may speak of (P10).
//!
//! Duty: a closed list of audiences and their floors. Whoever asks is told apart elsewhere
//! (log-ins, keys, links); here is only what follows from it. Pure.

use crate::suppression::floor::Floor;

/// For whom an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Whoever is logged in to the site's dashboard.
    Member,
    /// A program with an API key, and exports made for others.
    Key,
    /// Whoever has a shared link.
    Link,
    /// Whoever reads the SQL views.
    Analyst,
}

/// How many distinct visitors a number must be about to be shown, by audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floors {
    /// 0 or 1 shows everything.
    pub members: u32,
    pub keys: u32,
    pub links: u32,
    pub analysts: u32,
}

impl Floors {
    /// The audience's floor; none where everything may be seen.
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
    fn a_threshold_of_one_hides_nothing() {
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
