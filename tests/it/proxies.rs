//! A proxy on the same machine: which routes stay closed behind it, and what happens when the
//! configuration does not name it.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support::{Answer, Collector, binary, get, pageview, raw, write_config};

/// Routes that need no log-in from this machine.
const LOCAL: [&str; 3] = ["/metrics", "/", "/api/sites"];

/// The request that nginx sends with `proxy_pass http://127.0.0.1:PORT;` and no other directive.
fn through_nginx(collector: &Collector, path: &str) -> Answer {
    let address = collector.address;
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"
    );
    raw(address, request.as_bytes()).expect("an answer")
}

/// Status of a request that differs from a local one only in the user of the sending process.
/// `None` if this test may not change its user.
fn as_another_user(address: std::net::SocketAddr, path: &str) -> Option<String> {
    let script = format!(
        "exec 3<>/dev/tcp/{}/{}; printf 'GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3; head -n 1 <&3",
        address.ip(),
        address.port()
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .uid(65_534)
        .gid(65_534)
        .current_dir("/")
        .output()
        .ok()?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    line.split(' ').nth(1).map(str::to_owned)
}

#[test]
fn metrics_and_demo_are_closed_to_a_proxy_with_default_settings() {
    let collector = Collector::start();
    for path in LOCAL {
        // Positive control: the same request from a program on this machine.
        assert_eq!(get(collector.address, path, &[]).status, 200, "{path}");
        assert_eq!(through_nginx(&collector, path).status, 421, "{path}");
        // HAProxy and TCP proxies forward any `Host` that the client sends, also one of this
        // machine.
        match as_another_user(collector.address, path) {
            Some(status) => assert_eq!(status, "421", "{path}"),
            None => eprintln!("skipped: this user may not become another"),
        }
    }
    // Public routes stay reachable.
    assert_eq!(through_nginx(&collector, "/readyz").status, 200);
    if let Some(status) = as_another_user(collector.address, "/s.js") {
        assert_eq!(status, "200");
    }
}

#[test]
fn metrics_with_their_own_address_are_served_only_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let metrics = free.local_addr().expect("an address");
    drop(free);
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(
        folder.path(),
        &format!("[metrics]\nlisten = \"{metrics}\"\n"),
    );
    let collector = Collector::start_in(folder);
    assert_eq!(get(collector.address, "/metrics", &[]).status, 404);
    let answer = get(metrics, "/metrics", &[]);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("sillage_spool_bytes_max 8589934592"));
    // Another program on this machine, such as Prometheus under its own user.
    if let Some(status) = as_another_user(metrics, "/metrics") {
        assert_eq!(status, "200");
    }
    // A page in a local browser, under a host name that resolves to loopback (DNS rebinding).
    let foreign = get(metrics, "/metrics", &[("Host", "rebound.example")]);
    assert_eq!(foreign.status, 421);
    for path in ["/", "/api/sites", "/s.js", "/privacy"] {
        assert_eq!(get(metrics, path, &[]).status, 404, "{path}");
    }
}

#[test]
fn a_proxy_missing_in_trusted_proxies_is_logged_once_and_counted() {
    let behind = [("X-Forwarded-For", "203.0.113.7")];
    let counted = |collector: &Collector| {
        let text = get(collector.address, "/metrics", &[]).body;
        let name = "sillage_untrusted_forwarded_total ";
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.expect("the metric").to_owned()
    };
    let collector = Collector::start();
    assert_eq!(counted(&collector), "0");
    collector.beacon(&pageview("/", "direct"));
    assert_eq!(counted(&collector), "0", "no request named a client");
    for n in 0..3 {
        let answer = collector.beacon_with(&pageview("/", &format!("b{n}")), &behind);
        assert_eq!(answer.status, 202);
    }
    assert_eq!(counted(&collector), "3");
    let log = collector.log();
    assert_eq!(log.matches("not in trusted_proxies").count(), 1, "{log}");
    assert!(!log.contains("203.0.113"), "{log}");

    let collector = Collector::start_with("trusted_proxies = [\"127.0.0.1\"]\n");
    collector.beacon_with(&pageview("/", "b"), &behind);
    assert_eq!(counted(&collector), "0");

    // `check-config` warns before the first request.
    let says = |extra: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = write_config(folder.path(), extra);
        let check = binary()
            .args(["check-config", "--config"])
            .arg(config)
            .output();
        let said = check.expect("the binary runs").stdout;
        String::from_utf8_lossy(&said).contains("note: trusted_proxies is empty")
    };
    assert!(says(""));
    assert!(!says("trusted_proxies = [\"127.0.0.1\"]\n"));
}
