//! Fuzzed consent cookies: no panic, and no yes from a text without the words of a yes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sillage_privacy::{ConsentManager, ONETRUST_CATEGORY};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (first, second) = text.split_once('\n').unwrap_or((&text, ""));
    let cookie = |name: &str| match name {
        "OptanonAlertBoxClosed" => Some(second.to_owned()),
        _ => Some(first.to_owned()),
    };
    let decoded = percent(first);
    let bot = ConsentManager::Cookiebot.choice(&cookie, None);
    assert!(bot != Some(true) || (decoded.contains("statistics") && decoded.contains("explicit")));
    let trust = ConsentManager::OneTrust {
        category: ONETRUST_CATEGORY.to_owned(),
    };
    let said = trust.choice(&cookie, None);
    assert!(said != Some(true) || (decoded.contains(ONETRUST_CATEGORY) && !second.is_empty()));
    // A later policy can only turn a yes into no choice. A no stays a no.
    let lapsed = trust.choice(&cookie, Some(i64::MAX));
    assert!(lapsed != Some(true));
    assert!(said != Some(false) || lapsed == Some(false));
});

/// Percent-decoding, implemented independently of the program.
fn percent(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
