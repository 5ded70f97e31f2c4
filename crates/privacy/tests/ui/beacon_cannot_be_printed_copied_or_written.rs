//! P6: a beacon with personal data can't be printed, copied or serialised.
use sillage_privacy::RawBeacon;

fn leak(raw: RawBeacon) {
    println!("{raw:?}");
    let _text = serde_json::to_string(&raw);
    let _copy = raw.clone();
}

fn main() {
    let _ = leak;
}
