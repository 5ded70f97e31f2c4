//! What the pipeline may know about a request that is not a beacon: an opened e-mail, or a choice.

use std::net::IpAddr;

use hyper::HeaderMap;
use jiff::Timestamp;

use crate::access::App;
use crate::http::client_ip::client_ip;
use crate::http::cookies::cookie;
use crate::http::headers::BeaconHeaders;
use crate::ingest::Sender;
use sillage_privacy::UserAgent;

/// Calls `ask` with the sender of a request. Address, agent and cookies are functions, so that they
/// are read only where they are needed; [`beacon`](crate::collector::beacon) does the same.
pub fn with_sender<R>(
    app: &App,
    peer: IpAddr,
    headers: &HeaderMap,
    ask: impl FnOnce(&Sender<'_>) -> R,
) -> R {
    let head = BeaconHeaders::read(headers);
    ask(&Sender {
        ip: &|| client_ip(peer, headers, &app.config.trusted_proxies),
        agent: &|| UserAgent::from_header(head.agent),
        is_prefetch: false,
        gpc: head.gpc,
        dnt: head.dnt,
        language: None,
        cookie: &|name| cookie(headers, name).map(str::to_owned),
        received: Timestamp::now(),
    })
}
