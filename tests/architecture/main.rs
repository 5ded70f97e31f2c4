//! Checks the order of the rooms of `src/`, and that no files of a crate use each other in circles.
//!
//! A room imports only rooms below it. `mod x;` is not an import; a re-export leads to the file
//! that defines the item. Test code may use anything.

mod graph;
mod source;

use std::collections::BTreeSet;
use std::path::Path;

use graph::{Crate, circles, room, upward};

/// The rooms of `src/` from the ground up. The pieces of the foundation do not use each other.
const ROOMS: [&[&str]; 20] = [
    &["random", "identity_hasher", "data_dir", "html"],
    &["config"],
    &["telemetry"],
    &["http"],
    &["tracker_files"],
    &["salts"],
    &["visits"],
    &["event_row"],
    &["ingest"],
    &["store"],
    &["rollup"],
    &["stats"],
    &["control"],
    &["email"],
    &["access"],
    &["collector"],
    &["api"],
    &["pages"],
    &["app"],
    &["cli"],
];

/// Roots of the two crates in `src/`: they may use every room.
const ROOTS: [&str; 2] = ["lib", "main"];

/// Height and name of the room that a file of `src/` is in.
fn home(file: &str) -> Option<(usize, &'static str)> {
    let name = room("src", file);
    let rooms = ROOMS.iter().enumerate();
    let mut rooms = rooms.flat_map(|(height, level)| level.iter().map(move |room| (height, *room)));
    rooms
        .find(|(_, room)| *room == name)
        .or_else(|| Some((ROOMS.len(), ROOTS.into_iter().find(|root| *root == name)?)))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_room_imports_only_rooms_below_it() {
    let edges = Crate::read(root(), "src").edges();
    let upward = upward(&edges, home);
    let report = format!("{} upward imports:\n{}", upward.len(), upward.join("\n"));
    assert!(upward.is_empty(), "{report}");
}

#[test]
fn every_file_of_src_is_in_a_room() {
    for entry in std::fs::read_dir(root().join("src")).expect("src") {
        let name = entry.expect("an entry").file_name();
        let file = format!("src/{}", name.to_string_lossy());
        assert!(home(&file).is_some(), "{file} is not in the list of rooms");
    }
}

#[test]
fn no_files_import_each_other_in_circles() {
    let crates = std::fs::read_dir(root().join("crates")).expect("crates");
    let mut folders: Vec<String> = crates
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| format!("crates/{}/src", name.to_string_lossy()))
        .collect();
    folders.sort();
    folders.insert(0, "src".to_owned());
    let (mut files, mut reports) = (BTreeSet::new(), Vec::new());
    for folder in folders {
        for circle in circles(&Crate::read(root(), &folder).edges()) {
            let lines: Vec<String> = circle.iter().map(|edge| format!("  {edge}")).collect();
            reports.push(lines.join("\n"));
            files.extend(circle.into_iter().map(|edge| edge.from));
        }
    }
    let report = format!(
        "{} files in {} circles:\n{}",
        files.len(),
        reports.len(),
        reports.join("\nand\n")
    );
    assert!(files.is_empty(), "{report}");
}
