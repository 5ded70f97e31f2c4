//! Rules that a reviewer would otherwise check by hand: which room uses which library, documents
//! that match the code, and no test or lint switched off.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files of a folder with one of the extensions, except built and downloaded ones.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .expect("a folder of the project")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                if !["node_modules", "dist", "target"]
                    .iter()
                    .any(|built| path.ends_with(built))
                {
                    folders.push(path);
                }
            } else if endings
                .iter()
                .any(|ending| path.to_string_lossy().ends_with(ending))
            {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no {endings:?}");
    found
}

/// The code of a file without comments and without the unit tests at its end.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("readable");
    let text = text
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or("");
    text.lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The tests that a document names: in backquotes, words joined by underscores (Rust) or spaces
/// (TypeScript).
fn tests_named_in(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| name.matches('_').count() >= 3 || name.matches(' ').count() >= 3)
        .collect()
}

#[test]
fn every_test_named_in_privacy_md_exists() {
    let tests: String = [
        "src",
        "crates",
        "tests",
        "tracker-js",
        "dashboards/web/test",
    ]
    .iter()
    .flat_map(|folder| files(folder, &[".rs", ".mjs", ".ts"]))
    .map(|path| std::fs::read_to_string(path).expect("readable"))
    .collect();
    for (document, least) in [("PRIVACY.md", 25), ("docs/policy-clauses.md", 50)] {
        let text = read(document);
        let named = tests_named_in(&text);
        assert!(named.len() > least, "only {} tests are named", named.len());
        for name in named {
            let is_there = [
                format!("fn {name}("),
                format!("test('{name}'"),
                format!("it('{name}'"),
                format!("])('{name}'"),
                // A template that makes a test for each item of a list.
                format!("test(`{name}: ${{"),
            ];
            assert!(
                is_there.iter().any(|form| tests.contains(form)),
                "{document} names the test {name}, which does not exist"
            );
        }
    }
    let text = read("PRIVACY.md");
    for promise in 1..=10 {
        assert!(
            text.contains(&format!("**P{promise}. ")),
            "P{promise} is missing"
        );
    }
}

#[test]
fn every_policy_clause_has_a_line() {
    let text = read("docs/policy-clauses.md");
    for clause in (1..=48).map(|number| format!("C{number}")) {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("| {clause} ")));
        let line = line.unwrap_or_else(|| panic!("{clause} has no line"));
        assert!(line.trim_end_matches(" |").len() > 40, "{line}");
    }
}

#[test]
fn every_part_of_src_is_in_the_code_map() {
    let map = read("ARCHITECTURE.md");
    for folder in ["src", "crates"] {
        for entry in std::fs::read_dir(root().join(folder))
            .expect("a folder of the project")
            .flatten()
        {
            let name = entry.file_name().into_string().expect("plain names");
            let name = name.trim_end_matches(".rs");
            assert!(
                name == "lib" || map.contains(&format!("{folder}/{name}")),
                "ARCHITECTURE.md does not say what {folder}/{name} is"
            );
        }
    }
}

