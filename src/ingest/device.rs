//! User agent to a closed vocabulary: browser, major version, system, class of device; and whether
//! it is a program.
//!
//! The names are a closed vocabulary (P2): whatever an agent says, only one of these is stored.
//! Parsing is woothee's. Parsed agents are cached, not by their text.

use woothee::parser::{Parser, WootheeResult};

use crate::ingest::cache::SetCache;
use sillage_privacy::Device;

/// Sets of four remembered agents; 128 KB together.
const SETS: usize = 512;

/// Families of browsers: woothee's name, ours, and the highest major version that is believed.
/// Above it the version is unknown, so that an agent can't carry a number of its sender's choice.
/// The bounds leave room for about five years at each family's pace (November 2026).
const BROWSERS: &[(&str, &str, u16)] = &[
    ("Chrome", "Chrome", 240),
    ("Firefox", "Firefox", 230),
    ("Safari", "Safari", 40),
    ("Edge", "Edge", 240),
    ("Opera", "Opera", 200),
    ("Internet Explorer", "Internet Explorer", 11),
    ("Samsung Internet", "Samsung Internet", 60),
    ("SamsungBrowser", "Samsung Internet", 60),
    ("Vivaldi", "Vivaldi", 15),
    ("Yandex Browser", "Yandex Browser", 60),
    ("Sleipnir", "Sleipnir", 10),
    // The version is that of the web view's engine, Chrome's or Safari's.
    ("Webview", "WebView", 240),
    ("Google Search App", "Google App", 600),
    ("Docomo", "i-mode", 9),
    ("au by KDDI", "EZweb", 9),
    ("SoftBank Mobile", "Yahoo! Keitai", 9),
];

/// Where a system's version comes from.
#[derive(Clone, Copy)]
enum SystemVersion {
    /// No version that is useful to a reader.
    None,
    /// In the name, as for Windows.
    Name,
    /// In the agent; believed up to this major version.
    Agent(u16),
}

use SystemVersion::{Agent, Name, None as NoVersion};

/// Systems: woothee's name, ours, and the version.
const SYSTEMS: &[(&str, &str, SystemVersion)] = &[
    ("Windows 11", "Windows", Name),
    ("Windows 10", "Windows", Name),
    ("Windows 8.1", "Windows", Name),
    ("Windows 8", "Windows", Name),
    ("Windows 7", "Windows", Name),
    ("Windows Vista", "Windows", Name),
    ("Windows XP", "Windows", Name),
    ("Windows 2000", "Windows", Name),
    ("Windows NT 4.0", "Windows", Name),
    ("Windows 98", "Windows", Name),
    ("Windows 95", "Windows", Name),
    ("Windows UNKNOWN Ver", "Windows", Name),
    ("Windows Phone OS", "Windows Phone", Agent(10)),
    ("Mac OSX", "macOS", Agent(40)),
    ("Mac OS Classic", "macOS", NoVersion),
    ("Linux", "Linux", NoVersion),
    ("BSD", "BSD", NoVersion),
    ("ChromeOS", "ChromeOS", NoVersion),
    ("Android", "Android", Agent(25)),
    ("iPhone", "iOS", Agent(40)),
    ("iPad", "iPadOS", Agent(40)),
    ("iPod", "iOS", Agent(40)),
    ("Firefox OS", "Firefox OS", NoVersion),
    ("BlackBerry", "BlackBerry", NoVersion),
    ("BlackBerry 10", "BlackBerry", NoVersion),
    ("PlayStation Portable", "PlayStation", NoVersion),
    ("PlayStation Vita", "PlayStation", NoVersion),
    ("PlayStation 3", "PlayStation", NoVersion),
    ("PlayStation 4", "PlayStation", NoVersion),
    ("Nintendo Wii", "Nintendo", NoVersion),
    ("Nintendo DSi", "Nintendo", NoVersion),
    ("Nintendo 3DS", "Nintendo", NoVersion),
];

/// Words in the agents of programs, in lower case. Checked before parsing, because many programs
/// also say "Mozilla".
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

/// Agents that contain such a word although they are browsers.
const PEOPLE: &[&str] = &["cubot"];

/// The parser and its cache.
pub struct Devices {
    parser: Parser,
    cache: SetCache<Device>,
}

impl Default for Devices {
    fn default() -> Self {
        Self::new()
    }
}

impl Devices {
    /// An empty cache.
    pub fn new() -> Self {
        Self {
            parser: Parser::new(),
            cache: SetCache::new(SETS),
        }
    }

    /// The names of an agent. The kind is [`BOT`] for a program, by its own words; an empty agent
    /// counts as a program.
    pub fn device(&self, agent: &str) -> Device {
        self.cache.get(agent, || parse(&self.parser, agent))
    }
}

/// Kind of a program. Its events are dropped behind the door and never stored.
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
    let (browser, browser_version) = BROWSERS
        .iter()
        .find(|(name, _, _)| *name == found.name)
        .map_or(("", 0), |(_, ours, max)| {
            (*ours, major(found.version, *max))
        });
    let (os, os_version) = SYSTEMS
        .iter()
        .find(|(name, _, _)| *name == found.os)
        .map_or(("", 0), |(name, ours, version)| match version {
            NoVersion => (*ours, 0),
            Name => (*ours, windows_version(name)),
            Agent(max) => (*ours, major(&found.os_version, *max)),
        });
    Device {
        browser,
        browser_version,
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

/// Leading number of a version such as `141.0.0.0` or `10_15_7`; 0 when there is none or it is
/// above `max`.
fn major(version: &str, max: u16) -> u16 {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    let number = version[..digits].parse().unwrap_or(0);
    if number <= max { number } else { 0 }
}

/// Windows says its version in its name.
fn windows_version(name: &str) -> u16 {
    name.strip_prefix("Windows ")
        .map_or(0, |version| match major(version, 11) {
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
    fn bots_are_recognised_by_their_agent() {
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
    fn no_text_of_an_agent_is_kept() {
        let devices = Devices::new();
        let device = devices.device("Mozilla/5.0 (canary@example.com; +819012345678) Canary/7.7");
        assert!(!format!("{device:?}").to_lowercase().contains("canary"));
    }

    #[test]
    fn versions_in_agents_are_bounded() {
        let devices = Devices::new();
        let versions = |chrome: &str, android: &str| {
            let agent = format!(
                "Mozilla/5.0 (Linux; Android {android}; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
            );
            let device = devices.device(&agent);
            assert_eq!((device.browser, device.os), ("Chrome", "Android"));
            (device.browser_version, device.os_version)
        };
        assert_eq!(versions("240", "25"), (240, 25));
        assert_eq!(versions("241", "26"), (0, 0));
        assert_eq!(versions("53171", "41234"), (0, 0));
        assert_eq!(versions("99999999999", "99999999999"), (0, 0));
    }

    #[test]
    fn a_browser_of_an_unknown_family_has_no_version() {
        let agents = [
            "Opera/9.80 (J2ME/MIDP; Opera Mini/53171/28.3492; U; en) Presto/2.8.119 Version/53171.1",
            "Mozilla/5.0 (PlayStation 4 53.171) AppleWebKit/531.71 (KHTML, like Gecko)",
            "Canary/53171.0 (Nintendo 3DS; U; ; en) Version/53171.7498.US",
        ];
        let devices = Devices::new();
        for agent in agents {
            let device = devices.device(agent);
            assert!(
                device.browser_version <= 600 && device.os_version <= 40,
                "{agent}"
            );
            assert!(
                !device.browser.is_empty() || device.browser_version == 0,
                "{agent}"
            );
        }
    }
}
