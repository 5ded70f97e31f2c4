//! P3: a salt has no copy but the keeper's.
use sillage_privacy::Salt;

fn main() {
    let salt = Salt::from_bytes([7; 32]);
    println!("{salt:?}");
    println!("{salt}");
    let _copy = salt.clone();
    let _text = serde_json::to_string(&salt);
    let _ = salt.bytes;
}
