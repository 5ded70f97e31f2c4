//! P6: code that takes events takes anonymous events only.
use sillage_privacy::{AnonymousEvent, RawBeacon};

fn append(_event: &AnonymousEvent) {}

fn store(raw: RawBeacon) {
    append(&raw);
}

fn main() {
    let _ = store;
}
