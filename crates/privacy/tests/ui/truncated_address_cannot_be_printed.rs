//! P1: a truncated address can't be printed by accident.
use sillage_privacy::{ClientIp, truncate};

fn main() {
    let ip = truncate(&ClientIp::from_peer([203, 0, 113, 77].into()));
    println!("{ip:?}");
}
