//! The addresses that `sillage serve` prints when it is ready.

use std::net::SocketAddr;

use crate::control::token::Token;

/// The addresses of a running collector.
pub struct Addresses {
    pub collector: SocketAddr,
    pub dashboard: SocketAddr,
    /// Set if the metrics have an address of their own.
    pub metrics: Option<SocketAddr>,
    pub clickhouse: String,
    /// Token of the link that creates the first account, while there is none.
    pub set_up: Option<Token>,
}

impl Addresses {
    /// Prints the addresses to standard output.
    pub fn print(&self, has_demo: bool) {
        let Self {
            collector,
            dashboard,
            metrics,
            clickhouse,
            set_up,
        } = self;
        println!("Sillage is ready.");
        println!("  dashboard   http://{dashboard}/");
        if has_demo {
            println!("  demo page   http://{collector}/demo/");
        }
        println!("  beacons     http://{collector}/api/event");
        if let Some(address) = metrics {
            println!("  metrics     http://{address}/metrics");
        }
        println!("  ClickHouse  {clickhouse}");
        if let Some(token) = set_up {
            println!(
                "No account exists yet. This link makes you the owner; it works once, for a day:"
            );
            println!("  http://{dashboard}/welcome/{}", token.reveal());
        }
    }
}
