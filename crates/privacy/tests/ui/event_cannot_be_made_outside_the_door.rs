//! P6: only the door makes an event. Two of its fields are named here; all are private.
use sillage_privacy::AnonymousEvent;

fn main() {
    let _ = AnonymousEvent {
        path: "/taro".into(),
        key: 1,
    };
}
