//! Reads a password from the terminal or from standard input.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use zeroize::Zeroizing;

/// Asks twice on a terminal, without showing what is typed. Without a terminal, reads one line of
/// standard input.
///
/// # Errors
/// The two passwords differ, or nothing can be read.
pub fn ask_password() -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        return read_line();
    }
    let first = ask_hidden("Password: ")?;
    if *first != *ask_hidden("Repeat the password: ")? {
        bail!("the two passwords differ");
    }
    Ok(first)
}

fn ask_hidden(question: &str) -> anyhow::Result<Zeroizing<String>> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    eprint!("{question}");
    std::io::stderr().flush()?;
    let before = tcgetattr(&stdin)?;
    let mut hidden = before.clone();
    hidden.local_modes &= !LocalModes::ECHO;
    tcsetattr(&stdin, OptionalActions::Now, &hidden)?;
    let line = read_line();
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    eprintln!();
    line
}

fn read_line() -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("the password could not be read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    Ok(Zeroizing::new(password.to_owned()))
}
