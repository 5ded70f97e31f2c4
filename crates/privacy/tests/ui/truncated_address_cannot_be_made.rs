//! P1: a truncated address can only be made by truncation.
use sillage_privacy::TruncatedIp;

fn main() {
    let _ = TruncatedIp {
        network: [203, 0, 113, 77].into(),
        special: false,
    };
}
