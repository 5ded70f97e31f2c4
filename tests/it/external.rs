//! A ClickHouse server instead of the embedded engine: the same client, migrations and rows.
//!
//! The server is `sillage engine` as a separate process, which speaks the protocol of a server.

use crate::support::engine::{COLLECTOR, Engine, READER, SECRET};
use crate::support::{Collector, binary, pageview, post, wait_for};

#[test]
fn a_clickhouse_server_is_migrated_and_stores_what_the_collector_sends() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Engine::start_in(&folder.path().join("server"));
    let address = server.address;

    std::fs::write(folder.path().join("password"), format!("{SECRET}\n")).expect("written");
    let config = folder.path().join("sillage.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[clickhouse]\nurl = \"http://{address}\"\ndatabase = \"elsewhere\"\nuser = \"sillage\"\n\
         password_file = \"password\"\n[[site]]\nid = \"example.com\"\n"
    );
    std::fs::write(&config, text).expect("written");
    let migrate = || {
        wait_for(|| {
            let output = binary()
                .args(["--log-level", "off", "migrate", "--config"])
                .arg(&config)
                .output()
                .expect("the command runs");
            if output.status.success() {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            } else {
                Err(output)
            }
        })
        .expect("migrations run")
    };
    assert!(migrate().contains("0001_events"));
    assert!(migrate().contains("nothing to do"));

    let collector = Collector::start_in(folder);
    assert_eq!(
        collector.clickhouse, address,
        "the printed address is that of the server"
    );
    assert_eq!(collector.engine_id(), None, "no embedded engine runs");
    assert_eq!(collector.beacon(&pageview("/", "a")).status, 202);
    let count = || {
        post(
            address,
            "/?database=elsewhere",
            "SELECT count() FROM events",
            &READER,
        )
        .body
    };
    wait_for(|| {
        if count().trim() == "1" {
            Ok(())
        } else {
            Err(count())
        }
    })
    .expect("the event is stored on the server");

    // The administrator of the server configures its merges. Only the embedded engine gets ours.
    let settings = "SELECT engine_full LIKE '%min_parts_to_merge_at_once%' FROM system.tables WHERE database != 'system' AND name = 'events'";
    let settings = post(address, "/?database=elsewhere", settings, &READER);
    assert_eq!(settings.body.trim(), "0");

    // The view is dropped: accepted events wait, the log says so, and a restart stores them.
    let dropped = post(
        address,
        "/?database=elsewhere",
        "DROP VIEW arrivals_into_events",
        &COLLECTOR,
    );
    assert_eq!(dropped.status, 200, "{}", dropped.body);
    assert_eq!(collector.beacon(&pageview("/", "b")).status, 202);
    wait_for(|| {
        let log = collector.log();
        if log.contains("the view arrivals_into_events is missing") {
            Ok(())
        } else {
            Err(log)
        }
    })
    .expect("a log line about the view");
    let (folder, _) = collector.stop();
    assert_eq!(count().trim(), "1");
    let collector = Collector::start_in(folder);
    wait_for(|| {
        if count().trim() == "2" {
            Ok(())
        } else {
            Err(count())
        }
    })
    .expect("the waiting events are stored");
    let (_folder, is_clean) = collector.stop();
    assert!(is_clean);
    server.close_input();
    assert!(server.wait().success());
}
