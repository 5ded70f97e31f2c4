//! The round: writes to whoever subscribed, once a letter is due.
//!
//! Every minute each confirmed subscription is looked at. A summary is due in the site's morning
//! after its period ended ([`Cadence::due`]); whether traffic is unusual is asked once in each of
//! the site's hours, and said to nobody twice on one day. Numbers are asked once for all who get
//! them.
//!
//! **A letter comes at least once.** It is recorded as sent after the mail server took it, so a
//! collector that is killed between the two sends it again. A server that is away is asked again a
//! minute later; a letter that it refuses for good is not sent again, and the list of subscriptions
//! says so. A site whose numbers don't come keeps nobody else from their letters.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::config::{Mail, Site, Sites};
use crate::control::subscription::{self, Cadence, Subscription, Topic};
use crate::control::{Control, ControlError, login, token};
use crate::email::alert::{self, Alert};
use crate::email::error::EmailError;
use crate::email::message::{self, Email, Links};
use crate::email::smtp::Sender;
use crate::email::summary::Summary;
use crate::email::texts::Texts;
use crate::stats::StatsService;
use zeroize::Zeroizing;

/// How often the subscriptions are looked at.
const PACE: Duration = Duration::from_secs(60);
/// Minutes of an hour that pass before the hour before it is judged: beacons that were held back
/// are in by then.
const SETTLED_MINUTES: i8 = 5;

/// Who goes the round.
pub struct Post {
    pub control: Control,
    pub stats: StatsService,
    pub mail: Mail,
    pub sites: Arc<Sites>,
    /// Somebody said yes: their first letter need not wait for the next round.
    pub wake: Arc<Notify>,
}

/// What is remembered from round to round, and not over a restart.
#[derive(Default)]
struct Memory {
    /// When each site was last looked at for alerts, to the hour.
    looked: HashMap<String, Timestamp>,
    /// Letters that a server took, by subscription: where that can't be recorded, as on a full
    /// disk, they are not sent again every minute.
    sent: HashMap<i64, Date>,
}

/// What was found out in a round, so that it is asked once.
#[derive(Default)]
struct Known {
    summaries: HashMap<(String, Cadence), Summary>,
    alerts: HashMap<String, Option<Alert>>,
}

