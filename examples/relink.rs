//! Measures how well stored rows can be linked again: `cargo run --release --example relink`.
//!
//! Generates days of traffic, passes it through the collector's privacy door and visit code, keeps
//! the columns of a stored row, and attacks them as an outsider with a copy of the table. Two
//! attacks:
//!
//! - *Re-linking*: which pageviews belong to one visit, without `visitor` and `visit`. (a) with
//!   every other column; (b) with the columns that remain after clearing
//!   (`[retention] visitor_days`). A visit counts if exactly its pageviews were grouped; only
//!   visits with two or more pageviews are counted.
//! - *Joining with an access log* that has full addresses and seconds: how many visits match
//!   exactly one address: with `elapsed` in seconds, as in earlier versions, and in minutes, as
//!   stored now. Here the ids are known, which is the default of the table.
//!
//! Deterministic: the same numbers on every machine. The traffic is synthetic; that of a real site
//! differs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sillage::visits::{Beginning, Step, Visits};
use sillage_privacy::coarse::days_since_seen;
use sillage_privacy::{
    Basis, Campaign, ClientIp, Device, DeviceId, EventName, Language, Lookups, Origin, PageUrl,
    Place, RawBeacon, Salt, Salts, ScrubRules, UserAgent, Vitals, anonymise,
};

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// Small indices are more likely, with a weight of about one over the index.
    fn zipf(&mut self, choices: u64) -> u64 {
        let unit = self.below(1 << 32) as f64 / f64::from(u32::MAX);
        ((choices as f64 + 1.0).powf(unit) - 1.0) as u64 % choices
    }

    fn weighted<'a, T>(&mut self, choices: &'a [(T, u64)]) -> &'a T {
        let mut at = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return choice,
            }
        }
        &choices[0].0
    }
}

