//! Reads the visitor's choice from the cookie of a consent manager, if the site's configuration
//! names one (`consent_cookie`).
//!
//! The choice is an input of the decision, like the signal of the page. The cookie is a first-party
//! cookie of the site and arrives with every beacon. It is found by name, and only a yes, a no, or
//! no choice is taken from it.
//!
//! Invariants: only an action of the visitor is a yes. A state that a banner assumes before a click
//! (a default, a region without a banner, a choice that the manager will ask for again) is not a
//! choice. A no in the cookie is a no, however it got there. A cookie that can't be read is not a
//! choice, so a change of the manager's format never turns into consent. A yes from before the
//! policy in force took effect has lapsed, like a yes to another version.
//!
//! Deliberately not here: adapters in the page (`tracker-js`), which see a choice at once. The
//! cookie is for pages without an adapter, and is a second source of the same choice.

use crate::bounds::CONSENT_COOKIE_BYTES_MAX;

/// OneTrust's category for measurement, unless a site has renamed it.
pub const ONETRUST_CATEGORY: &str = "C0002";

/// The consent manager of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentManager {
    /// `CookieConsent`; the category is *statistics*.
    Cookiebot,
    /// `OptanonConsent` with `OptanonAlertBoxClosed`.
    OneTrust {
        /// Name of the category that stands for measurement.
        category: String,
    },
}

/// A choice in a consent manager's cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    yes: bool,
    /// When it was made, in seconds since 1970, if the cookie says so.
    made_s: Option<i64>,
}

impl ConsentManager {
    /// Names of the cookies that are read, for the cookie register.
    pub fn cookie_names(&self) -> &'static [&'static str] {
        match self {
            Self::Cookiebot => &["CookieConsent"],
            Self::OneTrust { .. } => &["OptanonConsent", "OptanonAlertBoxClosed"],
        }
    }

    /// The visitor's choice for [`Signals::manager`](crate::Signals::manager). `cookie` returns a
    /// cookie's value by name. `since_s` is when the policy in force took effect, if known: an
    /// earlier yes, or one without a time, has lapsed.
    pub fn choice(
        &self,
        cookie: &dyn Fn(&str) -> Option<String>,
        since_s: Option<i64>,
    ) -> Option<bool> {
        let read = |name: &str| cookie(name).filter(|v| v.len() <= CONSENT_COOKIE_BYTES_MAX);
        let choice = match self {
            Self::Cookiebot => cookiebot(&read("CookieConsent")?),
            Self::OneTrust { category } => onetrust(
                &read("OptanonConsent")?,
                read("OptanonAlertBoxClosed").as_deref(),
                category,
            ),
        }?;
        let is_current = since_s.is_none_or(|since| choice.made_s.is_some_and(|at| at >= since));
        match choice.yes {
            false => Some(false),
            true => is_current.then_some(true),
        }
    }
}

/// `{stamp:'…',necessary:true,…,statistics:false,…,method:'explicit',ver:1,utc:1700000000000,region:'de'}`,
/// with quotes and commas usually percent-encoded. `0` = the visitor accepted nothing; `-1` = no
/// banner was shown.
fn cookiebot(value: &str) -> Option<Choice> {
    let text = decoded(value)?;
    if text == "0" {
        return Some(Choice {
            yes: false,
            made_s: None,
        });
    }
    let fields = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let field = |wanted: &str| {
        let mut same = fields.split(',').filter_map(|field| {
            let (name, value) = field.split_once(':')?;
            let plain = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
            (plain(name) == wanted).then(|| plain(value))
        });
        // The manager never writes a name twice.
        same.next().filter(|_| same.next().is_none())
    };
    let made_s = field("utc")
        .and_then(|ms| ms.parse::<i64>().ok())
        .map(|ms| ms / 1000);
    match (field("statistics")?.as_str(), field("method").as_deref()) {
        ("false", _) => Some(Choice { yes: false, made_s }),
        ("true", Some("explicit")) => Some(Choice { yes: true, made_s }),
        _ => None,
    }
}

