//! Generated traffic of a small shop: returning visitors, weekdays, places, campaigns, reading
//! time.
//!
//! Deterministic for a seed, so that the same traffic can be generated again.

use std::net::{IpAddr, Ipv4Addr};

use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::cli::demo::request::{Sent, Visitor};
use crate::config::Site;

/// Browsers in total; about one in nine visits on a given day.
const PEOPLE: u64 = 1_600;

const PAGES: &[(&str, u64)] = &[("", 30), ("beans", 24), ("brewing", 22), ("visit", 12)];

const REFERRERS: &[(&str, &str, u64)] = &[
    ("", "", 30),
    ("https://www.google.com/", "", 28),
    ("https://www.google.co.jp/", "", 9),
    ("https://www.bing.com/", "", 5),
    ("https://duckduckgo.com/", "", 4),
    ("https://t.co/abc", "", 3),
    ("https://www.instagram.com/", "", 6),
    ("https://chatgpt.com/", "", 3),
    ("https://coffeeblog.example/best-roasts", "", 6),
    (
        "",
        "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-roast",
        5,
    ),
    (
        "https://www.google.com/",
        "?utm_source=google&utm_medium=cpc&utm_campaign=brand",
        3,
    ),
];

/// First 16 bits of networks of large providers, with the language that is most likely there.
const NETWORKS: &[([u8; 2], &str, u64)] = &[
    ([133, 200], "ja", 26),
    ([126, 72], "ja", 14),
    ([84, 140], "de", 14),
    ([91, 20], "de", 6),
    ([73, 162], "en", 14),
    ([86, 140], "en", 8),
    ([90, 20], "fr", 6),
    ([201, 90], "es", 4),
    ([49, 36], "en", 4),
];

const AGENTS: &[(&str, u64, u64)] = &[
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        1536,
        26,
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        390,
        26,
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
        412,
        18,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
        1440,
        12,
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
        1280,
        8,
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        1920,
        6,
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        800,
        3,
    ),
    (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        0,
        1,
    ),
];

const BEANS: [&str; 3] = ["Yokohama", "Hamburg", "Valparaíso"];

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for a shop.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end - 1`.
    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    fn weighted<'a, T>(&mut self, choices: &'a [T], weight: impl Fn(&T) -> u64) -> &'a T {
        let mut at = self.below(choices.iter().map(&weight).sum());
        for choice in choices {
            match at.checked_sub(weight(choice)) {
                Some(rest) => at = rest,
                None => return choice,
            }
        }
        &choices[0]
    }
}

/// Visits of a day out of a thousand, by weekday from Monday and by hour of the day.
const WEEKDAYS: [u64; 7] = [100, 108, 112, 104, 96, 70, 78];
const HOURS: [u64; 24] = [
    1, 1, 1, 1, 1, 2, 4, 8, 12, 13, 12, 11, 12, 11, 10, 9, 9, 10, 12, 14, 15, 12, 7, 3,
];

/// Beacons of `days` days up to `now`, in order of time.
pub fn generate(site: &Site, now: Timestamp, days: i64, seed: u64) -> Vec<Sent> {
    let host = site.hostnames.first().map_or("localhost", String::as_str);
    let mut dice = Dice(seed);
    let mut sent = Vec::new();
    let today = now.to_zoned_datetime(site.timezone.clone()).date();
    for back in (0..=days).rev() {
        let day = today.saturating_sub(back.days());
        let weekday = day.weekday().to_monday_zero_offset() as usize;
        // Slow growth, weekly pattern, some noise.
        let visits =
            (WEEKDAYS[weekday] * (100 + (days - back) as u64) / 100) * (85 + dice.below(30)) / 100;
        for _ in 0..visits {
            let hour = dice
                .weighted(
                    &HOURS.iter().enumerate().collect::<Vec<_>>(),
                    |(_, weight)| **weight,
                )
                .0 as i8;
            let (minute, second) = (dice.below(60) as i8, dice.below(60) as i8);
            let Ok(begin) = day
                .at(hour, minute, second, 0)
                .to_zoned_datetime(site.timezone.clone())
            else {
                continue;
            };
            // The number of a browser decides its network, agent and cookie jar.
            let person = dice.below(PEOPLE).min(dice.below(PEOPLE));
            visit(&mut sent, &mut dice, site, host, person, begin.timestamp());
        }
    }
    sent.retain(|one| one.at <= now);
    sent.sort_by_key(|one| one.at);
    sent
}

fn visit(
    sent: &mut Vec<Sent>,
    dice: &mut Dice,
    site: &Site,
    host: &str,
    person: u64,
    begin: Timestamp,
) {
    let mut own = Dice(person.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let (network, language, _) = own.weighted(NETWORKS, |(_, _, weight)| *weight);
    let (agent, width, _) = own.weighted(AGENTS, |(_, _, weight)| *weight);
    let ip = IpAddr::V4(Ipv4Addr::new(
        network[0],
        network[1],
        own.below(256) as u8,
        own.below(254) as u8 + 1,
    ));
    // One in five does not answer the question or refuses.
    let said = match own.below(10) {
        0 => Some(0),
        1 => None,
        _ => Some(1),
    };
    let from = Visitor {
        ip,
        agent: (*agent).into(),
        language,
    };
    let (referrer, query, _) = dice.weighted(REFERRERS, |(_, _, weight)| *weight);
    let mut at = begin;
    let mut page = dice.weighted(PAGES, |(_, weight)| *weight).0;
    let views = 1 + dice.below(3).min(dice.below(5)) + dice.below(2) * dice.below(4);
    for view in 0..views {
        let key = format!("{:016x}", dice.roll());
        let mut body = json!({
            "n": "pageview",
            "u": format!("http://{host}/demo/{page}{}", if view == 0 { query } else { "" }),
            "d": site.id,
            "w": width,
            "k": key,
        });
        if view == 0 && !referrer.is_empty() {
            body["r"] = (*referrer).into();
        }
        let mut push = |at: Timestamp, mut body: serde_json::Value| {
            if let Some(said) = said {
                body["c"] = said.into();
                body["cv"] = site.consent.policy.as_str().into();
            }
            sent.push(Sent {
                at,
                from: from.clone(),
                jar: person,
                body: body.to_string(),
            });
        };
        push(at, body.clone());
        let read_s = 4 + dice.below(90) * dice.below(4) / 2;
        if page == "beans" && dice.below(5) == 0 {
            let mut event = body.clone();
            event["n"] = "Add to basket".into();
            event["k"] = format!("{:016x}", dice.roll()).into();
            event["p"] = json!({ "bean": BEANS[dice.below(3) as usize] });
            push(at + (read_s as i64 / 2).seconds(), event);
        }
        at += (read_s as i64).seconds();
        let mut engagement = body;
        engagement["n"] = "engagement".into();
        engagement["e"] = (read_s * 900).into();
        engagement["sd"] = (20 + dice.below(81)).into();
        push(at, engagement);
        page = dice.weighted(PAGES, |(_, weight)| *weight).0;
    }
}
