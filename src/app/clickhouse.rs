//! The connection to ClickHouse: starts the embedded engine, or uses the configured server.

use anyhow::Context;
use clickhouse::Client;

use crate::app::operating_system::explain_full_disk;
use crate::config::Config;
use crate::store;
use sillage_engine::credential;
use sillage_engine::supervise::{self, Supervisor, SupervisorOptions};

/// A ClickHouse that was started or is configured.
pub struct ClickHouse {
    /// Set for the embedded engine.
    pub supervisor: Option<Supervisor>,
    pub client: Client,
    /// For the user. With the password of the embedded engine, unless standard output is a journal.
    pub address: String,
}

/// Starts the embedded engine, unless a ClickHouse server is configured.
///
/// # Errors
/// The engine can't be started, or the password of the server can't be read.
pub async fn start(config: &Config) -> anyhow::Result<ClickHouse> {
    if let Some(address) = &config.clickhouse.url {
        return Ok(ClickHouse {
            supervisor: None,
            client: connect(config, None)?,
            address: address.clone(),
        });
    }
    let token = credential::open(&config.data_dir)
        .map_err(|error| explain_full_disk(&config.data_dir, error.into()))?;
    let options = SupervisorOptions {
        listen: config.engine.listen,
        library: config.engine.library.clone(),
        reader_token: Some(token.clone()),
        database: config.clickhouse.database.clone(),
        user: config.engine.user,
        readers_without_fence: config.engine.readers_without_fence,
        ..SupervisorOptions::new(config.data_dir.join("engine"))
    };
    let supervisor = supervise::start(options).await?;
    // Only commands in other processes read this file; beacons and reports do not need it.
    if let Err(error) = credential::publish(&config.data_dir, supervisor.address()) {
        tracing::error!(%error, "commands such as `sillage sql` can't find the engine until the next start");
    }
    let address = if is_journal() {
        format!(
            "http://{}/ (`sillage sql --print-url` prints it with the password)",
            supervisor.address()
        )
    } else {
        credential::url(supervisor.address(), &token)
    };
    Ok(ClickHouse {
        client: connect(config, Some(&supervisor))?,
        supervisor: Some(supervisor),
        address,
    })
}

/// Whether standard output is systemd's journal. Other users may read the journal, so a password
/// must not be printed there. systemd names the journal's socket in `JOURNAL_STREAM`
/// (systemd.exec(5)).
fn is_journal() -> bool {
    let journal = std::env::var("JOURNAL_STREAM").ok();
    let output = rustix::fs::fstat(std::io::stdout()).ok();
    journal.is_some_and(|journal| {
        output.is_some_and(|output| journal == format!("{}:{}", output.st_dev, output.st_ino))
    })
}

/// A client for a command that reads while the collector runs. `url` overrides the address of
/// ClickHouse in the configuration.
///
/// # Errors
/// The password of a ClickHouse server can't be read.
pub fn reader(config: &Config, url: Option<&str>) -> anyhow::Result<Client> {
    let database = &config.clickhouse.database;
    let is_embedded = config.clickhouse.url.is_none();
    let mut url = match url {
        None if !is_embedded => return connect(config, None),
        None => format!("http://{}", credential::find(&config.data_dir)?),
        Some(url) => url.to_owned(),
    };
    let mut parsed = url::Url::parse(&url).with_context(|| format!("{url:?} is not a URL"))?;
    let of_url = (!parsed.username().is_empty()).then(|| {
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let password = decoded(parsed.password().unwrap_or_default());
        (decoded(parsed.username()), password)
    });
    // The token is sent to this machine only.
    let is_here = match parsed.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let credentials = match of_url {
        None if is_embedded && is_here => {
            let token = credential::read(&config.data_dir)?;
            Some((credential::READER_USER.to_owned(), token))
        }
        of_url => of_url,
    };
    // The client takes the credentials separately. For an http URL neither setter fails.
    if parsed
        .set_username("")
        .and(parsed.set_password(None))
        .is_ok()
    {
        url = parsed.into();
    }
    let (user, password) = credentials.unzip();
    Ok(store::client(
        &url,
        user.as_deref(),
        password.as_deref(),
        database,
    ))
}

/// A client of the embedded engine, or of the configured server.
///
/// # Errors
/// The password of a ClickHouse server can't be read.
pub fn connect(config: &Config, supervisor: Option<&Supervisor>) -> anyhow::Result<Client> {
    let database = &config.clickhouse.database;
    if let Some(supervisor) = supervisor {
        let target = supervisor.target();
        let (user, password) = (Some(&*target.user), Some(&*target.password));
        // On loopback, compression costs more time than the bytes it saves.
        return Ok(store::client(&target.url, user, password, database)
            .with_compression(clickhouse::Compression::None));
    }
    let password = server_password(config)?;
    let url = config.clickhouse.url.as_deref().unwrap_or_default();
    Ok(store::client(
        url,
        config.clickhouse.user.as_deref(),
        password.as_deref().map(str::trim),
        database,
    ))
}

/// The content of the password file of a ClickHouse server.
///
/// # Errors
/// The file can't be read.
pub fn server_password(config: &Config) -> anyhow::Result<Option<String>> {
    config
        .clickhouse
        .password_file
        .as_ref()
        .map(|path| {
            std::fs::read_to_string(path)
                .with_context(|| format!("cannot read clickhouse.password_file {}", path.display()))
        })
        .transpose()
}
