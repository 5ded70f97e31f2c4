//! Readers of the embedded engine reach neither files nor networks of the machine. Each attempt
//! also runs without the fence and without the statement filter, where it must succeed: otherwise
//! an attempt that no longer works would look like a defence.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::engine::{COLLECTOR, Engine, command, free_port, spawn};
use crate::support::{Answer, Collector, binary, get, pageview, post};

/// Name and content of the planted file. No statement contains the content.
const NAME: &str = "planted-7d1e";
const CONTENT: &str = "a-line-that-only-the-file-holds";

/// Starts an engine with these arguments, as a separate user unless they name one.
fn start(folder: &Path, arguments: &[&str]) -> Engine {
    let names_user = |argument: &&str| argument.starts_with("--user");
    let user = match arguments.iter().any(names_user) {
        true => &[][..],
        false => &["--user=60800"],
    };
    Engine::start_with(folder, &[arguments, user].concat())
}

fn ask(engine: &Engine, sql: &str) -> Answer {
    engine.reader("max_execution_time=2", sql)
}

/// Counts connections, and answers each with the planted line.
fn canary() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            counted.fetch_add(1, Ordering::SeqCst);
            stream
                .set_read_timeout(Some(Duration::from_millis(200)))
                .expect("a timeout");
            // In some protocols the server speaks first, so the client may send nothing. The
            // connection is enough.
            let _ = stream.read(&mut [0; 1_000]);
            let length = CONTENT.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{CONTENT}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, connections)
}

/// Statements that find the planted file or connect to the canary if nothing stops them.
fn attempts(folder: &Path, canary: SocketAddr) -> Vec<String> {
    let folder = folder.display();
    let file = format!("{folder}/{NAME}.txt");
    // One try each, since the engine waits long between retries.
    let settings = "readonly=0, http_max_tries=1, s3_retry_attempts=0, connect_timeout=1";
    let nested = |table: &str| format!("SELECT * FROM (SELECT * FROM {table} SETTINGS {settings})");
    // Non-ASCII characters that ClickHouse treats as blanks.
    let spaced = |table: &str, blank: char| {
        let table = table.replacen('(', &format!("{blank}("), 1);
        let table = table.replacen("default.", &format!("default{blank}."), 1);
        format!("SELECT * FROM (SELECT * FROM {table} SETTINGS{blank}{settings})")
    };
    let hidden = |sql: &str| {
        format!(
            "SELECT * FROM (SELECT * FROM eval('{}') SETTINGS allow_experimental_eval_table_function=1)",
            sql.replace('\'', "''")
        )
    };
    let mut attempts = Vec::new();
    for table in [
        format!("file('{file}', 'LineAsString')"),
        format!("file('{file}', 'RawBLOB')"),
        format!("file('{file}', 'CSV', 'a String')"),
        format!("file('{folder}/*.txt', 'LineAsString')"),
        format!("file('{folder}/../**/*.txt', 'LineAsString')"),
        format!("file('{folder}/{{{NAME},x}}.txt', 'LineAsString')"),
        format!("file('/proc/self/root{file}', 'LineAsString')"),
        format!("file('../../../../../../../../..{file}', 'LineAsString')"),
        format!("url('file://{file}', 'LineAsString')"),
        format!("sqlite('{folder}/planted.db', 't')"),
        format!("default.\"{file}\""),
        format!("`default`.`{file}`"),
        format!("url('http://{canary}/', 'LineAsString')"),
        format!("url('http://{canary}/x.csv')"),
        format!("s3('http://{canary}/bucket/k.csv', NOSIGN, 'LineAsString', 'a String')"),
    ] {
        attempts.push(nested(&table));
        attempts.push(hidden(&nested(&table)));
    }
    for table in [
        format!("mysql('{canary}', 'd', 't', 'u', 'p')"),
        format!("postgresql('{canary}', 'd', 't', 'u', 'p')"),
        format!("redis('{canary}', 'a', 'a String')"),
        format!("remote('{canary}', system.one)"),
    ] {
        attempts.push(nested(&table));
    }
    for table in [
        format!("sqlite('{folder}/planted.db', 't')"),
        format!("default.\"{file}\""),
        format!("url('http://{canary}/x.csv')"),
        format!("remote('{canary}', system.one)"),
    ] {
        attempts.push(spaced(&table, '\u{a0}'));
        attempts.push(spaced(&table, '\u{3000}'));
    }
    let lines = format!("(SELECT line FROM file('{file}', 'LineAsString') SETTINGS readonly=0)");
    let listed = "SELECT _file FROM (SELECT _file FROM file('DIR/*', 'One') SETTINGS readonly=0)";
    let sizes =
        "SELECT _path FROM (SELECT _path FROM file('DIR/*', 'RawBLOB') SETTINGS readonly=0)";
    attempts.extend([
        listed.replace("DIR", &folder.to_string()),
        hidden(&listed.replace("DIR", &folder.to_string())),
        sizes.replace("DIR", &folder.to_string()),
        format!("SELECT file('{file}')"),
        format!("SELECT * FROM (SELECT file('{file}') SETTINGS readonly=0)"),
        hidden(&format!("SELECT file('{file}')")),
        format!("SELECT arrayMap(x -> file(x), ['{file}'])"),
        format!("SELECT * APPLY(file) FROM (SELECT '{file}' AS a)"),
        format!("SELECT * FROM default.\"{file}\""),
        format!("WITH x AS {lines} SELECT * FROM x"),
        format!("SELECT * FROM (SELECT 1) a LEFT JOIN {lines} b ON 1"),
        format!("SELECT {lines}"),
        format!(
            "EXPLAIN {}",
            nested(&format!("url('http://{canary}/x.csv')"))
        ),
    ]);
    attempts
}