/// `isGpcEnabled=0&datestamp=…&groups=C0001%3A1%2CC0002%3A0&AwaitingReconsent=false&…`. The other
/// cookie holds the time at which the banner was closed; without it there is no choice.
fn onetrust(value: &str, closed: Option<&str>, category: &str) -> Option<Choice> {
    let mut given = None;
    let mut is_asked_again = false;
    for pair in value.split('&') {
        match pair.split_once('=') {
            Some(("groups", groups)) => {
                let groups = decoded(groups)?;
                for group in groups.split(',') {
                    let Some((name, state)) = group.rsplit_once(':') else {
                        continue;
                    };
                    if name.trim() == category {
                        let yes = match state.trim() {
                            "1" => true,
                            "0" => false,
                            _ => return None,
                        };
                        // If two entries differ, the no wins.
                        given = Some(yes && given != Some(false));
                    }
                }
            }
            Some(("AwaitingReconsent", awaiting)) => is_asked_again |= awaiting != "false",
            _ => {}
        }
    }
    let made_s = decoded(closed?)?.parse::<Moment>().ok()?.0;
    match given? {
        true if is_asked_again => None,
        yes => Some(Choice {
            yes,
            made_s: Some(made_s),
        }),
    }
}

/// A time as scripts write it, `2026-11-25T03:41:00.123Z`, in seconds since 1970.
struct Moment(i64);

