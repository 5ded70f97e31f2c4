//! Sources that are known by name: search engines, social networks and the like, from
//! `sources.tsv`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::ingest::channel::Class;

/// The table `sources.tsv`.
struct Known {
    /// By whole host.
    hosts: HashMap<&'static str, (&'static str, Class)>,
    /// By the label before the public suffix, for `google.*`.
    labels: HashMap<&'static str, (&'static str, Class)>,
    /// By lower-case name, for `utm_source=google`.
    names: HashMap<String, (&'static str, Class)>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known {
        hosts: HashMap::new(),
        labels: HashMap::new(),
        names: HashMap::new(),
    };
    for line in include_str!("sources.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let mut fields = line.split('\t');
        if let (Some(host), Some(name), Some(class)) = (
            fields.next(),
            fields.next(),
            fields.next().and_then(Class::parse),
        ) {
            match host.strip_suffix(".*") {
                Some(label) => known.labels.insert(label, (name, class)),
                None => known.hosts.insert(host, (name, class)),
            };
            known
                .names
                .entry(name.to_lowercase())
                .or_insert((name, class));
            // `utm_source=facebook` and `utm_source=fb` mean the host's first label.
            if let Some(label) = host.split('.').next() {
                known.names.entry(label.to_owned()).or_insert((name, class));
            }
        }
    }
    known
});

/// Known name and class of a host, or of the nearest domain above it.
pub(super) fn known_host(host: &str) -> Option<(&'static str, Class)> {
    let mut domain = host;
    loop {
        if let Some(found) = KNOWN.hosts.get(domain) {
            return Some(*found);
        }
        match domain.split_once('.') {
            Some((_, above)) if above.contains('.') => domain = above,
            _ => break,
        }
    }
    let registrable = psl::domain_str(host)?;
    KNOWN.labels.get(registrable.split('.').next()?).copied()
}

/// Known name and class of a source by its lower-case name, as in `utm_source=google`, or by a
/// host.
pub(super) fn known_name(name: &str) -> Option<(&'static str, Class)> {
    KNOWN.names.get(name).copied().or_else(|| known_host(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_well_formed() {
        for line in include_str!("sources.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let fields: Vec<_> = line.split('\t').collect();
            assert!(
                fields.len() == 3 && Class::parse(fields[2]).is_some(),
                "{line}"
            );
            assert_eq!(fields[0], fields[0].to_lowercase());
        }
    }
}
