//! P1: a truncated address is never shown by accident.
use sillage_privacy::{ClientIp, truncate};

fn main() {
    let ip = truncate(&ClientIp::from_peer([203, 0, 113, 77].into()));
    println!("{ip:?}");
}
