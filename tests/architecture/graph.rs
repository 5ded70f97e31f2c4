//! Which file of a crate uses which, circles of files, and imports against the order of rooms.

use std::collections::BTreeMap;
use std::path::Path;

use super::source::{Source, UsedPath};

/// The path of a module in its crate, e.g. `["store", "migrate"]`. The root is empty.
pub type Module = Vec<String>;

/// Maximum depth to which re-exports of re-exports are followed.
const REEXPORTS_MAX: usize = 8;

/// One file uses something that another defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: String,
    pub line: usize,
    pub to: String,
}

impl std::fmt::Display for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} imports {}", self.from, self.line, self.to)
    }
}

struct File {
    name: String,
    source: Source,
}

/// The files of a crate by module.
#[derive(Default)]
pub struct Crate {
    files: BTreeMap<Module, File>,
}

impl Crate {
    /// Reads a folder of sources. Skips unit tests in separate files, and `main.rs`, which is
    /// another crate that uses this one.
    pub fn read(root: &Path, folder: &str) -> Self {
        let mut read = Self::default();
        let mut folders = vec![root.join(folder)];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next).expect("a folder of sources") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path
                        .strip_prefix(root.join(folder))
                        .expect("below the folder");
                    let text = std::fs::read_to_string(&path).expect("a source");
                    read.add(folder, &name.to_string_lossy(), &text);
                }
            }
        }
        read
    }

    fn add(&mut self, folder: &str, name: &str, text: &str) {
        let mut module: Module = name
            .trim_end_matches(".rs")
            .split('/')
            .map(str::to_owned)
            .collect();
        if module.iter().any(|part| part == "tests") || name == "main.rs" {
            return;
        }
        if module
            .last()
            .is_some_and(|last| last == "mod" || last == "lib")
        {
            module.pop();
        }
        let file = File {
            name: format!("{folder}/{name}"),
            source: Source::parse(text),
        };
        self.files.insert(module, file);
    }

    /// Every use of one file by another: one edge per pair, with the line of the first use.
    pub fn edges(&self) -> Vec<Edge> {
        let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (module, file) in &self.files {
            let imported = file.source.imports.iter().map(|import| &import.path);
            let globs = file
                .source
                .imports
                .iter()
                .filter(|import| import.name == "*");
            let globs = globs.filter_map(|import| {
                let (target, _) = self.split(&self.absolute(module, &import.path.segments)?);
                Some((import.path.line, target))
            });
            let targets = imported
                .chain(&file.source.paths)
                .filter_map(|path| Some((path.line, self.defined_in(module, path)?)))
                .chain(globs);
            for (line, target) in targets.filter(|(_, target)| target != module) {
                let pair = (file.name.clone(), self.files[&target].name.clone());
                let first = found.entry(pair).or_insert(line);
                *first = line.min(*first);
            }
        }
        let edge = |((from, to), line)| Edge { from, line, to };
        found.into_iter().map(edge).collect()
    }

    /// The module whose file defines the item that a path names. `None` for other crates, for items
    /// of the module itself, and for a path that only names a module.
    fn defined_in(&self, module: &Module, path: &UsedPath) -> Option<Module> {
        let mut absolute = self.absolute(module, &path.segments)?;
        for _ in 0..REEXPORTS_MAX {
            let (target, rest) = self.split(&absolute);
            let name = rest.first()?;
            let import = self.files[&target]
                .source
                .imports
                .iter()
                .find(|import| import.name == *name && target != *module);
            let Some(import) = import else {
                return Some(target);
            };
            let mut next = self.absolute(&target, &import.path.segments)?;
            next.extend_from_slice(&rest[1..]);
            absolute = next;
        }
        None
    }

    /// The path from the crate's root. `None` if it leads to another crate.
    fn absolute(&self, module: &Module, segments: &[String]) -> Option<Module> {
        let (first, rest) = segments.split_first()?;
        let mut base: Module = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => {
                let mut base = module.clone();
                base.pop();
                base
            }
            name => {
                let mut child = module.clone();
                child.push(name.to_owned());
                if self.files.contains_key(&child) {
                    child
                } else {
                    let imports = &self.files[module].source.imports;
                    let import = imports.iter().find(|import| import.name == name)?;
                    // `use x;` of another crate would resolve to itself for ever.
                    if import.path.segments.len() == 1 || import.path.segments == segments {
                        return None;
                    }
                    self.absolute(module, &import.path.segments)?
                }
            }
        };
        for segment in rest {
            match segment.as_str() {
                "super" => {
                    base.pop();
                }
                _ => base.push(segment.clone()),
            }
        }
        Some(base)
    }

    /// The innermost module of a path, and the names inside it.
    fn split(&self, path: &[String]) -> (Module, Vec<String>) {
        let mut length = path.len();
        while length > 0 && !self.files.contains_key(&path[..length]) {
            length -= 1;
        }
        (path[..length].to_vec(), path[length..].to_vec())
    }
}