/// What stops a round.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error("{0}")]
    Control(#[from] ControlError),
    /// In short: what a mail server says may hold addresses, which are in no log.
    #[error("{}", .0.in_short())]
    Mail(#[from] EmailError),
}

impl Post {
    /// Goes the round for ever.
    pub async fn run(self) {
        let mut memory = Memory::default();
        loop {
            if let Err(error) = self.round(Timestamp::now(), &mut memory).await {
                tracing::warn!(%error, "e-mails are waiting; sending is tried again in a minute");
            }
            // Over the time it is the next round's turn, which is what the elapsed error says.
            let _ = tokio::time::timeout(PACE, self.wake.notified()).await;
        }
    }

    async fn round(&self, now: Timestamp, memory: &mut Memory) -> Result<(), RoundError> {
        let control = &self.control;
        let subscriptions = control
            .run(move |connection| {
                subscription::forget_unanswered(connection, now)?;
                subscription::all_confirmed(connection)
            })
            .await?;
        if subscriptions.is_empty() {
            return Ok(());
        }
        let sender = Sender::new(Some(&self.mail))?;
        let key = link_key(control).await?;
        let mut known = Known::default();
        let mut last_error = None;
        for subscription in subscriptions {
            // A site that is not configured any more has no numbers.
            let site = self.sites.iter().find(|site| site.id == subscription.site);
            let Some(site) = site else {
                continue;
            };
            let letter = self
                .letter(&mut known, site, &subscription, &key, now, &memory.looked)
                .await;
            let (day, letter) = match letter {
                Ok(Some(due)) => due,
                Ok(None) => continue,
                Err(error) => {
                    last_error = Some(error);
                    continue;
                }
            };
            let id = subscription.id;
            let sent = if memory.sent.get(&id) == Some(&day) {
                Ok(())
            } else {
                sender.send(&subscription.address, &letter).await
            };
            let trouble = match sent {
                Ok(()) => None,
                // Nobody there: each further letter would wait for the same time-out.
                Err(error) if error.is_server_away() => return Err(error.into()),
                Err(error) if error.is_transient() => {
                    // Others may still be taken.
                    last_error = Some(error);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(
                        subscription = subscription.id,
                        "an e-mail was rejected permanently"
                    );
                    Some(error.in_short())
                }
            };
            memory.sent.insert(id, day);
            control
                .run(move |connection| {
                    subscription::record(connection, id, day, trouble.as_deref())
                })
                .await?;
        }
        if let Some(error) = last_error {
            return Err(error.into());
        }
        let sites = known.alerts.into_keys();
        memory.looked.extend(sites.map(|site| (site, hour_of(now))));
        Ok(())
    }

    /// The letter that is due to one subscription, and the day that is recorded for it.
    async fn letter(
        &self,
        known: &mut Known,
        site: &Site,
        subscription: &Subscription,
        key: &[u8],
        now: Timestamp,
        looked: &HashMap<String, Timestamp>,
    ) -> Result<Option<(Date, Email)>, EmailError> {
        let words = Texts::of(&subscription.language);
        let links = Links {
            dashboard: dashboard(&self.mail, &site.id),
            unsubscribe: link(&self.mail, key, subscription.id),
        };
        let local = now.to_zoned_datetime(site.timezone.clone());
        match subscription.topic {
            Topic::Summary(cadence) => {
                let Some(period) = cadence.due(now, &site.timezone, subscription.sent) else {
                    return Ok(None);
                };
                let asked = (site.id.clone(), cadence);
                if !known.summaries.contains_key(&asked) {
                    let summary = Summary::ask(&self.stats, site, cadence, now).await?;
                    known.summaries.insert(asked.clone(), summary);
                }
                Ok(known
                    .summaries
                    .get(&asked)
                    .map(|summary| (period.last, message::of_summary(summary, words, &links))))
            }
            Topic::Alert => {
                let is_looked_at = looked.get(&site.id) == Some(&hour_of(now));
                let is_told = subscription.sent == Some(local.date());
                if is_looked_at || is_told || local.minute() < SETTLED_MINUTES {
                    return Ok(None);
                }
                if !known.alerts.contains_key(&site.id) {
                    let found = alert::look(&self.stats, site, now).await?;
                    known.alerts.insert(site.id.clone(), found);
                }
                Ok(known
                    .alerts
                    .get(&site.id)
                    .and_then(Option::as_ref)
                    .map(|found| {
                        let letter = message::of_alert(&site.id, found, words, &links);
                        (local.date(), letter)
                    }))
            }
        }
    }
}

/// The hour that a moment lies in.
fn hour_of(now: Timestamp) -> Timestamp {
    now - SignedDuration::from_secs(now.as_second().rem_euclid(3_600))
}

/// The key that the links in letters are sealed with.
///
/// # Errors
/// The control database can't be read or written.
pub async fn link_key(control: &Control) -> Result<Zeroizing<Vec<u8>>, ControlError> {
    let fresh = token::random()?;
    control
        .run(move |connection| login::secret(connection, "letters_key", fresh))
        .await
}

/// Where a subscription is confirmed and ended; `None` when the configuration does not say where
/// the dashboard is.
pub fn link(mail: &Mail, key: &[u8], id: i64) -> Option<String> {
    let mut url = url::Url::parse(&mail.dashboard_url).ok()?;
    let seal = subscription::seal(key, id);
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["letters", &seal]);
    url.set_query(None);
    Some(url.into())
}

/// Where a reader looks at the site.
pub fn dashboard(mail: &Mail, site: &str) -> Option<String> {
    let mut url = url::Url::parse(&mail.dashboard_url).ok()?;
    url.query_pairs_mut().append_pair("site", site);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MailTls;

    fn mail(dashboard_url: &str) -> Mail {
        Mail {
            host: "127.0.0.1".into(),
            port: 25,
            tls: MailTls::None,
            user: None,
            password_file: None,
            from: "s@example.com".into(),
            dashboard_url: dashboard_url.into(),
        }
    }

    #[test]
    fn links_are_under_the_dashboards_address() {
        let seal = subscription::seal(b"key", 7);
        for (url, expected) in [
            (
                "https://stats.example.com",
                "https://stats.example.com/letters/",
            ),
            (
                "https://example.com/stats/",
                "https://example.com/stats/letters/",
            ),
            (
                "https://example.com/stats",
                "https://example.com/stats/letters/",
            ),
        ] {
            let expected = format!("{expected}{seal}");
            assert_eq!(link(&mail(url), b"key", 7), Some(expected), "{url}");
        }
        assert_eq!(link(&mail(""), b"key", 7), None);
        assert_eq!(
            dashboard(&mail("https://stats.example.com"), "a b").as_deref(),
            Some("https://stats.example.com/?site=a+b")
        );
    }

    #[test]
    fn an_hour_is_the_one_that_a_moment_lies_in() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        assert_eq!(
            hour_of(at("2026-11-25T16:59:59Z")),
            at("2026-11-25T16:00:00Z")
        );
    }
}
