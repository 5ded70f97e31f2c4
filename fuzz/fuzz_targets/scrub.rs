//! The laws of scrubbing (P7) for fuzzed input: no panic, scrubbing twice changes nothing more,
//! every limit holds, and no long number survives. The property tests in
//! `crates/privacy/src/scrub/tests.rs` hold the same laws over random text; this one is led by
//! coverage.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sillage_privacy::bounds::{
    PATH_BYTES_MAX, PROPERTY_NAME_BYTES_MAX, PROPERTY_VALUE_BYTES_MAX, TARGET_BYTES_MAX,
};
use sillage_privacy::scrub::{host, label, path, property};
use sillage_privacy::{PageUrl, ScrubRules};

/// The longest run of digits that may stay: shorter ones may be a year or a page number, longer
/// ones identify a person or a SIM card.
const DIGITS_MAX: usize = 13;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let plain = ScrubRules::default();
    let allowing = ScrubRules::new(
        &["q".to_owned()],
        &["/portal/sims/:id".to_owned(), "/orders/*".to_owned()],
    )
    .expect("the rules are sound");
    for rules in [&plain, &allowing] {
        let once = path(&text, rules);
        assert_eq!(
            path(&once, rules),
            once,
            "scrubbing a path again changes it"
        );
        assert!(once.starts_with('/'), "a path begins with a slash");
        assert!(
            once.len() <= TARGET_BYTES_MAX.max(PATH_BYTES_MAX),
            "a path is bounded"
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
        assert!(once.len() <= bound, "a label is bounded");
    }
    let once = host(&text);
    assert_eq!(host(&once), once, "scrubbing a host again changes it");
    if let Some((name, value)) = text.split_once('=')
        && let Some((name, value)) = property(name, value)
    {
        assert!(name.len() <= PROPERTY_NAME_BYTES_MAX && value.len() <= PROPERTY_VALUE_BYTES_MAX);
    }
    // The parser in front of it may refuse, and must not panic.
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
