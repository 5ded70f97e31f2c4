//! Letters that people subscribe to: one's own subscriptions to a site as JSON, and the page behind
//! the link in each letter.
//!
//! `GET …/subscriptions` answers
//! `{"items": [{"id", "kind", "every", "to", "language", "confirmed", "trouble"}], "mail"}`; `mail`
//! is whether letters can be sent at all. `POST` takes `{"kind", "every", "to", "language"}` and
//! writes to the address, whose holder says yes on the page behind the link; `DELETE …/ID` ends
//! one. `GET …/letters/week` shows the summary that would come now.
//!
//! The link's page changes nothing by being looked at, since mail servers look at links. Its `POST`
//! ends the letters unless it says otherwise, so that a mail program's own button works (RFC 8058).

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::{Caller, failed, forbidden};
use crate::access::readiness::no_reports;
use crate::app::routes::{Handler, Params};
use crate::collector::choices::words::{Words, fill};
use crate::config::Mail;
use crate::config::is_email_address;
use crate::control::ControlError;
use crate::control::subscription::{self, ADDRESS_BYTES_MAX, NewSubscription, Subscription, Topic};
use crate::email::message::{self, Links};
use crate::email::smtp::Sender;
use crate::email::summary::Summary;
use crate::email::{self, Cadence, LANGUAGES, scheduler};
use crate::http::response::{self, Answer};
use crate::pages::layout::{Form, bad_request, page, read_json, words};

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

