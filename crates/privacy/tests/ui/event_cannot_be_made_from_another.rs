//! P6: an event can't be made from another one.
use sillage_privacy::AnonymousEvent;

fn change(event: AnonymousEvent) -> AnonymousEvent {
    AnonymousEvent { ..event }
}

fn main() {
    let _ = change;
}
