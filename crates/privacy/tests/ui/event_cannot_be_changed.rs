//! P6: what came out of the door stays as it is.
use sillage_privacy::AnonymousEvent;

fn change(mut event: AnonymousEvent) {
    event.path = "203.0.113.77".into();
}

fn main() {
    let _ = change;
}
