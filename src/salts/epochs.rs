//! The salts of one site and their days, without IO. Files are known by name only.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use sillage_privacy::Salts;

use super::folder::{SaltFile, Stage};
use super::locked_memory::LockedSalt;

/// Time for which yesterday's salt is kept after local midnight: the inactivity that ends a visit.
pub const GRACE: SignedDuration = SignedDuration::from_mins(30);

/// A site-local day and the instants it covers, `[start, end)`: usually 23 to 25 hours, by the
/// zone's rules.
pub(super) struct LocalDay {
    /// Days since 1970-01-01.
    pub day: i32,
    pub span: Range<Timestamp>,
}

impl LocalDay {
    pub fn at(zone: &TimeZone, now: Timestamp) -> Self {
        let date = zone.to_datetime(now).date();
        Self {
            day: day_of(date),
            span: span_of(zone, date).unwrap_or(now..now),
        }
    }
}

/// `None` for the last representable day, which has no next day.
fn span_of(zone: &TimeZone, date: Date) -> Option<Range<Timestamp>> {
    let start = |date: Date| {
        zone.to_zoned_datetime(date.at(0, 0, 0, 0))
            .and_then(|zoned| zoned.start_of_day())
            .ok()
    };
    Some(start(date)?.timestamp()..start(date.tomorrow().ok()?)?.timestamp())
}

/// Days since 1970-01-01.
fn day_of(date: Date) -> i32 {
    let since = date.duration_since(Date::constant(1970, 1, 1));
    (since.as_hours() / 24) as i32
}

/// The date of a day since 1970-01-01; the earliest date for numbers out of range.
pub fn date_of(day: i32) -> Date {
    Date::constant(1970, 1, 1)
        .checked_add(day.days())
        .unwrap_or(Date::MIN)
}

/// A salt in memory.
pub(super) struct Held {
    /// The day it is for.
    pub label: i32,
    pub salt: LockedSalt,
    /// Its file; `None` while it is in memory only.
    pub file: Option<String>,
}

/// A salt that was destroyed in memory, but whose file is not destroyed and audited yet.
#[derive(Clone)]
pub(super) struct Doomed {
    pub label: i32,
    pub name: String,
    pub file: Option<String>,
}

/// The salts of one site.
///
/// `current.label` only grows. It is the local day, or, after the clock went back, the latest day
/// so far; then `since` is the day by the clock. The clock's next midnight ends the salt in both
/// cases, so its life stays bounded.
pub(super) struct Epochs {
    zone: TimeZone,
    current: Held,
    since: i32,
    yesterday: Option<Held>,
    next: Option<Held>,
    doomed: Vec<Doomed>,
    /// The local day at the latest reading of the clock.
    span: Range<Timestamp>,
}

impl Epochs {
    pub fn new(
        zone: TimeZone,
        current: Held,
        since: i32,
        yesterday: Option<Held>,
        next: Option<Held>,
    ) -> Self {
        let start = Timestamp::UNIX_EPOCH;
        let span = span_of(&zone, date_of(since)).unwrap_or(start..start);
        Self {
            zone,
            current,
            since,
            yesterday,
            next,
            doomed: Vec::new(),
            span,
        }
    }

    pub fn day(&self, now: Timestamp) -> i32 {
        if self.span.contains(&now) {
            self.since
        } else {
            LocalDay::at(&self.zone, now).day
        }
    }

    /// When the local day at `now` ends.
    pub fn day_end(&self, now: Timestamp) -> Timestamp {
        if self.span.contains(&now) {
            self.span.end
        } else {
            LocalDay::at(&self.zone, now).span.end
        }
    }

    /// Whether the salts are right for `now` as they are.
    pub fn is_settled(&self, now: Timestamp) -> bool {
        self.span.contains(&now) && (self.yesterday.is_none() || self.is_in_grace(now))
    }

    fn is_in_grace(&self, now: Timestamp) -> bool {
        self.span.contains(&now) && now.duration_since(self.span.start) < GRACE
    }

    pub fn salts(&self) -> Salts<'_> {
        Salts {
            today: &self.current.salt,
            yesterday: self.yesterday.as_ref().map(|held| &*held.salt),
        }
    }

    /// Rotates the salts according to the clock. Idempotent.
    pub fn advance(&mut self, now: Timestamp, fresh: impl FnOnce() -> LockedSalt) {
        let today = LocalDay::at(&self.zone, now);
        let is_next_day = self.span.end == today.span.start;
        self.span = today.span;
        let is_behind = today.day < self.current.label;
        if today.day > self.current.label || (is_behind && today.day > self.since) {
            self.rotate(today.day, is_next_day, fresh);
        }
        self.since = today.day;
        if !self.is_in_grace(now)
            && let Some(held) = self.yesterday.take()
        {
            self.doom(held);
        }
    }

    fn rotate(&mut self, day: i32, is_next_day: bool, fresh: impl FnOnce() -> LockedSalt) {
        let label = day.max(self.current.label + 1);
        let mut coming = self.next.take().unwrap_or_else(|| Held {
            label,
            salt: fresh(),
            file: None,
        });
        coming.label = label;
        let gone = std::mem::replace(&mut self.current, coming);
        if let Some(older) = self.yesterday.take() {
            self.doom(older);
        }
        if is_next_day {
            self.yesterday = Some(gone);
        } else {
            self.doom(gone);
        }
    }

    /// Destroys a salt in memory; its file and the audit line follow.
    pub fn doom(&mut self, held: Held) {
        let Held { label, salt, file } = held;
        self.doomed.push(Doomed {
            label,
            name: salt.public_name(),
            file,
        });
        drop(salt);
    }

    pub fn needs_next(&self) -> bool {
        self.next.is_none()
    }

    pub fn prefetch(&mut self, fresh: impl FnOnce() -> LockedSalt) {
        if self.next.is_none() {
            self.next = Some(Held {
                label: self.current.label + 1,
                salt: fresh(),
                file: None,
            });
        }
    }

    pub fn doomed(&self) -> &[Doomed] {
        &self.doomed
    }

    pub fn forget_doomed(&mut self, name: &str) {
        self.doomed.retain(|doomed| doomed.name != name);
    }

    /// A salt whose file is missing or misnamed, and the right name.
    pub fn unfiled(&self, slug: &str) -> Option<(&Held, String)> {
        let name = |held: &Held, stage| {
            let (slug, name) = (slug.to_owned(), held.salt.public_name());
            SaltFile {
                slug,
                label: held.label,
                name,
                stage,
            }
            .file_name()
        };
        let current = (
            &self.current,
            name(&self.current, Stage::Current { since: self.since }),
        );
        let next = self
            .next
            .as_ref()
            .map(|held| (held, name(held, Stage::Next)));
        // Yesterday's salt keeps its file name for its last half hour.
        [Some(current), next]
            .into_iter()
            .flatten()
            .find(|(held, wanted)| held.file.as_ref() != Some(wanted))
    }

    /// Stores the file name of the salt with this public name, whatever its stage is by now.
    pub fn set_file(&mut self, name: &str, file: Option<String>) {
        let held = [
            Some(&mut self.current),
            self.yesterday.as_mut(),
            self.next.as_mut(),
        ];
        for held in held.into_iter().flatten() {
            if held.salt.public_name() == name {
                held.file = file;
                return;
            }
        }
        if let Some(doomed) = self.doomed.iter_mut().find(|doomed| doomed.name == name) {
            doomed.file = file;
        }
    }
}
