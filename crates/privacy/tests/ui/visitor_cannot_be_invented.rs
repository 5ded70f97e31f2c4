//! P3: a visitor id comes from a salted hash alone.
use std::num::NonZeroU64;

use sillage_privacy::VisitorId;

fn main() {
    let _ = VisitorId(NonZeroU64::MIN);
}
