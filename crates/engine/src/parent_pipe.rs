//! What child and parent say to each other: the secrets on the child's standard input, lines on its
//! standard output and standard error, and the end of either.

use std::io::{BufRead as _, Write as _};

use tokio::sync::oneshot;

use super::access::Secrets;
use super::error::EngineError;

/// Begins the child's own lines on standard error. Only these are logged: what the library writes
/// may hold query texts.
pub const LINE_PREFIX: &str = "sillage-engine: ";
/// Begins a line of the child's standard output that is logged as a warning, before it is ready.
pub const WARNING_PREFIX: &str = "warning ";

/// A line for the parent's log.
pub fn tell(line: &str) {
    eprintln!("{}{line}", LINE_PREFIX);
}

/// A line for the parent's log that an operator should see.
pub fn warn(line: &str) {
    say(&format!("{}{}", WARNING_PREFIX, line.replace('\n', " ")));
}

pub fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // A parent that doesn't listen any more is noticed by its pipe.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Two lines of standard input.
pub fn read_secrets() -> Result<Secrets, EngineError> {
    let mut input = std::io::stdin().lock();
    let mut read_line = || {
        let mut line = String::new();
        input
            .read_line(&mut line)
            .map_err(|_| EngineError::SecretMissing)?;
        Ok::<_, EngineError>(line.trim().to_owned())
    };
    let (collector, readers) = (read_line()?, read_line()?);
    if collector.len() < 32 {
        return Err(EngineError::SecretMissing);
    }
    Ok(Secrets {
        collector,
        readers: Some(readers).filter(|token| !token.is_empty()),
    })
}

/// What becomes ready when standard input ends, which is when the parent is gone.
pub fn watch_parent() -> Result<oneshot::Receiver<()>, EngineError> {
    let (sender, receiver) = oneshot::channel();
    let watch = move || {
        // An error is an end, too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    };
    std::thread::Builder::new()
        .name("parent".into())
        .spawn(watch)
        .map_err(EngineError::Spawn)?;
    Ok(receiver)
}
