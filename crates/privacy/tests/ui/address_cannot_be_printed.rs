//! P1: a full address can't be printed.
use sillage_privacy::ClientIp;

fn main() {
    let ip = ClientIp::from_peer([203, 0, 113, 77].into());
    println!("{ip:?}");
    println!("{ip}");
}