const PAGES: u64 = 60;
const HOURS: [(u64, u64); 24] = [
    (0, 1),
    (1, 1),
    (2, 1),
    (3, 1),
    (4, 1),
    (5, 2),
    (6, 4),
    (7, 8),
    (8, 12),
    (9, 13),
    (10, 12),
    (11, 11),
    (12, 12),
    (13, 11),
    (14, 10),
    (15, 9),
    (16, 9),
    (17, 10),
    (18, 12),
    (19, 14),
    (20, 15),
    (21, 12),
    (22, 7),
    (23, 3),
];
/// Browser, system, its version, kind, width.
type Agent = (&'static str, &'static str, u16, &'static str, u16);
const AGENTS: [(Agent, u64); 10] = [
    (("Chrome", "Windows", 10, "desktop", 1536), 26),
    (("Safari", "iOS", 18, "mobile", 390), 22),
    (("Safari", "iOS", 17, "mobile", 390), 6),
    (("Chrome", "Android", 10, "mobile", 412), 18),
    (("Safari", "macOS", 10, "desktop", 1440), 7),
    (("Chrome", "macOS", 10, "desktop", 1440), 6),
    (("Edge", "Windows", 10, "desktop", 1280), 7),
    (("Firefox", "Windows", 10, "desktop", 1920), 4),
    (("Firefox", "Linux", 0, "desktop", 1920), 2),
    (("Samsung Internet", "Android", 10, "mobile", 412), 2),
];
const VERSIONS: [(u16, u64); 4] = [(141, 70), (140, 15), (139, 8), (138, 7)];
const COUNTRIES: [((&str, &str), u64); 8] = [
    (("JP", "ja"), 60),
    (("US", "en"), 12),
    (("DE", "de"), 8),
    (("GB", "en"), 6),
    (("FR", "fr"), 5),
    (("TW", "zh"), 4),
    (("KR", "ko"), 3),
    (("BR", "pt"), 2),
];
const SOURCES: [((&str, &str), u64); 8] = [
    (("", "Direct"), 34),
    (("Google", "Organic Search"), 36),
    (("Bing", "Organic Search"), 5),
    (("X", "Social"), 5),
    (("Instagram", "Social"), 7),
    (("ChatGPT", "AI Assistant"), 4),
    (("newsletter", "Email"), 6),
    (("blog.example", "Referral"), 3),
];

/// A pageview as it happens.
struct View {
    second: u64,
    /// When the page was left.
    left: u64,
    /// Number of the browser.
    who: u64,
    agent: Agent,
    version: u16,
    place: (&'static str, &'static str),
    source: (&'static str, &'static str),
    /// Number of the visit, days since the last.
    history: (u8, i16),
    page: u64,
    key: u64,
}

/// The stored columns of a pageview, with its true visit and time.
#[derive(Clone)]
struct Row {
    truth: usize,
    second: u64,
    /// When its engagement was reported.
    left: u64,
    time: u64,
    elapsed: u64,
    seq: u16,
    path: u64,
    previous: u64,
    entry: u64,
    /// Sort key of `events`, which no mutation can change: country, browser and its version,
    /// operating system, screen.
    sorted: u64,
    /// All other columns about device, place and source of the visit.
    described: u64,
    /// Number of the visit, and days since the previous one.
    history: u64,
}

fn hash(text: impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Rows of `days` days with `visits` visits each.
fn traffic(visits: u64, days: u64, seed: u64) -> Vec<Row> {
    let mut dice = Dice(seed);
    let rules = ScrubRules::default();
    let mut views = Vec::new();
    for day in 0..days {
        for _ in 0..visits {
            let at = dice.weighted(&HOURS) * 3_600 + dice.below(3_600);
            let mut begin = day * 86_400 + at;
            let who = dice.roll();
            let agent = *dice.weighted(&AGENTS);
            let version = *dice.weighted(&VERSIONS);
            let place = *dice.weighted(&COUNTRIES);
            let source = *dice.weighted(&SOURCES);
            let (number, gap) = match dice.below(10) {
                0..7 => (1, 32_767),
                _ => (
                    *dice.weighted(&[(2, 4), (3, 3), (6, 2), (11, 1)]),
                    days_since_seen(dice.zipf(60) as i32),
                ),
            };
            // Half of the visits see one page, the others 3.5 on average.
            let mut count = 1;
            if dice.below(2) == 0 {
                count = 2 + dice.below(4).min(dice.below(6));
            }
            for _ in 0..count {
                let left = begin + 4 + dice.below(90) * dice.below(4) / 2;
                views.push(View {
                    second: begin,
                    left,
                    who,
                    agent,
                    version,
                    place,
                    source,
                    history: (number, gap),
                    page: dice.zipf(PAGES),
                    key: dice.roll(),
                });
                begin = left;
            }
        }
    }
    views.sort_by_key(|view| view.second);
    let open = Visits::new(1 << 30);
    let mut truths: HashMap<u64, usize> = HashMap::new();
    let mut rows = Vec::new();
    for view in views {
        let View {
            second,
            left,
            who,
            agent,
            version,
            place,
            source,
            history,
            page,
            key,
        } = view;
        let ((country, language), (source, channel), (number, gap)) = (place, source, history);
        let (browser, os, os_version, kind, width) = agent;
        let salt = Salt::from_bytes([(second / 86_400) as u8 + 1; 32]).named([1; 8]);
        let salts = Salts {
            today: &salt,
            yesterday: None,
        };
        let mut device_id = [0; 16];
        device_id[..8].copy_from_slice(&who.to_le_bytes());
        let raw = RawBeacon {
            site: "example.com".into(),
            minute: (second / 60) as u32,
            name: EventName::Pageview,
            key,
            page: PageUrl::parse(&format!("https://example.com/page-{page}"), false)
                .unwrap_or_else(|_| unreachable!("a page")),
            origin: Arc::new(Origin::new("", source, channel, &Campaign::default())),
            ip: ClientIp::from_peer([203, 0, 113, 77].into()),
            agent: UserAgent::from_header(b"agent"),
            device: Some(DeviceId::from_random(device_id)),
            language: Language::parse(language),
            viewport_width: Some(width),
            interactive: true,
            engaged_ms: 0,
            scroll: 255,
            props: Vec::new(),
            revenue: None,
            clicks: Vec::new(),
            vitals: Vitals::default(),
            automated: false,
        };
        let place = |_| {
            Arc::new(Place {
                country: country.into(),
                ..Place::default()
            })
        };
        let device = |_: &str| Device {
            browser,
            browser_version: version,
            os,
            os_version,
            kind,
        };
        let look = Lookups {
            place: &place,
            device: &device,
        };
        let event = anonymise(raw, Basis::Full, &salts, &rules, &look).event;
        let Some(visitor) = event.visitor() else {
            continue;
        };
        let step = Step::Pageview { path: event.path() };
        let stamp = open.touch(visitor, None, second, step, || Beginning {
            id: key | 1,
            origin: event.origin().clone(),
            visit_number: number,
            days_since_seen: gap,
        });
        let Some(stamp) = stamp else { continue };
        let next = truths.len();
        let truth = *truths.entry(stamp.id).or_insert(next);
        rows.push(Row {
            truth,
            second,
            left,
            time: u64::from(event.minute()) * 60,
            elapsed: u64::from(stamp.elapsed_s),
            seq: stamp.seq,
            path: hash(event.path()),
            previous: hash(&*stamp.previous_path),
            entry: hash(&*stamp.entry_path),
            sorted: hash((
                event.country(),
                event.browser(),
                event.browser_version(),
                event.os(),
                event.screen(),
            )),
            described: hash((
                event.os_version(),
                event.device(),
                event.language(),
                stamp.origin.source(),
                stamp.origin.channel(),
            )),
            history: hash((stamp.visit_number, stamp.days_since_seen)),
        });
    }
    rows
}

/// Of the visits with two or more pageviews, those whose pageviews form exactly one of `parts`.
fn exact(rows: &[Row], parts: &[Vec<usize>]) -> (usize, usize) {
    let mut visits: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        visits.entry(row.truth).or_default().insert(index);
    }
    visits.retain(|_, views| views.len() > 1);
    let right = parts.iter().filter(|part| {
        let views: BTreeSet<usize> = part.iter().copied().collect();
        part.first()
            .is_some_and(|first| visits.get(&rows[*first].truth) == Some(&views))
    });
    (right.count(), visits.len())
}

fn groups(rows: &[Row], by: impl Fn(&Row) -> u64) -> Vec<Vec<usize>> {
    let mut groups: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        groups.entry(by(row)).or_default().push(index);
    }
    groups.into_values().collect()
}

