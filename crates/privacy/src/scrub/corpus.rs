//! Two collections of texts: ordinary ones, which must stay, and personal ones, which must be
//! masked. They measure the rates of false positives and negatives of a change to the rules.

use super::*;
use crate::bounds::PROPERTY_VALUE_BYTES_MAX;

const ORDINARY: &str = include_str!("corpus/ordinary.txt");
const PERSONAL: &str = include_str!("corpus/personal.txt");

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The scrubbed path, or the scrubbed value of a property.
fn kept(given: &str) -> String {
    if given.starts_with('/') {
        path(given, &ScrubRules::default())
    } else {
        label(given, PROPERTY_VALUE_BYTES_MAX)
    }
}

#[test]
fn ordinary_paths_and_values_are_kept_as_they_stand() {
    let (mut hit, mut count) = (Vec::new(), 0);
    for given in lines(ORDINARY).filter(|line| !line.starts_with('!')) {
        count += 1;
        // The normal form stays; percent-encoding is removed.
        let expected = normalise(given).expect("it comes to rest");
        let now = kept(given);
        if now != expected.trim_end_matches('#') {
            hit.push(format!("{given} -> {now}"));
        }
    }
    assert!(count >= 300, "{count}");
    assert!(
        hit.is_empty(),
        "{} of {count}:\n{}",
        hit.len(),
        hit.join("\n")
    );
}

#[test]
fn accepted_false_positives_are_masked() {
    let accepted: Vec<&str> = lines(ORDINARY)
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert!(accepted.len() < 15, "{}", accepted.len());
    // A text that is no longer masked has to move to the ordinary ones.
    for given in accepted {
        assert_ne!(kept(given), given);
    }
}

#[test]
fn personal_paths_and_values_are_masked() {
    let (mut missed, mut count) = (Vec::new(), 0);
    for line in lines(PERSONAL) {
        count += 1;
        let mut fields = line.split('\t');
        let given = fields.next().unwrap_or_default();
        let now = kept(given);
        if fields.any(|trace| now.contains(trace)) {
            missed.push(format!("{given} -> {now}"));
        }
    }
    assert!(count >= 150, "{count}");
    assert!(
        missed.is_empty(),
        "{} of {count}:\n{}",
        missed.len(),
        missed.join("\n")
    );
}
