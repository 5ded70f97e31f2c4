//! P3: a visitor id can only be made by the salted hash.
use std::num::NonZeroU64;

use sillage_privacy::VisitorId;

fn main() {
    let _ = VisitorId(NonZeroU64::MIN);
}
