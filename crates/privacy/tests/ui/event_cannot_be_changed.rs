//! P6: an event can't be changed after the door.
use sillage_privacy::AnonymousEvent;

fn change(mut event: AnonymousEvent) {
    event.path = "203.0.113.77".into();
}

fn main() {
    let _ = change;
}