/// (a) All columns except the two ids: rows with the same description of the visit and the same
/// minute of its start, chained by place and previous page.
fn chained(rows: &[Row]) -> Vec<Vec<usize>> {
    let mut parts = Vec::new();
    let alike = |row: &Row| {
        hash((
            row.sorted,
            row.described,
            row.history,
            row.entry,
            row.time - row.elapsed,
        ))
    };
    for mut group in groups(rows, alike) {
        group.sort_by_key(|index| (rows[*index].seq, rows[*index].time));
        let mut open: Vec<Vec<usize>> = Vec::new();
        for index in group {
            let row = &rows[index];
            let fits = |part: &&mut Vec<usize>| {
                let last = &rows[part[part.len() - 1]];
                last.seq + 1 == row.seq && last.path == row.previous && last.time <= row.time
            };
            match open.iter_mut().find(fits) {
                Some(part) => part.push(index),
                None => open.push(vec![index]),
            }
        }
        parts.extend(open);
    }
    parts
}

/// (b) Rows that are alike in the remaining columns, cut after half an hour without a row, or also
/// where the entry page is seen again.
fn clustered(rows: &[Row], cuts_at_entries: bool, alike: impl Fn(&Row) -> u64) -> Vec<Vec<usize>> {
    let mut parts = Vec::new();
    for mut group in groups(rows, alike) {
        group.sort_by_key(|index| rows[*index].time);
        let mut part: Vec<usize> = Vec::new();
        for index in group {
            let row = &rows[index];
            let is_cut = part.last().is_some_and(|last| {
                row.time - rows[*last].time > 30 * 60 || cuts_at_entries && row.path == row.entry
            });
            if is_cut {
                parts.push(std::mem::take(&mut part));
            }
            part.push(index);
        }
        parts.push(part);
    }
    parts
}

