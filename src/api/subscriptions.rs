//! Subscriptions to e-mails, as JSON: each person their own. The page behind the link of an e-mail
//! is [`unsubscribe`](crate::pages::unsubscribe).
//!
//! `GET …/subscriptions` answers
//! `{"items": [{"id", "kind", "every", "to", "language", "confirmed", "trouble"}], "mail"}`; `mail`
//! is whether e-mails can be sent at all. `POST` takes `{"kind", "every", "to", "language"}` and
//! asks the address to confirm; `DELETE …/ID` ends a subscription. `GET …/letters/week` previews
//! the summary that would be sent now.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::call::{Call, Created, SitePart, WordPart};
use crate::access::error::ApiError;
use crate::access::identity::Identity;
use crate::api::json::read_json;
use crate::config::Mail;
use crate::config::is_email_address;
use crate::control::ControlError;
use crate::control::ids::SubscriptionId;
use crate::control::people::Person;
use crate::control::subscription::{self, ADDRESS_BYTES_MAX, NewSubscription, Subscription, Topic};
use crate::email::message::{self, Links};
use crate::email::smtp::Sender;
use crate::email::summary::Summary;
use crate::email::{self, Cadence, LANGUAGES, scheduler};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: String,
    every: Option<String>,
    to: String,
    language: String,
}

impl Wanted {
    fn topic(&self) -> Option<Topic> {
        match (self.kind.as_str(), self.every.as_deref()) {
            ("summary", Some(every)) => Cadence::parse(every).map(Topic::Summary),
            ("alert", None) => Some(Topic::Alert),
            _ => None,
        }
    }
}

/// The mail server, if it is configured together with the address that links in e-mails need.
fn mail(app: &App) -> Option<&Mail> {
    let mail = app.config.mail.as_ref();
    mail.filter(|mail| !mail.dashboard_url.is_empty())
}

/// One's own subscriptions to a site; none for a demo without people.
pub async fn list(call: Call<Identity, SitePart>) -> Result<Json, ApiError> {
    let (app, SitePart(site)) = (&*call.app, call.path);
    let found = match call.identity {
        Identity::Person(session) => {
            let person = session.person.id;
            let list = move |connection: &mut _| subscription::list(connection, person, &site);
            app.control.run(list).await?
        }
        Identity::Anonymous | Identity::Demo | Identity::Key(_) | Identity::Link(_) => Vec::new(),
    };
    let items: Vec<Json> = found.iter().map(shown).collect();
    Ok(json!({ "items": items, "mail": mail(app).is_some() }))
}

fn shown(subscription: &Subscription) -> Json {
    let (kind, every) = match subscription.topic {
        Topic::Summary(cadence) => ("summary", Some(cadence.as_str())),
        Topic::Alert => ("alert", None),
    };
    json!({
        "id": subscription.id, "kind": kind, "every": every, "to": subscription.address,
        "language": subscription.language, "confirmed": subscription.is_confirmed,
        "trouble": subscription.trouble,
    })
}

/// Subscribes an address and asks it to confirm: `{"id"}`.
pub async fn add(call: Call<Person, SitePart>) -> Result<Created, ApiError> {
    let (app, person, SitePart(site)) = (&*call.app, call.identity.id, call.path);
    let wanted: Wanted = read_json(app, call.request).await?;
    let Some(mail) = mail(app) else {
        return Err(ApiError::rule(
            "e-mails can't be sent; set host, from and dashboard_url in [mail] of the configuration",
        ));
    };
    let topic = wanted.topic().ok_or_else(|| {
        ApiError::rule(
            "kind: expected summary with every = day, week or month, or alert without every",
        )
    })?;
    if wanted.to.len() > ADDRESS_BYTES_MAX
        || wanted.to.contains('<')
        || !is_email_address(&wanted.to)
    {
        return Err(ApiError::rule(
            "to: an address such as name@example.com is expected",
        ));
    }
    if !LANGUAGES.contains(&wanted.language.as_str()) {
        return Err(ApiError::rule("language: en, ja or de is expected"));
    }
    let rates = &app.rates;
    rates
        .confirmations
        .take_of(&person, 1)
        .and_then(|()| rates.addresses.take_of(&wanted.to.to_lowercase(), 1))
        .map_err(ApiError::TooOften)?;
    let new = NewSubscription {
        person,
        site: site.clone(),
        topic,
        address: wanted.to.clone(),
        language: wanted.language.clone(),
    };
    let control = &app.control;
    let added =
        control.run(move |connection| subscription::add(connection, Timestamp::now(), &new));
    let id = added.await.map_err(|error| match error {
        ControlError::Taken => ApiError::Conflict(
            "this address already receives this e-mail, or has been asked to confirm it",
        ),
        error => error.into(),
    })?;
    let key = scheduler::link_key(control).await?;
    let words = email::Texts::of(&wanted.language);
    let link = scheduler::link(mail, &key, id).unwrap_or_default();
    let letter = message::of_request(&site, topic, words, &link);
    let sent = async { Sender::new(Some(mail))?.send(&wanted.to, &letter).await };
    if let Err(error) = sent.await {
        let ended = control.run(move |connection| subscription::end(connection, id));
        ended.await?;
        return Err(ApiError::BadGateway(format!(
            "nothing was stored, because the e-mail could not be sent: {}",
            error.in_short()
        )));
    }
    Ok(Created(json!({ "id": id })))
}

/// Ends one's own subscription.
pub async fn remove(call: Call<Person, (SitePart, SubscriptionId)>) -> Result<Json, ApiError> {
    let (person, (SitePart(site), id)) = (call.identity.id, call.path);
    let remove = move |connection: &mut _| subscription::remove(connection, person, &site, id);
    call.app.control.run(remove).await?;
    Ok(json!({}))
}

/// The summary that would be sent now: `{"subject", "text"}`.
pub async fn preview(call: Call<Identity, (SitePart, WordPart)>) -> Result<Json, ApiError> {
    let (app, (SitePart(site), WordPart(cadence))) = (&*call.app, &call.path);
    let Some(cadence) = Cadence::parse(cadence) else {
        return Err(ApiError::rule(
            "a summary of day, week or month is expected",
        ));
    };
    let stats = app.reports()?;
    let site = app.config.site(site).ok_or(ApiError::Forbidden)?;
    let language = call.parameter("language");
    let words = email::Texts::of(language.as_deref().unwrap_or("en"));
    let summary = Summary::ask(stats, site, cadence, Timestamp::now()).await;
    let summary = summary.map_err(|_| {
        ApiError::BadGateway("the numbers could not be read; try again in a few seconds".into())
    })?;
    let links = Links {
        dashboard: mail(app).and_then(|mail| scheduler::dashboard(mail, &site.id)),
        unsubscribe: None,
    };
    let letter = message::of_summary(&summary, words, &links);
    Ok(json!({ "subject": letter.subject, "text": letter.text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_a_cadence_and_an_alert_has_none() {
        let topic = |kind: &str, every: Option<&str>| {
            let wanted = Wanted {
                kind: kind.into(),
                every: every.map(str::to_owned),
                to: String::new(),
                language: String::new(),
            };
            wanted.topic()
        };
        assert_eq!(
            topic("summary", Some("week")),
            Some(Topic::Summary(Cadence::Week))
        );
        assert_eq!(topic("alert", None), Some(Topic::Alert));
        for (kind, every) in [
            ("summary", None),
            ("summary", Some("year")),
            ("alert", Some("day")),
            ("week", None),
        ] {
            assert_eq!(topic(kind, every), None, "{kind} {every:?}");
        }
    }
}
