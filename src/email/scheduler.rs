//! Sends e-mails to subscribers when they are due.
//!
//! Every minute it checks each confirmed subscription. A summary is due in the site's morning after
//! its period ended ([`Cadence::due`]). Whether traffic is unusual is checked once in each local
//! hour of the site, and a subscriber gets at most one alert a day. A report is read once for all
//! of its recipients.
//!
//! **At-least-once delivery.** An e-mail is recorded as sent after the mail server accepted it, so
//! a collector that is killed between the two sends it again. If the server is away, sending is
//! tried again a minute later. An e-mail that the server rejects permanently is not sent again, and
//! the list of subscriptions shows that. A site whose reports fail does not delay other sites'
//! e-mails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::config::{Mail, Site, Sites};
use crate::control::ids::SubscriptionId;
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

/// Interval between two checks.
const INTERVAL: Duration = Duration::from_secs(60);
/// Minutes of an hour after which the previous hour is judged: delayed beacons have arrived by
/// then.
const SETTLED_MINUTES: i8 = 5;

/// The task that sends e-mails.
pub struct Scheduler {
    pub control: Control,
    pub stats: StatsService,
    pub mail: Mail,
    pub sites: Arc<Sites>,
    /// Notified when an address is confirmed, so that its first e-mail need not wait.
    pub wake: Arc<Notify>,
}

/// State between two checks. A restart loses it.
#[derive(Default)]
struct Memory {
    /// The hour in which each site was last checked for alerts.
    checked: HashMap<String, Timestamp>,
    /// E-mails that the server accepted, by subscription. If that can't be recorded, for example on
    /// a full disk, they are not sent again every minute.
    sent: HashMap<SubscriptionId, Date>,
}

/// Reports of one check, so that each is read once.
#[derive(Default)]
struct Known {
    summaries: HashMap<(String, Cadence), Summary>,
    alerts: HashMap<String, Option<Alert>>,
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
enum SchedulerError {
    #[error("{0}")]
    Control(#[from] ControlError),
    /// In short: the answer of a mail server may name addresses, which must not be logged.
    #[error("{}", .0.in_short())]
    Mail(#[from] EmailError),
}

impl Scheduler {
    /// Runs forever.
    pub async fn run(self) {
        let mut memory = Memory::default();
        loop {
            if let Err(error) = self.run_once(Timestamp::now(), &mut memory).await {
                tracing::warn!(%error, "e-mails are waiting; sending is tried again in a minute");
            }
            // Both a notification and the end of the interval start the next check.
            let _ = tokio::time::timeout(INTERVAL, self.wake.notified()).await;
        }
    }

    async fn run_once(&self, now: Timestamp, memory: &mut Memory) -> Result<(), SchedulerError> {
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
            // A site that is no longer configured has no reports.
            let site = self.sites.iter().find(|site| site.id == subscription.site);
            let Some(site) = site else {
                continue;
            };
            let email = self
                .due_email(&mut known, site, &subscription, &key, now, &memory.checked)
                .await;
            let (day, email) = match email {
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
                sender.send(&subscription.address, &email).await
            };
            let trouble = match sent {
                Ok(()) => None,
                // The server is away: each further e-mail would wait for the same timeout.
                Err(error) if error.is_server_away() => return Err(error.into()),
                Err(error) if error.is_transient() => {
                    // The server may accept other e-mails.
                    last_error = Some(error);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(
                        subscription = %subscription.id,
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
        memory
            .checked
            .extend(sites.map(|site| (site, hour_of(now))));
        Ok(())
    }

    /// The e-mail that is due for a subscription, and the day to record for it.
    async fn due_email(
        &self,
        known: &mut Known,
        site: &Site,
        subscription: &Subscription,
        key: &[u8],
        now: Timestamp,
        checked: &HashMap<String, Timestamp>,
    ) -> Result<Option<(Date, Email)>, EmailError> {
        let texts = Texts::of(&subscription.language);
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
                    .map(|summary| (period.last, message::of_summary(summary, texts, &links))))
            }
            Topic::Alert => {
                let is_checked = checked.get(&site.id) == Some(&hour_of(now));
                let is_sent_today = subscription.sent == Some(local.date());
                if is_checked || is_sent_today || local.minute() < SETTLED_MINUTES {
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
                        let email = message::of_alert(&site.id, found, texts, &links);
                        (local.date(), email)
                    }))
            }
        }
    }
}

/// The start of the hour of a time.
fn hour_of(now: Timestamp) -> Timestamp {
    now - SignedDuration::from_secs(now.as_second().rem_euclid(3_600))
}

/// The key of the MAC in links of e-mails.
///
/// # Errors
/// The control database can't be read or written.
pub async fn link_key(control: &Control) -> Result<Zeroizing<Vec<u8>>, ControlError> {
    let fresh = token::random()?;
    control
        .run(move |connection| login::secret(connection, "letters_key", fresh))
        .await
}

/// The address where a subscription is confirmed and ended. `None` if `dashboard_url` is not set.
pub fn link(mail: &Mail, key: &[u8], id: SubscriptionId) -> Option<String> {
    let mut url = url::Url::parse(&mail.dashboard_url).ok()?;
    let seal = subscription::seal(key, id);
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["letters", &seal]);
    url.set_query(None);
    Some(url.into())
}

/// The address of the site's dashboard.
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
        let seal = subscription::seal(b"key", SubscriptionId(7));
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
            assert_eq!(
                link(&mail(url), b"key", SubscriptionId(7)),
                Some(expected),
                "{url}"
            );
        }
        assert_eq!(link(&mail(""), b"key", SubscriptionId(7)), None);
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
