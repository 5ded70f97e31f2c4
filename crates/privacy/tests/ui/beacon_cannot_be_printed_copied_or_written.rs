//! P6: a beacon with a person in it can't reach a disk or a log.
use sillage_privacy::RawBeacon;

fn leak(raw: RawBeacon) {
    println!("{raw:?}");
    let _text = serde_json::to_string(&raw);
    let _copy = raw.clone();
}

fn main() {
    let _ = leak;
}