#[test]
fn rooms_use_only_the_libraries_of_their_duty() {
    // `tests/architecture` checks which room may use which.
    let borders: [(&str, &[&str]); 6] = [
        ("src/ingest", &["hyper", "clickhouse", "sillage_engine"]),
        ("src/visits", &["hyper", "sillage_engine"]),
        ("src/event_row", &["hyper", "clickhouse", "sillage_engine"]),
        ("src/store", &["hyper", "sillage_engine"]),
        (
            "src/control",
            &[
                "hyper",
                "clickhouse",
                "sillage_engine",
                "sillage_privacy",
                "SystemTime",
                "Timestamp::now",
            ],
        ),
        ("src/collector", &["sillage_engine", "crate::salts"]),
    ];
    for (folder, forbidden) in borders {
        for path in files(folder, &[".rs"])
            .iter()
            .filter(|path| !path.to_string_lossy().contains("tests"))
        {
            let code = code(path);
            for word in forbidden {
                assert!(!code.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn unsafe_code_and_client_addresses_stay_in_their_files() {
    let sources = ["src", "crates"].map(|folder| files(folder, &[".rs"]));
    for path in sources.into_iter().flatten() {
        let name = path
            .strip_prefix(root())
            .expect("below the root")
            .to_string_lossy()
            .into_owned();
        let code = code(&path);
        let may_be_unsafe =
            name == "src/salts/locked_memory.rs" || name.starts_with("crates/engine/src/libchdb");
        assert!(
            may_be_unsafe || !code.contains("unsafe "),
            "{name} has unsafe code"
        );
        let may_make_addresses = ["src/http/client_ip.rs", "src/cli/demo/mod.rs"]
            .contains(&name.as_str())
            || name.starts_with("crates/privacy/")
            || name.contains("/tests");
        assert!(
            may_make_addresses || !code.contains("ClientIp::from_peer("),
            "{name} makes an address"
        );
    }
}

#[test]
fn every_insert_into_clickhouse_carries_a_token() {
    // Without a token ClickHouse drops a block that equals an earlier one.
    let mut senders = 0;
    let rust = ["src/store", "src/rollup", "crates/query"].map(|folder| files(folder, &[".rs"]));
    for path in rust.into_iter().flatten() {
        let code = code(&path);
        let statements = code.split("include_str!(\"").skip(1);
        let is_sql_insert = statements
            .filter_map(|rest| rest.split('"').next())
            .filter(|name| name.ends_with(".sql"))
            .any(|name| {
                let sql = std::fs::read_to_string(path.with_file_name("").join(name));
                sql.expect("readable").contains("INSERT INTO")
            });
        let sends = is_sql_insert
            || ["INSERT INTO", ".insert::<", ".insert_formatted"]
                .iter()
                .any(|word| code.contains(word));
        // These build the text that `rollup/job.rs` sends.
        let builds = path.starts_with(root().join("crates/query"))
            || path.ends_with("rollup/daily.rs")
            || path.ends_with("rollup/visits.rs");
        if sends && !builds {
            senders += 1;
            let has_token = code.contains("insert_deduplication_token");
            assert!(has_token, "{} inserts without a token", path.display());
        }
    }
    assert!(senders >= 6, "{senders}");
}

#[test]
fn no_test_or_lint_is_switched_off() {
    let banned: [(&str, &[&str], &[&str]); 6] = [
        (
            "src",
            &[".rs"],
            &["#[ignore", "todo!(", "unimplemented!(", "dbg!("],
        ),
        (
            "crates",
            &[".rs"],
            &["#[ignore", "todo!(", "unimplemented!(", "dbg!("],
        ),
        ("tests", &[".rs"], &["#[ignore", "todo!("]),
        ("tests/e2e", &[".mjs"], &[".only(", ".skip(", ".todo("]),
        ("tracker-js", &[".ts"], &[".only(", ".skip(", ".todo("]),
        (
            "dashboards/web",
            &[".ts", ".tsx"],
            &[".only(", ".skip(", ".todo("],
        ),
    ];
    for (folder, endings, words) in banned {
        for path in files(folder, endings)
            .into_iter()
            .filter(|path| !path.ends_with("tidy.rs"))
        {
            let text = std::fs::read_to_string(&path).expect("readable");
            for word in words {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}

#[test]
fn the_example_configuration_is_valid_and_shows_the_defaults() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let full = folder.path().join("sillage.toml");
    let text = read("deploy/config.example.toml");
    let example =
        sillage::config::Config::parse(&text, &full).unwrap_or_else(|error| panic!("{error}"));
    let bare = "[[site]]\nid = \"example.com\"\nhostnames = [\"example.com\", \"www.example.com\"]\ntimezone = \"Asia/Tokyo\"";
    let bare =
        sillage::config::Config::parse(bare, &full).unwrap_or_else(|error| panic!("{error}"));
    let plain = |config: &sillage::config::Config| format!("{config:#?}").replace("/./", "/");
    assert_eq!(plain(&example), plain(&bare));
}
