//! P6: whatever takes events takes anonymous ones.
use sillage_privacy::{AnonymousEvent, RawBeacon};

fn append(_event: &AnonymousEvent) {}

fn store(raw: RawBeacon) {
    append(&raw);
}

fn main() {
    let _ = store;
}
