//! A sealed segment on disk, as the sealed queue and the readers share it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::name::{Extent, SegmentName};

/// A sealed segment on disk.
pub(super) struct SealedSegment {
    pub name: SegmentName,
    pub created_ms: u64,
    pub extent: Extent,
    pub schema: Arc<str>,
    /// Its damage, if any, has been logged and copied; later reads do neither.
    pub is_damage_reported: AtomicBool,
}

/// Its share of the memory bound in the crate's documentation; the rest belongs to the map.
const _: () = assert!(size_of::<SealedSegment>() <= 200);

impl SealedSegment {
    pub fn new(name: SegmentName, created_ms: u64, extent: Extent, schema: Arc<str>) -> Self {
        Self {
            name,
            created_ms,
            extent,
            schema,
            is_damage_reported: AtomicBool::new(false),
        }
    }
}
