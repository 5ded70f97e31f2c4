//! User agent to closed names: browser, its major version, system, class of device; and whether it is a program.
//!
//! The names are a closed vocabulary (P2): whatever an agent says, only one of these is stored. Parsing is woothee's.
//! Parsed agents are [`Remembered`], not by their text.

use woothee::parser::{Parser, WootheeResult};

use super::remembered::Remembered;
use crate::privacy::Device;

/// Sets of four remembered agents; 128 KB together.
const SETS: usize = 512;

const BROWSERS: &[(&str, &str)] = &[
    ("Chrome", "Chrome"),
    ("Firefox", "Firefox"),
    ("Safari", "Safari"),
    ("Edge", "Edge"),
    ("Opera", "Opera"),
    ("Internet Explorer", "Internet Explorer"),
    ("Samsung Internet", "Samsung Internet"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Yandex Browser", "Yandex Browser"),
    ("Sleipnir", "Sleipnir"),
    ("Webview", "WebView"),
    ("Google Search App", "Google App"),
    ("Docomo", "i-mode"),
    ("au by KDDI", "EZweb"),
    ("SoftBank Mobile", "Yahoo! Keitai"),
];

const SYSTEMS: &[(&str, &str, bool)] = &[
    // (woothee's name, ours, whether its version number means something to a reader)
    ("Windows 11", "Windows", false),
    ("Windows 10", "Windows", false),
    ("Windows 8.1", "Windows", false),
    ("Windows 8", "Windows", false),
    ("Windows 7", "Windows", false),
    ("Windows Vista", "Windows", false),
    ("Windows XP", "Windows", false),
    ("Windows 2000", "Windows", false),
    ("Windows NT 4.0", "Windows", false),
    ("Windows 98", "Windows", false),
    ("Windows 95", "Windows", false),
    ("Windows UNKNOWN Ver", "Windows", false),
    ("Windows Phone OS", "Windows Phone", true),
    ("Mac OSX", "macOS", true),
    ("Mac OS Classic", "macOS", false),
    ("Linux", "Linux", false),
    ("BSD", "BSD", false),
    ("ChromeOS", "ChromeOS", false),
    ("Android", "Android", true),
    ("iPhone", "iOS", true),
    ("iPad", "iPadOS", true),
    ("iPod", "iOS", true),
    ("Firefox OS", "Firefox OS", false),
    ("BlackBerry", "BlackBerry", false),
    ("BlackBerry 10", "BlackBerry", false),
    ("PlayStation Portable", "PlayStation", false),
    ("PlayStation Vita", "PlayStation", false),
    ("PlayStation 3", "PlayStation", false),
    ("PlayStation 4", "PlayStation", false),
    ("Nintendo Wii", "Nintendo", false),
    ("Nintendo DSi", "Nintendo", false),
    ("Nintendo 3DS", "Nintendo", false),
];

/// Words that only programs carry, in lower case. They come before parsing: many programs also say "Mozilla".
const PROGRAMS: &[&str] = &[
    "bot",
    "crawl",
    "spider",
    "slurp",
    "headless",
    "phantomjs",
    "lighthouse",
    "pagespeed",
    "gtmetrix",
    "pingdom",
    "uptime",
    "monitor",
    "curl/",
    "wget/",
    "python",
    "java/",
    "go-http-client",
    "okhttp",
    "libwww",
    "httpclient",
    "axios/",
    "node-fetch",
    "undici",
    "ruby",
    "perl",
    "php/",
    "scrapy",
    "facebookexternalhit",
    "preview",
    "feed",
    "archiver",
    "validator",
    "checker",
    "scanner",
    "fetcher",
    "embedly",
    "mediapartners",
    "adsbot",
    "ahrefs",
    "semrush",
    "dataprovider",
    "puppeteer",
    "playwright",
    "selenium",
    "cypress",
];

/// Agents that carry such a word and are people's browsers all the same.
const PEOPLE: &[&str] = &["cubot"];

/// The parser with its memory.
pub struct Devices {
    parser: Parser,
    memory: Remembered<Device>,
}

impl Default for Devices {
    fn default() -> Self {
        Self::new()
    }
}

impl Devices {
    /// An empty memory.
    pub fn new() -> Self {
        Self {
            parser: Parser::new(),
            memory: Remembered::new(SETS),
        }
    }

    /// The closed names of an agent. Its kind is [`BOT`] for a program, by what it says of itself; an empty agent is a
    /// program's.
    pub fn device(&self, agent: &str) -> Device {
        self.memory.get(agent, || parse(&self.parser, agent))
    }
}

/// Kind of a program: what is of this kind is dropped behind the door and never stored.
pub const BOT: &str = "bot";

fn parse(parser: &Parser, agent: &str) -> Device {
    if agent.len() < 8 || is_program(agent) {
        return Device {
            kind: BOT,
            ..Device::default()
        };
    }
    let Some(found) = parser.parse(agent) else {
        return Device {
            kind: "other",
            ..Device::default()
        };
    };
    let browser = BROWSERS
        .iter()
        .find(|(name, _)| *name == found.name)
        .map_or("", |(_, ours)| ours);
    let (os, os_version) = match SYSTEMS.iter().find(|(name, _, _)| *name == found.os) {
        Some((name, ours, versioned)) => (
            *ours,
            if *versioned {
                major(&found.os_version)
            } else {
                windows_version(name)
            },
        ),
        None => ("", 0),
    };
    Device {
        browser,
        browser_version: major(found.version),
        os,
        os_version,
        kind: kind(&found, agent),
    }
}

fn is_program(agent: &str) -> bool {
    let lower = agent.to_ascii_lowercase();
    PROGRAMS.iter().any(|word| lower.contains(word))
        && !PEOPLE.iter().any(|word| lower.contains(word))
}

/// Leading number of a version such as `141.0.0.0` or `10_15_7`; 0 when there is none.
fn major(version: &str) -> u16 {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    version[..digits].parse().unwrap_or(0)
}

/// Windows says its version in its name.
fn windows_version(name: &str) -> u16 {
    name.strip_prefix("Windows ")
        .map_or(0, |version| match major(version) {
            version @ 7..=11 => version,
            _ => 0,
        })
}

fn kind(found: &WootheeResult<'_>, agent: &str) -> &'static str {
    match found.category {
        "crawler" => BOT,
        "pc" => "desktop",
        // Tablets with Android leave "Mobile" out; woothee has one class for both.
        "smartphone"
            if found.os == "iPad" || (found.os == "Android" && !agent.contains("Mobile")) =>
        {
            "tablet"
        }
        "smartphone" | "mobilephone" => "mobile",
        "appliance" | "misc" => "other",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(agent: &str, expected: (&str, u16, &str, u16, &str)) {
        let devices = Devices::new();
        for round in ["parsed", "remembered"] {
            let device = devices.device(agent);
            let got = (
                device.browser,
                device.browser_version,
                device.os,
                device.os_version,
                device.kind,
            );
            assert_eq!(got, expected, "{round}: {agent}");
        }
    }

    #[test]
    fn agents_become_closed_names() {
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
            ("Chrome", 141, "Windows", 10, "desktop"),
        );
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
            ("Edge", 141, "Windows", 10, "desktop"),
        );
        check(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
            ("Safari", 18, "macOS", 10, "desktop"),
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
            ("Safari", 18, "iOS", 18, "mobile"),
        );
        check(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
            ("Chrome", 141, "Android", 10, "mobile"),
        );
        check(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
            ("Chrome", 141, "Android", 10, "tablet"),
        );
        check(
            "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
            ("Firefox", 144, "Linux", 0, "desktop"),
        );
    }

    #[test]
    fn programs_are_known_by_what_they_say() {
        let devices = Devices::new();
        for agent in [
            "",
            "-",
            "curl/8.5.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "python-requests/2.32",
            "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
        ] {
            assert!(devices.device(agent).kind == BOT, "{agent}");
        }
        for agent in [
            "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
            "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
        ] {
            assert_ne!(devices.device(agent).kind, BOT, "{agent}");
        }
    }

    #[test]
    fn no_text_of_an_agent_gets_through() {
        let devices = Devices::new();
        let device = devices.device("Mozilla/5.0 (canary@example.com; +819012345678) Canary/7.7");
        assert!(!format!("{device:?}").to_lowercase().contains("canary"));
    }
}
