//! P6: an event is not a pattern for others.
use sillage_privacy::AnonymousEvent;

fn change(event: AnonymousEvent) -> AnonymousEvent {
    AnonymousEvent { ..event }
}

fn main() {
    let _ = change;
}