impl std::str::FromStr for Moment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (date, time) = text.trim().split_once('T').ok_or(())?;
        let numbers = |text: &str, separator: char| -> Option<[i64; 3]> {
            let mut parts = text.split(separator).map(|part| part.parse::<i64>().ok());
            let three = [parts.next()??, parts.next()??, parts.next()??];
            parts.next().is_none().then_some(three)
        };
        let time = time.strip_suffix('Z').ok_or(())?;
        let time = time.split('.').next().unwrap_or(time);
        let [year, month, day] = numbers(date, '-').ok_or(())?;
        let [hour, minute, second] = numbers(time, ':').ok_or(())?;
        let is_sound = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..=60).contains(&second);
        if !is_sound {
            return Err(());
        }
        // Days since 1970 of a Gregorian date. The year is taken to begin in March, so that the
        // leap day is its last day.
        let (year, month) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let leap_days = year / 4 - year / 100 + year / 400;
        let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468;
        Ok(Self(days * 86_400 + hour * 3_600 + minute * 60 + second))
    }
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8();
    text.ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::find;

    /// 2026-11-25T03:41:00Z
    const NOW_S: i64 = 1_795_578_060;

    fn bot(fields: &str) -> String {
        format!(
            "{{stamp:%27vNAl+Z/w==%27%2Cnecessary:true%2C{}%2Cver:1%2Cutc:1795578060123%2Cregion:%27de%27}}",
            fields.replace(',', "%2C").replace('\'', "%27")
        )
    }

    fn ask(manager: &ConsentManager, header: &str, since_s: Option<i64>) -> Option<bool> {
        let cookie = |name: &str| find(std::iter::once(header.as_bytes()), name).map(str::to_owned);
        manager.choice(&cookie, since_s)
    }

    #[test]
    fn only_an_explicit_choice_for_statistics_in_cookiebots_cookie_is_a_yes() {
        let check = |value: &str, expected: Option<bool>| {
            let header = format!("session=SECRET; CookieConsent={value}; other=1");
            assert_eq!(
                ask(&ConsentManager::Cookiebot, &header, None),
                expected,
                "{value}"
            );
        };
        check(&bot("statistics:true,method:'explicit'"), Some(true));
        check(
            "{necessary:true,statistics:true,method:'explicit'}",
            Some(true),
        );
        check(&bot("statistics:false,method:'explicit'"), Some(false));
        check(&bot("statistics:false,method:'implied'"), Some(false));
        check("0", Some(false));
        // An assumed choice, a region without a banner, an unknown format.
        check(&bot("statistics:true,method:'implied'"), None);
        check(&bot("statistics:true"), None);
        check(&bot("marketing:true,method:'explicit'"), None);
        check(&bot("statistics:1,method:'explicit'"), None);
        check(
            &bot("statistics:true,statistics:false,method:'explicit'"),
            None,
        );
        for unreadable in ["-1", "", "true", "{}", "{statistics", "%FF", "[1,2]"] {
            check(unreadable, None);
        }
    }

    #[test]
    fn onetrust_groups_count_only_after_the_banner_was_closed() {
        let manager = ConsentManager::OneTrust {
            category: ONETRUST_CATEGORY.into(),
        };
        let closed = "; OptanonAlertBoxClosed=2026-11-25T03:41:00.123Z";
        let consent = |groups: &str, rest: &str| {
            let groups = groups.replace(':', "%3A").replace(',', "%2C");
            format!(
                "OptanonConsent=isGpcEnabled=0&datestamp=Wed+Nov+25&version=202410.1.0&groups={groups}{rest}"
            )
        };
        let check = |header: String, expected: Option<bool>| {
            assert_eq!(ask(&manager, &header, None), expected, "{header}");
        };
        let all = "C0001:1,C0002:1,C0004:0";
        check(consent(all, "") + closed, Some(true));
        check(
            consent(all, "&AwaitingReconsent=false") + closed,
            Some(true),
        );
        check(consent("C0001:1,C0002:0", "") + closed, Some(false));
        check(consent("C0002:1,C0002:0", "") + closed, Some(false));
        check(consent("C0002:0,C0002:1", "") + closed, Some(false));
        // On the first load the template's defaults are set and the visitor has not clicked.
        check(consent(all, ""), None);
        check(consent("C0001:1,C0002:0", ""), None);
        check(consent(all, "") + "; OptanonAlertBoxClosed=yes", None);
        // The manager will ask again: an old yes has lapsed, an old no has not.
        check(consent(all, "&AwaitingReconsent=true") + closed, None);
        check(
            consent("C0002:0", "&AwaitingReconsent=true") + closed,
            Some(false),
        );
        for groups in ["", "C0001:1", "C00021:1", "C0002", "C0002:2", "c0002:1"] {
            check(consent(groups, "") + closed, None);
        }
        check(closed[2..].to_owned(), None);
        let renamed = ConsentManager::OneTrust {
            category: "STAT".into(),
        };
        assert_eq!(
            ask(&renamed, &(consent("STAT:1,C0002:0", "") + closed), None),
            Some(true)
        );
    }

    #[test]
    fn a_yes_from_before_the_policy_has_lapsed_and_a_no_has_not() {
        let yes = format!("CookieConsent={}", bot("statistics:true,method:'explicit'"));
        let no = yes.replace("statistics:true", "statistics:false");
        let timeless = "CookieConsent={statistics:true,method:'explicit'}";
        for (since_s, expected) in [
            (None, Some(true)),
            (Some(NOW_S), Some(true)),
            (Some(NOW_S + 1), None),
        ] {
            assert_eq!(ask(&ConsentManager::Cookiebot, &yes, since_s), expected);
            assert_eq!(ask(&ConsentManager::Cookiebot, &no, since_s), Some(false));
        }
        assert_eq!(ask(&ConsentManager::Cookiebot, timeless, None), Some(true));
        assert_eq!(ask(&ConsentManager::Cookiebot, timeless, Some(0)), None);
    }

    #[test]
    fn times_are_read_as_scripts_write_them() {
        let read = |text: &str| text.parse::<Moment>().map(|moment| moment.0).ok();
        assert_eq!(read("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(read("2026-11-25T03:41:00.123Z"), Some(NOW_S));
        assert_eq!(read("2024-02-29T12:00:00Z"), Some(1_709_208_000));
        assert_eq!(read("2000-03-01T00:00:00Z"), Some(951_868_800));
        for text in [
            "",
            "2026-11-25",
            "2026-11-25T03:41Z",
            "2026-13-25T03:41:00Z",
            "2026-11-25T03:41:00+09:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_oversized_consent_cookie_is_not_a_choice() {
        let padded = |bytes: usize| {
            let value = "{statistics:true,method:'explicit',pad:".to_owned();
            let pad = "a".repeat(bytes - value.len() - 1);
            format!("CookieConsent={value}{pad}}}")
        };
        let bound = CONSENT_COOKIE_BYTES_MAX;
        assert_eq!(
            ask(&ConsentManager::Cookiebot, &padded(bound), None),
            Some(true)
        );
        assert_eq!(
            ask(&ConsentManager::Cookiebot, &padded(bound + 1), None),
            None
        );
    }

    #[test]
    fn only_the_consent_managers_own_cookie_is_read() {
        for manager in [
            ConsentManager::Cookiebot,
            ConsentManager::OneTrust {
                category: ONETRUST_CATEGORY.into(),
            },
        ] {
            let asked = std::cell::RefCell::new(Vec::new());
            manager.choice(
                &|name| {
                    asked.borrow_mut().push(name.to_owned());
                    Some("x".to_owned())
                },
                None,
            );
            assert_eq!(*asked.borrow(), manager.cookie_names());
        }
    }

    proptest! {
        #[test]
        fn reading_any_consent_cookie_never_panics(value in "\\PC{0,120}") {
            let names = |_: &str| Some(value.clone());
            for manager in [
                ConsentManager::Cookiebot,
                ConsentManager::OneTrust { category: ONETRUST_CATEGORY.into() },
            ] {
                // A text without the name of the category cannot be a yes.
                if !value.contains("statistics") && !value.contains("groups") {
                    prop_assert_ne!(manager.choice(&names, None), Some(true));
                }
            }
        }
    }
}
