//! The laws of scrubbing (P7) for fuzzed input: no panic, scrubbing is idempotent, every limit
//! holds, and no long number survives. The property tests in `crates/privacy/src/scrub/tests.rs`
//! check the same laws with random text; this target is guided by coverage.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sillage_privacy::bounds::{
    PATH_BYTES_MAX, PROPERTY_NAME_BYTES_MAX, PROPERTY_VALUE_BYTES_MAX, TARGET_BYTES_MAX,
};
use sillage_privacy::scrub::{host, label, path, property};
use sillage_privacy::{PageUrl, ScrubRules};

/// Longest run of digits that may stay. Shorter ones may be a year or a page number; longer ones
/// identify a person or a SIM card.
const DIGITS_MAX: usize = 13;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let plain = ScrubRules::default();
    let allowing = ScrubRules::new(
        &["q".to_owned()],
        &["/portal/sims/:id".to_owned(), "/orders/*".to_owned()],
    )
    .expect("valid rules");
    for rules in [&plain, &allowing] {
        let once = path(&text, rules);
        assert_eq!(
            path(&once, rules),
            once,
            "scrubbing a path again changes it"
        );
        assert!(once.starts_with('/'), "a path starts with a slash");
        assert!(
            once.len() <= TARGET_BYTES_MAX.max(PATH_BYTES_MAX),
            "the length of a path is limited"
        );
        assert!(!has_long_number(&once), "a long number is left in a path");
    }
    for bound in [1, 20, 100] {
        let once = label(&text, bound);
        assert_eq!(
            label(&once, bound),
            once,
            "scrubbing a label again changes it"
        );
        assert!(once.len() <= bound, "the length of a label is limited");
    }
    let once = host(&text);
    assert_eq!(host(&once), once, "scrubbing a host again changes it");
    if let Some((name, value)) = text.split_once('=')
        && let Some((name, value)) = property(name, value)
    {
        assert!(name.len() <= PROPERTY_NAME_BYTES_MAX && value.len() <= PROPERTY_VALUE_BYTES_MAX);
    }
    // The address parser may refuse the text, but must not panic.
    for is_hash_routed in [false, true] {
        if PageUrl::parse(&text, is_hash_routed).is_err() {
            continue;
        }
    }
});

fn has_long_number(text: &str) -> bool {
    let longest = text
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .max();
    longest.is_some_and(|digits| digits > DIGITS_MAX)
}
