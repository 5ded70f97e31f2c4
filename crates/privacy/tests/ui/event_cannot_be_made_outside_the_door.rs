//! P6: only the door makes an event. Named here are two of its fields; all are private.
use sillage_privacy::AnonymousEvent;

fn main() {
    let _ = AnonymousEvent {
        path: "/taro".into(),
        key: 1,
    };
}
