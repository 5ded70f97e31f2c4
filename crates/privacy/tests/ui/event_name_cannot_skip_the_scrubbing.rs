//! P7: a custom event's name is always scrubbed.
use sillage_privacy::EventName;

fn main() {
    let _ = EventName::Custom("taro@example.jp".into());
}
