//! P1: the only thing to do with a full address is to truncate it.
use sillage_privacy::ClientIp;

fn main() {
    let ip = ClientIp::from_peer([203, 0, 113, 77].into());
    let _ = ip.octets;
    let _ = ip.address();
}
