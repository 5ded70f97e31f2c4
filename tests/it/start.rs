//! Failed starts: the exit code, and a sentence that says what to do.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Collector, binary, pageview, signal, wait_for, write_config};

/// Runs `serve` until it exits. Returns the exit code and the output.
fn serve(config: &Path) -> (Option<i32>, String) {
    let output = binary()
        .args(["--log-level", "off", "serve", "--config"])
        .arg(config)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the binary starts");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn check(config: &Path, expected: &[&str]) {
    let (code, said) = serve(config);
    assert_eq!(code, Some(1), "{said}");
    for part in expected {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert!(!said.contains("panic"), "{said}");
}

#[test]
fn an_invalid_configuration_is_explained() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("sillage.toml");
    check(&file, &["cannot read", "--config"]);
    let write = |text: &str| std::fs::write(&file, text).expect("written");
    write("listen = ");
    check(&file, &["sillage.toml"]);
    write("listne = \"127.0.0.1:1\"\n[[site]]\nid = \"a\"");
    check(&file, &["listne", "did you mean `listen`?"]);
    write(
        "[[site]]\nid = \"a\"\ntimezone = \"Mars/Base\"\nretention_days = 9999\n[[site]]\nid = \"a\"",
    );
    check(&file, &["Mars/Base", "9999", "twice"]);
    write("");
    check(&file, &["[[site]]"]);
    write("listen = \"0.0.0.0:8000\"\n[[site]]\nid = \"a\"");
    check(&file, &["no account exists", "dashboard.listen"]);
    write("[engine]\nlisten = \"0.0.0.0:8123\"\n[[site]]\nid = \"a\"");
    check(&file, &["loopback"]);
    write("[geo]\ndatabase = \"nowhere.mmdb\"\n[[site]]\nid = \"a\"");
    check(&file, &["nowhere.mmdb", "make"]);
    write("[clickhouse]\nreplicated = true\n[[site]]\nid = \"a\"");
    check(&file, &["clickhouse.replicated", "clickhouse.url"]);
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let file = folder.path().join("sillage.toml");
    std::fs::write(
        &file,
        format!("listen = \"127.0.0.1:{port}\"\n[[site]]\nid = \"a\""),
    )
    .expect("written");
    check(&file, &[&port.to_string(), "in use"]);
    std::fs::write(&file, format!("listen = \"127.0.0.1:0\"\n[engine]\nlisten = \"127.0.0.1:{port}\"\n[[site]]\nid = \"a\"")).expect("written");
    check(&file, &[&port.to_string(), "in use", "engine.listen"]);
}

#[test]
fn a_missing_engine_library_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("sillage.toml");
    std::fs::write(
        &file,
        "listen = \"127.0.0.1:0\"\n[engine]\nlibrary = \"no/libchdb.so\"\n[[site]]\nid = \"a\"",
    )
    .expect("written");
    check(&file, &["no/libchdb.so", "make"]);
}

#[test]
fn unusable_folders_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), "data_dir = \"blocked/data\"");
    std::fs::write(folder.path().join("blocked"), "a file instead of a folder").expect("written");
    check(&file, &["blocked/data", "data_dir"]);

    // Salts that other users can read are not secret.
    let file = write_config(folder.path(), "data_dir = \"open\"");
    let salts = folder.path().join("open/salts");
    std::fs::create_dir_all(&salts).expect("created");
    std::fs::set_permissions(&salts, std::fs::Permissions::from_mode(0o755)).expect("set");
    check(&file, &["salts"]);
}

#[test]
fn a_start_on_a_full_disk_says_that_the_disk_is_full() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "sillage-test"])
        .arg(&disk)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: this user may not mount a tmpfs");
        return;
    }
    let file = write_config(folder.path(), "data_dir = \"disk/data\"");
    // This write fails when the disk is full, as intended.
    let filled = std::fs::write(disk.join("filler"), vec![1; 1 << 20]);
    let said = serve(&file);
    let unmounted = std::process::Command::new("umount")
        .arg("-l")
        .arg(&disk)
        .status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    assert!(filled.is_err(), "the disk is full");
    assert_eq!(said.0, Some(1), "{}", said.1);
    assert!(said.1.contains("is full"), "{}", said.1);
}