/// The statements of `attempts` that succeeded.
fn found<'a>(engine: &Engine, attempts: &'a [String], connections: &AtomicUsize) -> Vec<&'a str> {
    let finds = |sql: &&String| {
        connections.store(0, Ordering::SeqCst);
        let answer = ask(engine, sql);
        assert_ne!(answer.status, 503, "an earlier statement still runs: {sql}");
        let body = answer.body;
        body.contains(CONTENT)
            || (!sql.contains(NAME) && body.contains(NAME))
            || connections.load(Ordering::SeqCst) > 0
    };
    attempts.iter().filter(finds).map(String::as_str).collect()
}

#[test]
fn readers_reach_neither_files_nor_networks_in_forty_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let planted = folder.path().join("outside");
    std::fs::create_dir(&planted).expect("a folder");
    std::fs::write(planted.join(format!("{NAME}.txt")), CONTENT).expect("written");
    let database = rusqlite::Connection::open(planted.join("planted.db")).expect("a database");
    database
        .execute_batch(&format!(
            "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('{CONTENT}')"
        ))
        .expect("written");
    let (canary, connections) = canary();
    let attempts = attempts(&planted, canary);
    assert!(attempts.len() >= 40, "{}", attempts.len());
    let exists = format!("EXISTS default.\"{}/{NAME}.txt\"", planted.display());

    let open = [
        "--without=fence",
        "--without=filter",
        "--readers-without-fence",
    ];
    let engine = start(&folder.path().join("open"), &open);
    assert_eq!(
        found(&engine, &attempts, &connections),
        attempts,
        "without fence and filter every attempt must succeed"
    );
    assert_eq!(ask(&engine, &exists).body.trim(), "1");
    drop(engine);

    let nothing: [&str; 0] = [];
    let engine = start(&folder.path().join("fenced"), &["--without=filter"]);
    assert_eq!(engine.warnings, nothing);
    assert_eq!(found(&engine, &attempts, &connections), nothing, "fence");
    drop(engine);

    let engine = start(&folder.path().join("whole"), &[]);
    assert_eq!(found(&engine, &attempts, &connections), nothing, "both");
    assert_ne!(ask(&engine, &exists).body.trim(), "1");
    assert_eq!(
        ask(
            &engine,
            "SELECT count() FROM system.tables WHERE database = 'default'"
        )
        .body,
        "0\n"
    );
    drop(engine);

    let unfenced = ["--without=fence", "--readers-without-fence"];
    let engine = start(&folder.path().join("filtered"), &unfenced);
    assert_eq!(found(&engine, &attempts, &connections), nothing, "filter");
    assert_ne!(ask(&engine, &exists).body.trim(), "1");
}

#[test]
fn a_reader_cannot_lift_the_limits_of_a_statement() {
    let folder = tempfile::tempdir().expect("a folder");
    let lifted = "SELECT getSetting('max_execution_time') SETTINGS max_execution_time = DEFAULT";
    let engine = start(&folder.path().join("open"), &["--without=filter"]);
    assert_eq!(
        ask(&engine, lifted).body,
        "0\n",
        "ClickHouse itself allows it"
    );
    drop(engine);
    let engine = start(&folder.path().join("whole"), &[]);
    let refused = ask(&engine, lifted);
    assert_eq!(
        (
            refused.status,
            refused.header("x-clickhouse-exception-code")
        ),
        (403, Some("164"))
    );
    assert_eq!(
        ask(&engine, "SELECT getSetting('max_execution_time')").body,
        "2\n"
    );
}

