//! P3: a salt can't be printed, copied or serialised.
use sillage_privacy::Salt;

fn main() {
    let salt = Salt::from_bytes([7; 32]);
    println!("{salt:?}");
    println!("{salt}");
    let _copy = salt.clone();
    let _text = serde_json::to_string(&salt);
    let _ = salt.bytes;
}