/// Groups of files that use each other in circles, each with its edges.
pub fn circles(edges: &[Edge]) -> Vec<Vec<Edge>> {
    let mut reached: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for start in edges.iter().map(|edge| edge.from.as_str()) {
        let (mut found, mut open) = (Vec::new(), vec![start]);
        while let Some(file) = open.pop() {
            for edge in edges.iter().filter(|edge| edge.from == file) {
                if !found.contains(&edge.to.as_str()) {
                    found.push(&edge.to);
                    open.push(&edge.to);
                }
            }
        }
        reached.insert(start, found);
    }
    let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|all| all.contains(&to));
    let mut groups: Vec<Vec<Edge>> = Vec::new();
    for edge in edges.iter().filter(|edge| reaches(&edge.to, &edge.from)) {
        let same = |group: &&mut Vec<Edge>| {
            let known = group[0].from.as_str();
            known == edge.from || reaches(known, &edge.from) && reaches(&edge.from, known)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(edge.clone()),
            None => groups.push(vec![edge.clone()]),
        }
    }
    groups
}

/// The room of a file: the first part of its path below the folder.
pub fn room<'a>(folder: &str, file: &'a str) -> &'a str {
    let below = file.trim_start_matches(folder).trim_start_matches('/');
    below
        .split('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs")
}

/// Descriptions of the edges to a room that is not lower. `home` returns height and name of a
/// file's room. Inside a room every edge is allowed.
pub fn upward(edges: &[Edge], home: impl Fn(&str) -> Option<(usize, &'static str)>) -> Vec<String> {
    let is_upward = |edge: &&Edge| {
        let [from, to] = [home(&edge.from), home(&edge.to)];
        from != to && to.map(|(height, _)| height) >= from.map(|(height, _)| height)
    };
    let upward = edges.iter().filter(is_upward);
    upward
        .map(|edge| format!("{edge}, which is not in a lower room"))
        .collect()
}

/// The edges of a crate with the given files.
#[cfg(test)]
fn made_up(files: &[(&str, &str)]) -> Vec<Edge> {
    let mut made_up = Crate::default();
    for (name, text) in files {
        made_up.add("src", name, text);
    }
    made_up.edges()
}

#[test]
fn a_child_that_uses_its_parents_items_is_a_circle() {
    let edges = made_up(&[
        ("lib.rs", "pub mod a;"),
        ("a/mod.rs", "mod b; pub use b::B; pub struct A;"),
        ("a/b.rs", "use super::A; pub struct B(A);"),
    ]);
    let circles = circles(&edges);
    assert_eq!(circles.len(), 1);
    let lines: Vec<String> = circles[0].iter().map(Edge::to_string).collect();
    assert_eq!(
        lines,
        [
            "src/a/b.rs:1 imports src/a/mod.rs",
            "src/a/mod.rs:1 imports src/a/b.rs"
        ]
    );
}

#[test]
fn a_declared_child_and_a_reexport_of_a_sibling_are_not_a_circle() {
    let edges = made_up(&[
        ("lib.rs", "pub mod a;"),
        ("a/mod.rs", "mod b;\nmod c;\npub use b::B;\npub use c::C;"),
        ("a/b.rs", "pub struct B;"),
        (
            "a/c.rs",
            "use super::B;\nuse crate::a;\nfn c(b: a::B) -> C { C(B) }",
        ),
    ]);
    assert_eq!(circles(&edges), Vec::<Vec<Edge>>::new());
    let pairs: Vec<_> = edges
        .iter()
        .map(|edge| (edge.from.as_str(), edge.to.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("src/a/c.rs", "src/a/b.rs"),
            ("src/a/mod.rs", "src/a/b.rs"),
            ("src/a/mod.rs", "src/a/c.rs"),
        ]
    );
}

#[test]
fn a_circle_over_three_files_is_one_circle() {
    let edges = made_up(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "fn b() { crate::c::c(); }"),
        ("c.rs", "use super::a;\nfn c() { a::a(); }"),
        ("d.rs", "use crate::a::{A};"),
    ]);
    let circles = circles(&edges);
    assert_eq!(circles.len(), 1);
    assert_eq!(circles[0].len(), 3);
    assert!(circles[0].iter().all(|edge| !edge.from.ends_with("d.rs")));
}

#[test]
fn an_import_of_a_higher_room_is_found_with_its_line() {
    let edges = made_up(&[
        ("lib.rs", "mod ground; mod first; mod beside; mod roof;"),
        ("ground.rs", "fn g() {}\nuse crate::roof::deep::Roof;"),
        ("first/mod.rs", "use crate::ground::g;"),
        ("beside.rs", "use crate::first::f;"),
        ("roof/mod.rs", "mod deep;"),
        ("roof/deep.rs", "use crate::first::f;\npub struct Roof;"),
    ]);
    let home = |file: &str| match room("src", file) {
        "ground" => Some((0, "ground")),
        "first" => Some((1, "first")),
        "beside" => Some((1, "beside")),
        "roof" => Some((2, "roof")),
        _ => None,
    };
    assert_eq!(
        upward(&edges, home),
        [
            "src/beside.rs:1 imports src/first/mod.rs, which is not in a lower room",
            "src/ground.rs:2 imports src/roof/deep.rs, which is not in a lower room",
        ]
    );
}