#[test]
fn without_read_search_capability_the_engine_starts_as_root() {
    use std::os::unix::fs::PermissionsExt as _;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // The engine's folder is inside a folder that only root may enter, as in a Docker container
    // with default settings.
    let folder = tempfile::tempdir().expect("a folder");
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).expect("a folder");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).expect("set");
    let engine = std::thread::scope(|scope| {
        let start = || {
            // Applies to this thread and to the processes that it starts.
            let read_search = rustix::thread::CapabilitySet::DAC_READ_SEARCH;
            rustix::thread::remove_capability_from_bounding_set(read_search).expect("removed");
            start(&closed.join("engine"), &[])
        };
        scope.spawn(start).join().expect("no panic")
    });
    assert!(
        engine.warnings[0].contains("stays root") && engine.warnings[0].contains("DAC_READ_SEARCH"),
        "{:?}",
        engine.warnings
    );
    assert_eq!(ask(&engine, "SELECT 1").body, "1\n");
    assert_eq!(status(engine.id(), "Seccomp"), "2");
    drop(engine);
    // With the capability the folder is given to the engine's user again.
    let engine = start(&closed.join("engine"), &[]);
    assert_eq!(ask(&engine, "SELECT 1").body, "1\n");
    assert!(status(engine.id(), "Uid").starts_with("60800"));
}

/// The warning that lists everything that `fence::reach` tries.
const REACH: &str = "warning can read, write, change mode, change owner, set attribute, watch, signal, limit, start a program, open a socket";

#[test]
fn a_compromised_library_reaches_nothing_outside_its_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let outside = folder.path().join("outside");
    std::fs::write(&outside, CONTENT).expect("written");
    std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o600)).expect("set");
    let user = rustix::process::geteuid().as_raw().to_string();
    // As in an installation without root: the collector and the engine run as the same user.
    let same_user = format!("--user={user}");
    let reach = format!("--reach={}", outside.display());
    let run = |name: &str, more: &[&str]| {
        let arguments = [&[&*same_user, &*reach], more].concat();
        let engine = start(&folder.path().join(name), &arguments);
        engine
            .warnings
            .last()
            .cloned()
            .expect("the warning about its reach")
    };
    assert_eq!(run("open", &["--without=fence"]), REACH);
    std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o600)).expect("set");
    assert_eq!(run("fenced", &[]), "warning can ");
    let mode = std::fs::metadata(&outside)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn symlinks_in_the_engines_folder_are_not_followed_at_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let outside = folder.path().join("outside");
    std::fs::write(&outside, CONTENT).expect("written");
    let data = folder.path().join("engine");
    std::fs::create_dir(&data).expect("a folder");
    std::os::unix::fs::symlink(&outside, data.join("engine.xml")).expect("a link");
    let engine = start(&data, &[]);
    assert_eq!(ask(&engine, "SELECT 1").body, "1\n");
    drop(engine);
    assert_eq!(
        std::fs::read_to_string(&outside).expect("the file outside still exists"),
        CONTENT
    );
    // The lock file is never replaced, since another process may hold it.
    let (lock, absent) = (data.join("engine.lock"), folder.path().join("absent"));
    std::fs::remove_file(&lock).expect("removed");
    std::os::unix::fs::symlink(&absent, &lock).expect("a link");
    // The engine may start or fail here.
    let mut engine = command(free_port(), &data);
    engine.arg("--user=60800");
    let (mut child, input, _) = spawn(engine);
    drop(input);
    child.wait().expect("the engine ends");
    assert!(!absent.exists(), "no file is created through a symlink");
}

#[test]
fn without_a_fence_readers_are_refused_and_the_log_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = start(&folder.path().join("engine"), &["--without=fence"]);
    let refused = ask(&engine, "SELECT 1");
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("x-clickhouse-exception-code"), Some("497"));
    assert!(
        refused.body.contains("readers_without_fence"),
        "{}",
        refused.body
    );
    assert!(
        engine.warnings[0].contains("without a fence"),
        "{:?}",
        engine.warnings
    );
    let answer = post(engine.address, "/", "SELECT 1", &COLLECTOR);
    assert_eq!(answer.body, "1\n");
}

/// The value of a line of `/proc/PID/status`.
fn status(process: u32, name: &str) -> String {
    let text =
        std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default()
        .trim_start_matches(':')
        .trim()
        .to_owned()
}

