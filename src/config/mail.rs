//! `[mail]`: the SMTP server that e-mails are sent through.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// As written in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMail {
    host: String,
    from: String,
    port: Option<u16>,
    tls: Option<MailTls>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    dashboard_url: Option<String>,
}

/// The SMTP server that e-mails are sent through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Host name; the server's certificate must be for it.
    pub host: String,
    /// Default: 465, 587 or 25, by `tls`.
    pub port: u16,
    pub tls: MailTls,
    pub user: Option<String>,
    /// File that holds the password, so that the reviewed configuration holds no secret.
    pub password_file: Option<PathBuf>,
    /// Sender, e.g. `Sillage <stats@example.com>`.
    pub from: String,
    /// Where readers reach the dashboard, e.g. `https://stats.example.com/`; empty = e-mails have
    /// no link.
    pub dashboard_url: String,
}

/// Encryption of the connection to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// TLS from the first byte (port 465).
    Whole,
    /// STARTTLS (port 587). Nothing is sent if the server does not offer it.
    Starttls,
    /// No encryption: for a server on this machine (port 25).
    None,
}

impl RawMail {
    /// `at` makes a path absolute.
    pub(super) fn validate(
        self,
        at: impl Fn(PathBuf) -> PathBuf,
        faults: &mut Vec<String>,
    ) -> Mail {
        let tls = self.tls.unwrap_or(MailTls::Starttls);
        if !is_email_address(&self.from) {
            faults.push(format!(
                "mail.from = {:?}: use an address such as \"stats@example.com\" or \"Sillage <stats@example.com>\"",
                self.from
            ));
        }
        let is_here = self.host == "localhost"
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if tls == MailTls::None && !is_here {
            faults.push(format!(
                "mail.tls = \"none\" with mail.host = {:?}: letters would cross the network in the clear; use \"starttls\" or \"whole\"",
                self.host
            ));
        }
        if self.user.is_some() != self.password_file.is_some() {
            faults
                .push("mail.user and mail.password_file belong together; set both or none".into());
        }
        let dashboard_url = self.dashboard_url.unwrap_or_default();
        let is_web = url::Url::parse(&dashboard_url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !dashboard_url.is_empty() && !is_web {
            faults.push(format!(
                "mail.dashboard_url = {dashboard_url:?}: use an address such as \"https://stats.example.com/\""
            ));
        }
        Mail {
            port: self.port.unwrap_or(match tls {
                MailTls::Whole => 465,
                MailTls::Starttls => 587,
                MailTls::None => 25,
            }),
            host: self.host,
            tls,
            user: self.user,
            password_file: self.password_file.map(at),
            from: self.from,
            dashboard_url,
        }
    }
}

/// Whether a text is an e-mail address, with or without a name before it.
pub fn is_email_address(text: &str) -> bool {
    text.parse::<lettre::message::Mailbox>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn parse(mail: &str) -> Result<Mail, String> {
        let text = format!("[mail]\n{mail}\n[[site]]\nid = \"a\"\n");
        let config = Config::parse(&text, Path::new("/etc/sillage/sillage.toml"));
        match config {
            Ok(config) => Ok(config.mail.expect("there is a table")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_port_follows_the_encryption_and_paths_the_file() {
        let mail =
            parse("host = \"mail.example.com\"\nfrom = \"S <s@example.com>\"").expect("sound");
        assert_eq!((mail.port, mail.tls), (587, MailTls::Starttls));
        let mail = parse(
            "host = \"mail.example.com\"\nfrom = \"s@example.com\"\ntls = \"whole\"\nuser = \"u\"\npassword_file = \"pw\"",
        )
        .expect("sound");
        assert_eq!(mail.port, 465);
        assert_eq!(
            mail.password_file.as_deref(),
            Some(Path::new("/etc/sillage/pw"))
        );
        let mail =
            parse("host = \"127.0.0.1\"\nfrom = \"s@example.com\"\ntls = \"none\"\nport = 2525");
        assert_eq!(mail.expect("sound").port, 2525);
    }

    #[test]
    fn settings_that_cannot_work_or_would_leak_are_refused() {
        let check = |mail: &str, said: &str| {
            let fault = parse(mail).expect_err("refused");
            assert!(fault.contains(said), "{fault}");
        };
        let host = "host = \"mail.example.com\"\n";
        let from = "from = \"s@example.com\"\n";
        check(host, "from");
        check(&format!("{host}from = \"nobody\""), "mail.from");
        check(&format!("{host}{from}tls = \"none\""), "in the clear");
        check(&format!("{host}{from}user = \"u\""), "belong together");
        check(
            &format!("{host}{from}dashboard_url = \"stats\""),
            "dashboard_url",
        );
        check(&format!("{host}{from}hots = 1"), "hots");
    }
}
