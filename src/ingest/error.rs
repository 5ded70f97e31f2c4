//! Why a beacon is refused.

use crate::ingest::beacon::BeaconError;
use sillage_spool::SpoolError;

/// Nothing of the beacon was stored.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Beacon(#[from] BeaconError),
    #[error("the event could not be stored: {0}")]
    Spool(#[from] SpoolError),
    #[error("the system gives no random numbers")]
    Random(#[from] getrandom::Error),
    #[error("the same event is being stored right now")]
    InFlight,
}
