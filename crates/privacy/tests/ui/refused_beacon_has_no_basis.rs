//! P5: a refusal holds no basis that the door would accept.
use sillage_privacy::{Basis, Refusal};

fn basis_of(refusal: Refusal) -> Basis {
    refusal.into()
}

fn main() {
    let _ = basis_of;
}