#[test]
fn the_engine_is_fenced_and_drops_root_if_root_owns_its_folder() {
    let collector = Collector::start();
    assert_eq!(collector.beacon(&pageview("/", "a")).status, 202);
    collector.until("SELECT count() FROM events", "1");
    let (folder, _) = collector.stop();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        // The owner that an earlier version left.
        let data = folder.path().join("data/engine");
        let owned = Command::new("chown").args(["-R", "0:0"]).arg(data).status();
        assert!(owned.expect("chown runs").success());
    }
    let collector = Collector::start_in(folder);
    let process = collector.engine_id().expect("a running engine");
    assert_eq!(status(process, "Seccomp"), "2");
    assert_eq!(status(process, "NoNewPrivs"), "1");
    let user = if is_root {
        60_800
    } else {
        rustix::process::geteuid().as_raw()
    };
    assert_eq!(
        status(process, "Uid"),
        [user; 4].map(|id| id.to_string()).join("\t").as_str()
    );
    assert_eq!(collector.sql("SELECT count() FROM events"), "1");
    assert_eq!(collector.beacon(&pageview("/b", "b")).status, 202);
    collector.until("SELECT count() FROM events", "2");
}

#[test]
fn web_pages_get_no_answer_from_the_engine() {
    let collector = Collector::start();
    let key = ("X-ClickHouse-Key", &*collector.token);
    let host = collector.clickhouse.to_string();
    let own = format!("http://{host}");
    let ask = |more: &[(&str, &str)]| {
        let headers = [&[key, ("Host", &*host)], more].concat();
        let answer = get(collector.clickhouse, "/?query=SELECT+1", &headers);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
        answer.status
    };
    assert_eq!(ask(&[]), 200);
    assert_eq!(ask(&[("Sec-Fetch-Site", "none")]), 200);
    assert_eq!(
        ask(&[("Sec-Fetch-Site", "same-origin"), ("Origin", &own)]),
        200
    );
    for site in ["cross-site", "same-site", "", "none, cross-site"] {
        assert_eq!(ask(&[("Sec-Fetch-Site", site)]), 403, "{site}");
    }
    let elsewhere = "http://127.0.0.1:1";
    let secure = own.replace("http:", "https:");
    for origin in [
        "https://evil.example",
        "null",
        "",
        "http://localhost",
        elsewhere,
        &secure,
    ] {
        assert_eq!(ask(&[("Origin", origin)]), 403, "{origin}");
    }
    let posted = [
        key,
        ("Origin", "https://evil.example"),
        ("Content-Type", "text/plain"),
    ];
    assert_eq!(
        post(collector.clickhouse, "/", "SELECT 1", &posted).status,
        403
    );
}

/// Runs `sillage sql`. Returns whether it succeeded, its standard output and its standard error.
fn sql(folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    let output = binary()
        .args(["--log-level", "info", "sql", "--config"])
        .arg(folder.join("sillage.toml"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn sql_needs_the_token_that_the_command_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let collector = Collector::start();
    let address = collector.clickhouse;
    let ask = |headers: &[(&str, &str)]| post(address, "/", "SELECT 1", headers);
    for headers in [
        &[][..],
        &[("X-ClickHouse-User", "default")],
        &[("X-ClickHouse-Key", "x")],
    ] {
        let refused = ask(headers);
        assert_eq!(refused.status, 403);
        assert_eq!(refused.header("x-clickhouse-exception-code"), Some("516"));
    }
    assert_eq!(get(address, "/ping", &[]).status, 200);
    let token = collector.token.clone();
    let by_url = format!("/?user=default&password={token}&query=SELECT+1");
    assert_eq!(get(address, &by_url, &[]).body, "1\n");
    let file = collector.folder.path().join("data/sql.token");
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let folder = collector.folder.path();
    let (_, url, _) = sql(folder, &["--print-url"]);
    assert_eq!(url, format!("http://default:{token}@{address}/\n"));
    assert_eq!(sql(folder, &["SELECT 1, count() FROM events"]).1, "1\t0\n");
    assert_eq!(sql(folder, &["--format", "CSV", "SELECT 'a'"]).1, "\"a\"\n");
    assert_eq!(sql(folder, &["SELECT currentDatabase()"]).1, "sillage\n");
    let (is_done, _, error) = sql(folder, &["DROP TABLE events"]);
    assert!(!is_done && error.contains("READONLY"), "{error}");
    assert!(!sql(folder, &[]).0, "a statement is missing");

    let (folder, _) = collector.stop();
    let (is_done, _, error) = sql(folder.path(), &["--print-url"]);
    assert!(
        !is_done && error.contains("start `sillage serve`"),
        "{error}"
    );
    let again = Collector::start_in(folder);
    assert_eq!(again.token, token, "the token is kept");
}
