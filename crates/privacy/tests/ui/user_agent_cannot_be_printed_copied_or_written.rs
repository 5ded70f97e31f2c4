//! P2: the text of a user agent can't leave the request.
use sillage_privacy::UserAgent;

fn main() {
    let agent = UserAgent::from_header(b"Mozilla/5.0");
    println!("{agent:?}");
    let _copy = agent.clone();
    let _text = serde_json::to_string(&agent);
    let _ = agent.as_str();
}
