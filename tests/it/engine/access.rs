//! What readers may do, and what is never written to disk.

use crate::support::engine::{Engine, SECRET, TOKEN, escaped, request};
use crate::support::signal;

#[test]
fn readers_only_read() {
    let engine = Engine::start();
    let outside = engine.folder.join("outside.csv");
    std::fs::write(&outside, "precious,b\n1,2\n").expect("written");
    let outside = outside.display();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    engine.run("INSERT INTO t VALUES (1)");
    for sql in [
        "INSERT INTO t VALUES (2)".to_owned(),
        "INSERT INTO t FORMAT CSV\n2\n".to_owned(),
        "INSERT INTO t SELECT 2".to_owned(),
        "CREATE TABLE u (a Int8) ENGINE = Memory".to_owned(),
        "CREATE TEMPORARY TABLE u (a Int8)".to_owned(),
        "DROP TABLE t".to_owned(),
        "TRUNCATE TABLE t".to_owned(),
        "ALTER TABLE t DELETE WHERE 1".to_owned(),
        "DELETE FROM t WHERE 1".to_owned(),
        "OPTIMIZE TABLE t".to_owned(),
        "SET readonly = 0".to_owned(),
        "SET max_threads = 1".to_owned(),
        "SELECT 1 SETTINGS readonly = 0".to_owned(),
        "SELECT 1 SETTINGS max_execution_time = 10000".to_owned(),
        "KILL QUERY WHERE 1".to_owned(),
        "SYSTEM FLUSH LOGS".to_owned(),
        format!(
            "BACKUP TABLE t TO File('{}')",
            engine.folder.join("backups/b").display()
        ),
        format!("SELECT * FROM file('{outside}', 'CSVWithNames')"),
        format!("DESCRIBE TABLE file('{outside}', 'CSVWithNames')"),
        format!("SELECT file('{outside}')"),
        format!("SELECT `file`('{outside}')"),
        format!("SELECT `fil\\x65`('{outside}')"),
        format!("SELECT * APPLY(file) FROM (SELECT '{outside}')"),
        format!("SELECT arrayMap(file, ['{outside}'])"),
        format!("EXPLAIN SELECT file('{outside}')"),
        format!("SELECT 1 /* ' */, file('{outside}') -- '"),
        format!("SELECT * FROM (SELECT * FROM file('{outside}', 'CSVWithNames'))"),
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')".to_owned(),
        "DESCRIBE TABLE url('http://127.0.0.1:1/', 'CSVWithNames')".to_owned(),
        "SELECT * FROM s3('http://bucket.s3.amazonaws.com:1/x', 'CSV', 'a String')".to_owned(),
        "SELECT * FROM remote('127.0.0.1', system.one)".to_owned(),
        "SELECT * FROM executable('ls', 'TSV', 'a String')".to_owned(),
    ] {
        let response = engine.reader("", &sql);
        assert_eq!(
            (
                response.status,
                response.header("X-ClickHouse-Exception-Code")
            ),
            (403, Some("164")),
            "{sql}: {}",
            response.body
        );
        assert!(!response.body.contains("precious"), "{sql}");
    }
    let written = engine.folder.join("written.csv");
    assert_eq!(
        engine
            .reader(
                "",
                &format!("SELECT 1 INTO OUTFILE '{}'", written.display())
            )
            .status,
        400
    );
    assert!(!written.exists());
    for arguments in [
        "readonly=0&allow_ddl=1",
        "max_insert_threads=2",
        "format_schema=x",
        "dialect=prql",
    ] {
        assert_eq!(
            engine.reader(arguments, "SELECT 1").status,
            403,
            "{arguments}"
        );
    }
    // `readonly` in a request is ignored, since clients send it.
    assert_eq!(engine.reader("readonly=0", "DROP TABLE t").status, 403);
    assert_eq!(
        engine
            .reader("max_execution_time=100000", "SELECT 1")
            .header("X-ClickHouse-Exception-Code"),
        Some("452")
    );
    assert_eq!(engine.reader("", "SELECT getSetting('readonly'), getSetting('max_execution_time'), getSetting('max_memory_usage')").body, "1\t60\t1073741824\n");
    // Only a POST of the collector can write. A GET is read-only, as in a ClickHouse server.
    let arguments = format!(
        "user=sillage&password={SECRET}&query={}",
        escaped("DROP TABLE t")
    );
    assert_eq!(
        request(engine.address, "GET", &arguments, &[], "").status,
        403
    );
    assert_eq!(
        engine.reader("", "SELECT count(), max(a) FROM t").body,
        "1\t1\n"
    );

    let (user, key) = ("X-ClickHouse-User", "X-ClickHouse-Key");
    for headers in [
        &[(key, "")][..],
        &[(user, "sillage"), (key, TOKEN)],
        &[(user, "sillage"), (key, "wrong")],
        &[(user, "sillage")],
        &[(user, "default"), (key, "x")],
        &[(user, "nobody"), (key, TOKEN)],
        &[("Authorization", "Basic c2lsbGFnZTp3cm9uZw==")],
    ] {
        let response = request(engine.address, "POST", "", headers, "SELECT 1");
        assert_eq!(
            (
                response.status,
                response.header("X-ClickHouse-Exception-Code")
            ),
            (403, Some("516")),
            "{headers:?}"
        );
    }
}

#[test]
fn no_statement_is_kept_on_disk_and_the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    assert_eq!(
        engine
            .reader("", "SELECT 'canary-in-a-query', count() FROM t")
            .status,
        200
    );
    assert_eq!(engine.reader("", "SELECT canary_in_a_fault").status, 404);
    assert_eq!(
        engine.run(
            "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'"
        ),
        "0\n"
    );
    let mode = std::fs::metadata(&engine.folder)
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    signal(engine.id(), "TERM");
    assert_eq!(engine.wait().code(), Some(0));
    let log = engine.log();
    assert!(!log.contains("canary"), "{log}");
    let mut folders = vec![engine.folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                assert!(
                    !bytes.windows(6).any(|window| window == b"canary"),
                    "{}",
                    path.display()
                );
            }
        }
    }
}
