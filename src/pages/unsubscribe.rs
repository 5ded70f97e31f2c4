//! `/letters/{token}`: the page behind the link in each e-mail, which confirms a subscription or
//! ends it.
//!
//! `GET` changes nothing, since mail servers open links. `POST` without a field ends the
//! subscription, so that the button of a mail program works (RFC 8058).

use hyper::StatusCode;

use crate::access::App;
use crate::access::call::{Call, TokenPart};
use crate::access::error::ApiError;
use crate::access::identity::Identity;
use crate::control::subscription::{self, Subscription, Topic};
use crate::email::{Cadence, scheduler};
use crate::html::fill;
use crate::http::response::Answer;
use crate::http::texts::Texts;
use crate::pages::layout::{Form, render, texts};

/// `GET`: the question whether to confirm or to end.
pub async fn page(call: Call<Identity, TokenPart>) -> Result<Answer, ApiError> {
    let texts = texts(call.headers());
    Ok(match find(&call.app, &call.path.0).await? {
        None => render_page(StatusCode::GONE, texts, "letters_gone", None),
        Some(of) => {
            let key = if of.is_confirmed {
                "letters_ask_end"
            } else {
                "letters_ask"
            };
            render_page(StatusCode::OK, texts, key, Some(&of))
        }
    })
}

/// `POST`: confirms with the field `answer=yes`, else ends the subscription.
pub async fn decide(call: Call<Identity, TokenPart>) -> Result<Answer, ApiError> {
    let texts = texts(call.headers());
    let app = &*call.app;
    let form = Form::read(app, call.request).await?;
    let Some(of) = find(app, &call.path.0).await? else {
        // It has ended already; a second press gets the same answer.
        return Ok(render_page(StatusCode::OK, texts, "letters_ended", None));
    };
    let id = of.id;
    if form.get("answer") != "yes" {
        let end = move |connection: &mut _| subscription::end(connection, id);
        app.control.run(end).await?;
        return Ok(render_page(StatusCode::OK, texts, "letters_ended", None));
    }
    let confirm = move |connection: &mut _| subscription::confirm(connection, id);
    app.control.run(confirm).await?;
    app.wake_email.notify_one();
    let confirmed = Subscription {
        is_confirmed: true,
        ..of
    };
    Ok(render_page(
        StatusCode::OK,
        texts,
        "letters_confirmed",
        Some(&confirmed),
    ))
}

async fn find(app: &App, seal: &str) -> Result<Option<Subscription>, ApiError> {
    let key = scheduler::link_key(&app.control).await?;
    let Some(id) = subscription::unseal(&key, seal) else {
        return Ok(None);
    };
    let find = move |connection: &mut _| subscription::find(connection, id);
    Ok(app.control.run(find).await?)
}

/// The page: a sentence and its buttons.
fn render_page(status: StatusCode, texts: &Texts, key: &str, of: Option<&Subscription>) -> Answer {
    let topic = of.map_or("", |of| match of.topic {
        Topic::Summary(Cadence::Day) => "letters_day",
        Topic::Summary(Cadence::Week) => "letters_week",
        Topic::Summary(Cadence::Month) => "letters_month",
        Topic::Alert => "letters_alert",
    });
    let pairs = [
        ("site", of.map_or("", |of| of.site.as_str())),
        ("to", of.map_or("", |of| of.address.as_str())),
        ("topic", texts.get(topic)),
    ];
    let text = fill(texts.get(key), &pairs);
    let button = |answer: &str, key: &str| {
        let text = texts.get(key);
        format!("<button name=\"answer\" value=\"{answer}\">{text}</button>")
    };
    let buttons = match of {
        None => String::new(),
        Some(of) if of.is_confirmed => button("no", "letters_end"),
        Some(_) => button("yes", "letters_yes") + "\n" + &button("no", "letters_no"),
    };
    let form = match buttons.is_empty() {
        true => buttons,
        // Without an action, a form goes to the page's own address.
        false => format!("<section>\n<form method=\"post\">\n{buttons}\n</form>\n</section>"),
    };
    let values = [("text", text.as_str()), ("form", form.as_str())];
    let template = include_str!("templates/letters.html");
    render(status, texts, "letters_title", template, &values)
}
