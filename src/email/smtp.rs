//! Sends e-mails through a mail server (SMTP, RFC 5321).

use std::time::Duration;

use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::{Mail, MailTls};
use crate::email::error::EmailError;
use crate::email::message::Email;

/// Time after which a mail server that does not answer counts as away.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A configured mail server.
pub struct Sender {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Sender {
    /// Reads the password. Does not connect yet.
    ///
    /// # Errors
    /// No mail server is configured, the password can't be read, the sender is not a valid address,
    /// or the system's certificates can't be used.
    pub fn new(config: Option<&Mail>) -> Result<Self, EmailError> {
        let config = config.ok_or(EmailError::NotConfigured)?;
        let from = config.from.parse().map_err(|_| EmailError::Address)?;
        let parameters = || TlsParameters::new(config.host.clone());
        let tls = match config.tls {
            MailTls::Whole => Tls::Wrapper(parameters()?),
            MailTls::Starttls => Tls::Required(parameters()?),
            MailTls::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some(user) = &config.user {
            let password = match &config.password_file {
                Some(path) => {
                    std::fs::read_to_string(path).map_err(|source| EmailError::Password {
                        path: path.clone(),
                        source,
                    })?
                }
                None => String::new(),
            };
            transport =
                transport.credentials(Credentials::new(user.clone(), password.trim().to_owned()));
        }
        Ok(Self {
            from,
            transport: transport.build(),
        })
    }

    /// Sends an e-mail to one address. Returns when the server has accepted it.
    ///
    /// # Errors
    /// `to` is not a valid address, or the server refused or is away.
    pub async fn send(&self, to: &str, email: &Email) -> Result<(), EmailError> {
        let to: Mailbox = to.parse().map_err(|_| EmailError::Address)?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(email.subject.clone())
            .date_now()
            .message_id(None)
            // Automatic responders must not answer it (RFC 3834).
            .header(AutoSubmitted);
        if let Some(url) = &email.unsubscribe {
            message = message
                .header(Unsubscribe(format!("<{url}>")))
                .header(UnsubscribePost);
        }
        let body = MultiPart::alternative_plain_html(email.text.clone(), email.html.clone());
        self.transport.send(message.multipart(body)?).await?;
        Ok(())
    }
}

macro_rules! fixed_header {
    ($type:ident, $name:literal, $value:literal) => {
        #[derive(Clone)]
        struct $type;

        impl header::Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self)
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

fixed_header!(AutoSubmitted, "Auto-Submitted", "auto-generated");
fixed_header!(
    UnsubscribePost,
    "List-Unsubscribe-Post",
    "List-Unsubscribe=One-Click"
);

/// `List-Unsubscribe` (RFC 2369).
#[derive(Clone)]
struct Unsubscribe(String);

impl header::Header for Unsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}
