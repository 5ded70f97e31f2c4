//! P5: a refusal gives nothing that the door would take.
use sillage_privacy::{Basis, Refusal};

fn basis_of(refusal: Refusal) -> Basis {
    refusal.into()
}

fn main() {
    let _ = basis_of;
}
