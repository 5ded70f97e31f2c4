//! Suppression of small counts (P10): what an audience may not see because it would describe too
//! few visitors.

pub mod audience;
pub mod conjunction;
pub mod floor;