/// Number of visits that match exactly one address of an access log, and the median width of the
/// interval of their start. The log has the second of each pageview; the table has the minute of
/// each pageview and engagement record.
fn joined(rows: &[Row], in_seconds: bool) -> (usize, usize, u64) {
    let mut visits: HashMap<usize, Vec<&Row>> = HashMap::new();
    let mut log: HashMap<u64, Vec<(u64, usize)>> = HashMap::new();
    for row in rows {
        visits.entry(row.truth).or_default().push(row);
        log.entry(row.path)
            .or_default()
            .push((row.second, row.truth));
    }
    let (mut matched, mut widths) = (0, Vec::new());
    for views in visits.values() {
        let begun = views[0].second;
        // What the rows reveal about the start of the visit: each row arrived in its minute,
        // `elapsed` after the start.
        let heard = views.iter().flat_map(|row| [row.second, row.left]);
        let (mut from, mut until) = (views[0].time, views[0].time + 59);
        if in_seconds {
            for second in heard {
                let (minute, elapsed) = (second / 60 * 60, second - begun);
                from = from.max(minute.saturating_sub(elapsed));
                until = until.min(minute + 59 - elapsed);
            }
        }
        widths.push(until - from + 1);
        let starts = log[&views[0].path]
            .iter()
            .filter(|(second, _)| (from..=until).contains(second));
        let fits = |start: u64, who: usize| {
            views.iter().all(|row| {
                log[&row.path].iter().any(|(second, whose)| {
                    let is_then = if in_seconds {
                        // Allow one second for the network.
                        second.abs_diff(start + (row.second - begun)) <= 1
                    } else {
                        second / 60 * 60 == row.time
                    };
                    *whose == who && is_then
                })
            })
        };
        let found: BTreeSet<usize> = starts
            .filter(|(start, who)| fits(*start, *who))
            .map(|(_, who)| *who)
            .collect();
        matched += usize::from(found.len() == 1);
    }
    widths.sort_unstable();
    (matched, visits.len(), widths[widths.len() / 2])
}

/// Pageviews that match one address if rows hold only page and hour, without visits: those that are
/// the only ones of their page in their hour.
fn alone_in_their_hour(rows: &[Row]) -> (usize, usize) {
    let mut seen: HashMap<(u64, u64), usize> = HashMap::new();
    for row in rows {
        *seen.entry((row.path, row.time / 3_600)).or_default() += 1;
    }
    let alone = seen.values().filter(|views| **views == 1).count();
    (alone, rows.len())
}

fn percent((part, whole): (usize, usize)) -> String {
    format!("{:.0} %", 100.0 * part as f64 / whole.max(1) as f64)
}

fn main() {
    println!("Visits of two page views and more whose page views are put together exactly:\n");
    println!(
        "| visits a day | ids hidden only | ids, order, history cleared | and origin, language | cleared as `visitor_days` does |"
    );
    println!("|---|---|---|---|---|");
    for (visits, days) in [(100, 30), (1_000, 5), (10_000, 1)] {
        let rows = traffic(visits, days, visits);
        // The better of two guesses: all rows within half an hour are one visit, or a visit also
        // ends where the entry page is seen again.
        let best = |alike: &dyn Fn(&Row) -> u64| {
            let whole = exact(&rows, &clustered(&rows, false, alike));
            whole.max(exact(&rows, &clustered(&rows, true, alike)))
        };
        // Page and hour only: the guess is that an hour holds one visit.
        let hours = groups(&rows, |row| row.time / 3_600);
        println!(
            "| {visits} | {} | {} | {} | {} |",
            percent(exact(&rows, &chained(&rows))),
            percent(best(&|row| hash((row.sorted, row.described, row.entry)))),
            percent(best(&|row| hash((row.sorted, row.entry)))),
            percent(exact(&rows, &hours)),
        );
    }
    println!(
        "\nVisits that match exactly one address of an access log, and how closely their begin is known (median):\n"
    );
    println!(
        "| visits a day | `elapsed` in seconds | begin | `elapsed` in minutes | begin | single page views, cleared as `visitor_days` does |"
    );
    println!("|---|---|---|---|---|---|");
    for (visits, days) in [(100, 10), (1_000, 2), (10_000, 1)] {
        let rows = traffic(visits, days, visits + 1);
        let (seconds, minutes) = (joined(&rows, true), joined(&rows, false));
        println!(
            "| {visits} | {} | {} s | {} | {} s | {} |",
            percent((seconds.0, seconds.1)),
            seconds.2,
            percent((minutes.0, minutes.1)),
            minutes.2,
            percent(alone_in_their_hour(&rows)),
        );
    }
}