/// Answers a request of somebody who may see the site in the path.
pub async fn answer(
    app: &App,
    handler: Handler,
    params: Params,
    caller: Caller,
    request: Request<Incoming>,
) -> Answer {
    let person = match caller {
        Caller::Person(logged_in) => Some(logged_in.person),
        _ => None,
    };
    let result = match (handler, person) {
        (Handler::PreviewLetter, _) => preview(app, &params, request.uri().query()).await,
        (Handler::Subscriptions, person) => list(app, params.site, person.map(|p| p.id)).await,
        // A demo without people looks, and writes to nobody.
        (_, None) => Err(forbidden()),
        (Handler::Subscribe, Some(person)) => subscribe(app, params.site, person.id, request).await,
        (_, Some(person)) => unsubscribe(app, params, person.id).await,
    };
    let status = match handler {
        Handler::Subscribe => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    result.map_or_else(|answer| answer, |body| response::json(status, &body))
}

/// The mail server, if letters can hold the links that they must have.
fn mail(app: &App) -> Option<&Mail> {
    let mail = app.config.mail.as_ref();
    mail.filter(|mail| !mail.dashboard_url.is_empty())
}

async fn list(app: &App, site: String, person: Option<i64>) -> Result<Json, Answer> {
    let found = match person {
        None => Vec::new(),
        Some(person) => app
            .gate
            .control
            .run(move |connection| subscription::list(connection, person, &site))
            .await
            .map_err(|error| failed(&error))?,
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

async fn subscribe(
    app: &App,
    site: String,
    person: i64,
    request: Request<Incoming>,
) -> Result<Json, Answer> {
    let wanted: Wanted = read_json(app, request).await?;
    let Some(mail) = mail(app) else {
        return Err(bad_request(
            "e-mails can't be sent; set host, from and dashboard_url in [mail] of the configuration",
        ));
    };
    let topic = wanted.topic().ok_or_else(|| {
        bad_request(
            "kind: expected summary with every = day, week or month, or alert without every",
        )
    })?;
    if wanted.to.len() > ADDRESS_BYTES_MAX
        || wanted.to.contains('<')
        || !is_email_address(&wanted.to)
    {
        return Err(bad_request(
            "to: an address such as name@example.com is expected",
        ));
    }
    if !LANGUAGES.contains(&wanted.language.as_str()) {
        return Err(bad_request("language: en, ja or de is expected"));
    }
    let gate = &app.gate;
    gate.letters
        .take_of(&person, 1)
        .and_then(|()| gate.addresses.take_of(&wanted.to.to_lowercase(), 1))
        .map_err(response::too_often)?;
    let new = NewSubscription {
        person,
        site: site.clone(),
        topic,
        address: wanted.to.clone(),
        language: wanted.language.clone(),
    };
    let control = &app.gate.control;
    let added =
        control.run(move |connection| subscription::add(connection, Timestamp::now(), &new));
    let id = added.await.map_err(|error| match error {
        ControlError::Taken => response::json(
            StatusCode::CONFLICT,
            &json!({ "error": "this address already receives this e-mail, or has been asked to confirm it" }),
        ),
        error => failed(&error),
    })?;
    let key = scheduler::link_key(control).await;
    let key = key.map_err(|error| failed(&error))?;
    let words = email::Words::of(&wanted.language);
    let link = scheduler::link(mail, &key, id).unwrap_or_default();
    let letter = message::of_request(&site, topic, words, &link);
    let sent = async { Sender::new(Some(mail))?.send(&wanted.to, &letter).await };
    if let Err(error) = sent.await {
        let ended = control.run(move |connection| subscription::end(connection, id));
        ended.await.map_err(|error| failed(&error))?;
        return Err(response::json(
            StatusCode::BAD_GATEWAY,
            &json!({ "error": format!("nothing was stored, because the e-mail could not be sent: {}", error.in_short()) }),
        ));
    }
    Ok(json!({ "id": id }))
}

async fn unsubscribe(app: &App, params: Params, person: i64) -> Result<Json, Answer> {
    let id = params.id.parse().unwrap_or(0);
    let removed = app
        .gate
        .control
        .run(move |connection| subscription::remove(connection, person, &params.site, id));
    removed.await.map_err(|error| failed(&error))?;
    Ok(json!({}))
}

async fn preview(app: &App, params: &Params, query: Option<&str>) -> Result<Json, Answer> {
    let Some(cadence) = Cadence::parse(&params.id) else {
        return Err(bad_request("a summary of day, week or month is expected"));
    };
    let stats = app.stats.get().ok_or_else(|| no_reports(app))?;
    let site = app.config.site(&params.site).ok_or_else(forbidden)?;
    let mut asked = url::form_urlencoded::parse(query.unwrap_or("").as_bytes());
    let language = asked.find(|(key, _)| key == "language");
    let words = email::Words::of(language.as_ref().map_or("en", |(_, value)| value));
    let summary = Summary::ask(stats, site, cadence, Timestamp::now()).await;
    let summary = summary.map_err(|_| {
        response::json(
            StatusCode::BAD_GATEWAY,
            &json!({ "error": "the numbers could not be read; try again in a few seconds" }),
        )
    })?;
    let links = Links {
        dashboard: mail(app).and_then(|mail| scheduler::dashboard(mail, &site.id)),
        unsubscribe: None,
    };
    let letter = message::of_summary(&summary, words, &links);
    Ok(json!({ "subject": letter.subject, "text": letter.text }))
}

/// Answers whoever came by the link in a letter.
pub async fn open(
    app: &App,
    handler: Handler,
    params: Params,
    request: Request<Incoming>,
) -> Answer {
    let words = words(request.headers());
    let opened = match handler {
        Handler::Letters => show(app, words, &params.token).await,
        _ => decide(app, words, &params.token, request).await,
    };
    opened.unwrap_or_else(|answer| answer)
}

async fn find(app: &App, seal: &str) -> Result<Option<Subscription>, Answer> {
    let control = &app.gate.control;
    let key = scheduler::link_key(control).await;
    let key = key.map_err(|error| failed(&error))?;
    let Some(id) = subscription::unseal(&key, seal) else {
        return Ok(None);
    };
    let found = control.run(move |connection| subscription::find(connection, id));
    found.await.map_err(|error| failed(&error))
}

async fn show(app: &App, words: &Words, seal: &str) -> Result<Answer, Answer> {
    Ok(match find(app, seal).await? {
        None => told(StatusCode::GONE, words, "letters_gone", None),
        Some(of) if of.is_confirmed => told(StatusCode::OK, words, "letters_ask_end", Some(&of)),
        Some(of) => told(StatusCode::OK, words, "letters_ask", Some(&of)),
    })
}

async fn decide(
    app: &App,
    words: &Words,
    seal: &str,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let form = Form::read(app, request).await?;
    let Some(of) = find(app, seal).await? else {
        // Ended already; whoever pressed twice is told the same.
        return Ok(told(StatusCode::OK, words, "letters_ended", None));
    };
    let (id, is_yes) = (of.id, form.get("answer") == "yes");
    let control = &app.gate.control;
    let done = control.run(move |connection| {
        if is_yes {
            subscription::confirm(connection, id)
        } else {
            subscription::end(connection, id)
        }
    });
    done.await.map_err(|error| failed(&error))?;
    Ok(if is_yes {
        app.wake_post.notify_one();
        told(
            StatusCode::OK,
            words,
            "letters_confirmed",
            Some(&Subscription {
                is_confirmed: true,
                ..of
            }),
        )
    } else {
        told(StatusCode::OK, words, "letters_ended", None)
    })
}

/// The page: a sentence, and the buttons that fit.
fn told(status: StatusCode, words: &Words, key: &str, of: Option<&Subscription>) -> Answer {
    let topic = of.map_or("", |of| match of.topic {
        Topic::Summary(Cadence::Day) => "letters_day",
        Topic::Summary(Cadence::Week) => "letters_week",
        Topic::Summary(Cadence::Month) => "letters_month",
        Topic::Alert => "letters_alert",
    });
    let pairs = [
        ("site", of.map_or("", |of| of.site.as_str())),
        ("to", of.map_or("", |of| of.address.as_str())),
        ("topic", words.get(topic)),
    ];
    let text = fill(words.get(key), &pairs);
    let button = |answer: &str, key: &str| {
        let word = words.get(key);
        format!("<button name=\"answer\" value=\"{answer}\">{word}</button>")
    };
    let buttons = match of {
        None => String::new(),
        Some(of) if of.is_confirmed => button("no", "letters_end"),
        Some(_) => button("yes", "letters_yes") + "\n" + &button("no", "letters_no"),
    };
    let form = match buttons.is_empty() {
        true => buttons,
        // To where it came from.
        false => format!("<section>\n<form method=\"post\">\n{buttons}\n</form>\n</section>"),
    };
    let values = [("text", text.as_str()), ("form", form.as_str())];
    let template = include_str!("../pages/templates/letters.html");
    page(status, words, "letters_title", template, &values)
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
