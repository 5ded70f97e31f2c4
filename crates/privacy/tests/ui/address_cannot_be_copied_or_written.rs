//! P1: a full address can't be copied out of the beacon, nor serialised.
use sillage_privacy::ClientIp;

fn main() {
    let ip = ClientIp::from_peer([203, 0, 113, 77].into());
    let _copy = ip.clone();
    let _text = serde_json::to_string(&ip);
}
