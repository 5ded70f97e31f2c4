//! Memory for salts: pages that are never swapped out and are left out of core dumps.
//!
//! A salt is created in its place, stays there, and is overwritten when it is dropped. Only its
//! owner, [`LockedSalt`], moves. If the system refuses to lock a page, this is logged once and the
//! page is used anyway, because containers often may not lock memory.
//!
//! Not covered: a copy of the bytes while a salt's file is written or read, and the state of a
//! running HMAC. Both are overwritten after use, but are on a stack that is not locked.
//!
//! The only file of this crate with unsafe code: no maintained crate offers a typed value in a
//! locked, undumped page behind a safe interface without a system call for each access.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rustix::mm::{MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};
use rustix::param::page_size;
use sillage_privacy::Salt;

/// A place for one salt, in a page of [`LockedMemory`].
type Place = NonNull<MaybeUninit<Salt>>;

/// Pages with places for salts. Grows by a page when every place is taken; returned to the system
/// when the last salt and the last `Arc` are gone.
pub(super) struct LockedMemory {
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    pages: Vec<Page>,
    /// Places that hold no salt.
    free: Vec<Place>,
}

// SAFETY: a free place is exclusively owned by this list, whichever thread works on it.
unsafe impl Send for Places {}

impl LockedMemory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            places: Mutex::default(),
        })
    }

    /// Creates a salt in this memory. `fill` writes its bytes.
    pub fn hold(
        self: &Arc<Self>,
        name: [u8; 8],
        fill: impl FnOnce(&mut [u8; sillage_privacy::SALT_BYTES]),
    ) -> LockedSalt {
        let mut place = self.lock().take();
        // SAFETY: `take` returned this place only here, and its page is mapped as long as `self`.
        Salt::make_in(unsafe { place.as_mut() }, name, fill);
        LockedSalt {
            place,
            memory: Arc::clone(self),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        // A panic leaves the list as it was before or after the change.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn take(&mut self) -> Place {
        if self.free.is_empty() {
            let page = Page::map();
            self.free.extend(page.places());
            self.pages.push(page);
        }
        self.free.pop().expect("a page has places")
    }
}

/// The owner of one salt in [`LockedMemory`].
pub(super) struct LockedSalt {
    /// Holds a salt.
    place: Place,
    memory: Arc<LockedMemory>,
}

// SAFETY: as for `Box<Salt>`: the place is owned by this value alone, and `Salt` is `Send`.
unsafe impl Send for LockedSalt {}
// SAFETY: as for `Box<Salt>`: `&LockedSalt` only gives `&Salt`, and `Salt` is `Sync`.
unsafe impl Sync for LockedSalt {}

impl Deref for LockedSalt {
    type Target = Salt;

    fn deref(&self) -> &Salt {
        // SAFETY: the place holds a salt from `hold` to `drop`, and `memory` keeps its page mapped.
        unsafe { self.place.as_ref().assume_init_ref() }
    }
}

impl Drop for LockedSalt {
    fn drop(&mut self) {
        // SAFETY: the place holds a salt, and nothing uses it any more.
        unsafe { self.place.as_mut().assume_init_drop() };
        self.memory.lock().free.push(self.place);
    }
}

/// One page of memory of its own.
struct Page {
    start: NonNull<c_void>,
}

impl Page {
    /// # Panics
    /// The system has no memory left.
    fn map() -> Self {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the system chooses touches no other memory.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                page_size(),
                protection,
                MapFlags::PRIVATE,
            )
        };
        let start = start.ok().and_then(NonNull::new).expect("a page of memory");
        let page = Self { start };
        page.protect();
        page
    }

    fn protect(&self) {
        static WARN: Once = Once::new();
        // SAFETY: the range is this mapping, and locking changes nothing in it.
        if let Err(errno) = unsafe { mlock(self.start.as_ptr(), page_size()) } {
            WARN.call_once(|| {
                tracing::warn!(
                    %errno,
                    "the day's salts may be swapped out; raise LimitMEMLOCK (ulimit -l), or run without swap"
                );
            });
        }
        #[cfg(target_os = "linux")]
        // SAFETY: the range is this mapping, and the advice changes nothing in it.
        if let Err(errno) = unsafe {
            let advice = rustix::mm::Advice::LinuxDontDump;
            madvise(self.start.as_ptr(), page_size(), advice)
        } {
            tracing::warn!(%errno, "a core dump of the collector would contain the day's salts");
        }
    }

    /// Every place in the page.
    fn places(&self) -> impl Iterator<Item = Place> {
        let first: Place = self.start.cast();
        let count = page_size() / size_of::<Salt>();
        // SAFETY: `count` places fit into the page, whose start is aligned for any type.
        (0..count).map(move |index| unsafe { first.add(index) })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Every salt keeps its memory alive, so the page holds none. After an error the page stays
        // mapped, which does no harm.
        // SAFETY: the range is this mapping, and nothing refers to it any more.
        let _ = unsafe { munmap(self.start.as_ptr(), page_size()) };
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::*;

    /// The kernel's flags of the mapping that contains an address (proc(5), `smaps`).
    fn flags_of(address: usize) -> Vec<String> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").expect("our own mappings");
        let mut is_around = false;
        for line in smaps.lines() {
            let range = line
                .split(' ')
                .next()
                .and_then(|range| range.split_once('-'));
            let range = range.and_then(|(start, end)| {
                let number = |text| usize::from_str_radix(text, 16).ok();
                Some(number(start)?..number(end)?)
            });
            if let Some(range) = range {
                is_around = range.contains(&address);
            }
            if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| is_around) {
                return flags.split_whitespace().map(str::to_owned).collect();
            }
        }
        panic!("no mapping around {address:x}")
    }

    fn address_of(salt: &Salt) -> usize {
        std::ptr::from_ref(salt).addr()
    }

    #[test]
    fn salts_lie_in_memory_that_is_locked_and_not_dumped() {
        let memory = LockedMemory::new();
        let places = page_size() / size_of::<Salt>();
        // One more than fits, for a second page.
        let salts: Vec<_> = (0..=places)
            .map(|n| memory.hold([0; 8], |bytes| bytes.fill(n as u8)))
            .collect();
        assert_eq!(memory.lock().pages.len(), 2);
        let limit = getrlimit(Resource::Memlock).current;
        for (n, salt) in salts.iter().enumerate() {
            assert_eq!(salt.expose_bytes(), &[n as u8; 32]);
            let flags = flags_of(address_of(salt));
            let has = |flag: &str| flags.iter().any(|found| found == flag);
            assert!(has("dd"), "{flags:?}");
            assert!(
                has("lo") || limit.is_some_and(|limit| limit < 1 << 20),
                "{flags:?}"
            );
        }
    }

    #[test]
    fn a_dropped_salt_leaves_zeros_and_its_place_is_used_again() {
        let memory = LockedMemory::new();
        let salt = memory.hold([0; 8], |bytes| bytes.fill(7));
        let place = salt.place;
        let content = || -> Vec<u8> {
            let first = place.cast::<u8>();
            // SAFETY: the page stays mapped as long as `memory`.
            (0..size_of::<Salt>())
                .map(|index| unsafe { first.add(index).read_volatile() })
                .collect()
        };
        assert!(content().windows(32).any(|window| window == [7; 32]));
        drop(salt);
        assert_eq!(content(), vec![0; size_of::<Salt>()]);
        let next = memory.hold([0; 8], |bytes| bytes.fill(8));
        assert_eq!(next.place, place);
        assert_eq!(memory.lock().pages.len(), 1);
    }
}
