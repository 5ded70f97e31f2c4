//! Start, death, restart and end of the engine's process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::LONG;
use crate::support::engine::{Engine, READER, TOKEN, command, free_port, library, spawn};
use crate::support::{resident_bytes, signal};
use clickhouse::Client;
use sillage_engine::EngineError;
use sillage_engine::supervise::{self, SupervisorOptions};

#[test]
fn the_engine_ends_with_its_parent_and_keeps_acknowledged_rows() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().join("engine");
    let mut engine = Engine::start_in(&folder);
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    engine.run("INSERT INTO t VALUES (1)");
    let mut running = engine.begin("", &READER, Some(LONG.len()));
    running.write(LONG);
    let begun = Instant::now();
    engine.close_input();
    assert_eq!(engine.wait().code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "left after {:?}",
        begun.elapsed()
    );
    drop(engine);

    let mut engine = Engine::start_in(&folder);
    assert_eq!(engine.run("SELECT count() FROM t"), "1\n");
    let mut running = engine.begin("", &READER, Some(LONG.len()));
    running.write(LONG);
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    signal(engine.id(), "TERM");
    assert_eq!(engine.wait().code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "left after {:?}",
        begun.elapsed()
    );
}

#[test]
fn the_child_reports_in_one_line_why_it_cannot_start() {
    let temporary = tempfile::tempdir().expect("a folder");
    let first_line = |address: SocketAddr, folder: &Path| {
        let (mut child, _input, mut lines) = spawn(command(address, folder));
        assert_eq!(child.wait().expect("a status").code(), Some(1));
        lines.remove(0)
    };
    let file = temporary.path().join("file");
    std::fs::write(&file, "").expect("written");
    let line = first_line(free_port(), &file.join("engine"));
    assert!(
        line.starts_with("error the engine's data folder ") && line.contains("can't be written"),
        "{line}"
    );
    let line = first_line("0.0.0.0:0".parse().expect("an address"), temporary.path());
    assert!(line.contains("is not a loopback address"), "{line}");

    let engine = Engine::start();
    let (taken, other) = (engine.address, engine.folder.clone());
    let waiting = std::thread::spawn({
        let folder = temporary.path().join("engine");
        move || spawn(command(taken, &folder)).2.remove(0)
    });
    let line = first_line(free_port(), &other);
    assert!(line.contains("is in use by another process"), "{line}");
    let line = waiting.join().expect("a line");
    assert!(
        line.contains(&format!("{taken} is in use by another program")),
        "{line}"
    );

    let mut silent = command(free_port(), &temporary.path().join("silent"))
        .stdin(Stdio::null())
        .spawn()
        .expect("started");
    let mut line = String::new();
    silent
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut line)
        .expect("a line");
    assert!(
        line.starts_with("error the engine received no secret"),
        "{line}"
    );
    silent.wait().expect("a status");
}

fn supervised(folder: &Path, listen: SocketAddr) -> SupervisorOptions {
    SupervisorOptions {
        listen,
        library: Some(library()),
        binary: Some(env!("CARGO_BIN_EXE_sillage").into()),
        reader_token: Some(TOKEN.to_owned()),
        ..SupervisorOptions::new(folder.join("engine"))
    }
}

#[tokio::test]
async fn a_killed_engine_restarts_on_the_same_port_with_its_rows() {
    let temporary = tempfile::tempdir().expect("a folder");
    let engine = supervise::start(supervised(
        temporary.path(),
        "127.0.0.1:0".parse().expect("an address"),
    ))
    .await
    .expect("started");
    let target = engine.target().clone();
    assert!(!format!("{target:?}").contains(&target.password) && target.password.len() == 64);
    let client = Client::default()
        .with_url(&target.url)
        .with_user(&target.user)
        .with_password(&target.password);
    client
        .query("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .execute()
        .await
        .expect("created");
    client
        .query("INSERT INTO t SELECT number FROM numbers(1000)")
        .execute()
        .await
        .expect("inserted");
    assert_eq!(
        client
            .query("SELECT timezone()")
            .fetch_one::<String>()
            .await
            .expect("a zone"),
        "UTC"
    );
    let process_id = engine.process_id();
    // The secret is in neither the arguments nor the environment of the child.
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{process_id}/{file}")).expect("a process");
        assert!(!String::from_utf8_lossy(&text).contains(&target.password));
    }
    for _ in 0..2 {
        let process =
            rustix::process::Pid::from_raw(engine.process_id() as i32).expect("a process");
        let begun = Instant::now();
        rustix::process::kill_process(process, rustix::process::Signal::KILL)
            .expect("a running engine");
        let count = loop {
            match client
                .query("SELECT count() FROM t")
                .fetch_one::<u64>()
                .await
            {
                Ok(count) => break count,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "not back after 5 s"
            );
        };
        println!("back after {:?}", begun.elapsed());
        assert_eq!(count, 1_000);
    }
    assert_ne!(engine.process_id(), process_id);
    let process_id = engine.process_id();
    println!("{} MB", resident_bytes(process_id) >> 20);
    engine.stop().await;
    assert!(!Path::new(&format!("/proc/{process_id}")).exists());

    // A new engine can start at once.
    let listen = target
        .url
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let engine = supervise::start(supervised(temporary.path(), listen))
        .await
        .expect("started");
    engine.stop().await;
}

#[tokio::test]
async fn a_foreign_program_on_the_port_and_a_missing_library_are_named() {
    let temporary = tempfile::tempdir().expect("a folder");
    let foreign = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = foreign.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in foreign.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nOk.\n");
        }
    });
    let begun = Instant::now();
    let error = supervise::start(supervised(temporary.path(), address))
        .await
        .expect_err("refused");
    assert!(
        matches!(error, EngineError::PortInUse(port) if port == address),
        "{error}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(6) && error.to_string().contains("engine.listen")
    );

    let mut options = supervised(temporary.path(), free_port());
    options.library = Some(temporary.path().join("nowhere/libchdb.so"));
    let error = supervise::start(options)
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("nowhere/libchdb.so") && error.contains("make engine"),
        "{error}"
    );
    let mut options = supervised(temporary.path(), free_port());
    let not_a_library = temporary.path().join("libchdb.so");
    std::fs::write(&not_a_library, "x").expect("written");
    options.library = Some(not_a_library);
    let error = supervise::start(options)
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("can't be loaded as the embedded engine"),
        "{error}"
    );
}
