//! P7: a custom event's name is scrubbed before it is a name.
use sillage_privacy::EventName;

fn main() {
    let _ = EventName::Custom("taro@example.jp".into());
}
