//! P1: a truncated address comes from truncation alone.
use sillage_privacy::TruncatedIp;

fn main() {
    let _ = TruncatedIp {
        network: [203, 0, 113, 77].into(),
        special: false,
    };
}
