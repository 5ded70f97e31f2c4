//! A beacon can pass the door only once: it is consumed.
use sillage_privacy::{Basis, Lookups, RawBeacon, Salts, ScrubRules, anonymise};

fn twice(raw: RawBeacon, salts: &Salts<'_>, rules: &ScrubRules, look: &Lookups<'_>) {
    anonymise(raw, Basis::Full, salts, rules, look);
    anonymise(raw, Basis::Full, salts, rules, look);
}

fn main() {
    let _ = twice;
}
