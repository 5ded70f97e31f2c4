//! The first account: the link that creates it, and the refusal to serve a public dashboard without
//! one.

use std::net::SocketAddr;

use jiff::Timestamp;

use crate::control::control_thread::Control;
use crate::control::error::ControlError;
use crate::control::invitation;
use crate::control::token::{Token, random};

/// Creates the link that makes its first user the owner. The link of the previous start ends.
///
/// # Errors
/// The control database can't be written.
pub async fn create_link(control: &Control) -> Result<Token, ControlError> {
    let token = Token::new(random()?);
    let hash = token.hash();
    control
        .run(move |connection| invitation::set_up(connection, Timestamp::now(), &hash))
        .await?;
    Ok(token)
}

/// Why a dashboard that other machines can reach is not served without an account.
pub fn no_account(address: SocketAddr) -> String {
    format!(
        "other machines could reach the dashboard on {address}, but no account exists yet: add one with \
         `sillage user add NAME` first, or set dashboard.listen to 127.0.0.1:8001"
    )
}