#[test]
fn a_second_collector_on_one_folder_is_refused_the_first_goes_on() {
    let first = crate::support::Collector::start();
    let salts = "[salts]\ndir = \"other-salts\"\n";
    let config = first.folder.path().join("second.toml");
    let text = std::fs::read_to_string(first.folder.path().join("sillage.toml"));
    std::fs::write(&config, text.expect("readable") + salts).expect("written");
    check(&config, &["spool", "in use by another collector"]);
    let taken = first.beacon(&crate::support::pageview("/", "a"));
    assert_eq!(taken.status, 202);
}

#[test]
fn a_spool_of_a_later_version_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = write_config(folder.path(), "");
    let spool = folder.path().join("data/spool");
    std::fs::create_dir_all(&spool).expect("created");
    // The part of a header that is the same in every version: magic, version, checksum.
    let mut header = b"SILSPOOL".to_vec();
    header.extend(9_u32.to_le_bytes());
    header.extend(crc32fast::hash(&header).to_le_bytes());
    header.extend([7; 400]);
    let name = format!("{:016x}-{:032x}-1-1-400.sealed", 1, 7);
    std::fs::write(spool.join(&name), &header).expect("written");
    check(
        &config,
        &[&name, "format 9", "start the newer version again"],
    );
    assert_eq!(
        std::fs::read(spool.join(&name)).expect("still there"),
        header
    );
}

#[test]
fn a_spool_on_a_read_only_disk_is_named() {
    use std::process::Command;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let config = write_config(folder.path(), "");
    let text = std::fs::read_to_string(&config).expect("readable");
    let spool = format!("{text}\n[spool]\ndir = {:?}\n", disk.join("spool"));
    std::fs::write(&config, spool).expect("writable");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "ro", "sillage-test"])
        .arg(&disk)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        // Only root may mount. The spool's own tests cover a folder without write permission.
        eprintln!("skipped: this user may not mount a tmpfs");
        return;
    }
    let outcome = std::panic::catch_unwind(|| check(&config, &["disk/spool", "Read-only"]));
    let unmounted = Command::new("umount").arg(&disk).status();
    assert!(unmounted.is_ok_and(|status| status.success()), "unmounted");
    assert!(outcome.is_ok(), "the start must report the read-only disk");
}

#[test]
fn the_sql_password_is_printed_but_not_to_the_journal() {
    use std::os::unix::fs::MetadataExt;
    let printed = |is_journal: bool| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = write_config(folder.path(), "");
        let path = folder.path().join("output");
        let output = std::fs::File::create(&path).expect("created");
        let about = output.metadata().expect("metadata");
        let journal = format!("{}:{}", about.dev(), about.ino() + u64::from(!is_journal));
        let mut child = binary()
            .args(["--log-level", "info", "serve", "--config"])
            .arg(config)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("JOURNAL_STREAM", journal)
            .stderr(output.try_clone().expect("cloned"))
            .stdout(output)
            .spawn()
            .expect("the binary starts");
        let text = wait_for(|| {
            let text = std::fs::read_to_string(&path).expect("read");
            if text.contains("/welcome/") {
                Ok(text)
            } else {
                Err(text)
            }
        })
        .expect("the collector is ready");
        signal(child.id(), "TERM");
        assert!(child.wait().expect("the collector ends").success());
        let token = std::fs::read_to_string(folder.path().join("data/sql.token"));
        (text, token.expect("a token").trim().to_owned())
    };
    let (text, token) = printed(false);
    assert!(text.contains(&token), "{text}");
    let (text, token) = printed(true);
    assert!(!text.contains(&token), "{text}");
    assert!(text.contains("`sillage sql --print-url`"), "{text}");
}

#[test]
fn a_start_accepts_beacons_without_writing_the_engines_address() {
    let (folder, _) = Collector::start().stop();
    // A folder can't be replaced by a file, so writing the address fails as on a full disk.
    let file = folder.path().join("data/sql.address");
    std::fs::remove_file(&file).expect("the address file existed");
    std::fs::create_dir(&file).expect("created");
    let collector = Collector::start_in(folder);
    assert_eq!(collector.beacon(&pageview("/", "a")).status, 202);
    collector.until("SELECT count() FROM events", "1");
    let log = collector.log();
    assert!(log.contains("can't find the engine"), "{log}");
    assert!(log.contains("sql.address can't be used"), "{log}");
    let (_folder, is_clean) = collector.stop();
    assert!(is_clean);
}
