//! Random numbers of the operating system, fetched a page at a time.
//!
//! A system call for each event would cost more than most stages of the pipeline. Each thread
//! fetches 4 KiB ahead, gives out every byte once and overwrites it, so the numbers are the
//! system's own and not those of a generator. They become ids of visits, devices and events, which
//! are not secret keys. Keys and salts are fetched one by one, in `salts`.

use std::cell::RefCell;

use zeroize::{Zeroize, Zeroizing};

/// Bytes fetched at once.
const AHEAD_BYTES: usize = 4 << 10;

struct Ahead {
    bytes: Zeroizing<[u8; AHEAD_BYTES]>,
    used: usize,
}

thread_local! {
    static AHEAD: RefCell<Ahead> = RefCell::new(Ahead {
        bytes: Zeroizing::new([0; AHEAD_BYTES]),
        used: AHEAD_BYTES,
    });
}

/// `N` random bytes, at most 4 KiB.
///
/// # Errors
/// The system cannot provide random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    const { assert!(N <= AHEAD_BYTES) };
    AHEAD.with_borrow_mut(|ahead| {
        if ahead.used + N > AHEAD_BYTES {
            // Counts as used up until the system has refilled it.
            ahead.used = AHEAD_BYTES;
            getrandom::fill(&mut *ahead.bytes)?;
            ahead.used = 0;
        }
        let place = &mut ahead.bytes[ahead.used..ahead.used + N];
        let mut bytes = [0; N];
        bytes.copy_from_slice(place);
        place.zeroize();
        ahead.used += N;
        Ok(bytes)
    })
}

/// A unique deduplication token for an INSERT. ClickHouse drops a block that equals an earlier one
/// unless their tokens differ.
///
/// # Errors
/// The system cannot provide random bytes.
pub fn token() -> Result<String, getrandom::Error> {
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes()?)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn random_numbers_never_repeat_in_or_across_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    (0..2_000)
                        .map(|_| bytes::<16>().expect("the system gives them"))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let all: Vec<[u8; 16]> = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 8_000);
        assert!(!all.contains(&[0; 16]));
    }
}
