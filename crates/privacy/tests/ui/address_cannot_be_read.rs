//! P1: a full address can only be truncated, not read.
use sillage_privacy::ClientIp;

fn main() {
    let ip = ClientIp::from_peer([203, 0, 113, 77].into());
    let _ = ip.octets;
    let _ = ip.address();
}
