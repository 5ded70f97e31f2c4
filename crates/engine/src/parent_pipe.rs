//! The protocol between child and parent: secrets on the child's standard input, lines on its
//! standard output and standard error. An end of standard input means that the parent has ended.

use std::io::{BufRead as _, Write as _};

use tokio::sync::oneshot;

use super::access::Secrets;
use super::error::EngineError;

/// Prefix of the child's own lines on standard error. Only these are logged, because lines of the
/// library may hold query texts.
pub const LINE_PREFIX: &str = "sillage-engine: ";
/// Prefix of a line on standard output that the parent logs as a warning, before the child is
/// ready.
pub const WARNING_PREFIX: &str = "warning ";

/// Writes a line to the parent's log, at level debug.
pub fn tell(line: &str) {
    eprintln!("{}{line}", LINE_PREFIX);
}

/// Writes a line to the parent's log, as a warning for the operator.
pub fn warn(line: &str) {
    say(&format!("{}{}", WARNING_PREFIX, line.replace('\n', " ")));
}

/// Writes a line to standard output.
pub fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // Fails only if the parent has ended, which `watch_parent` notices.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Reads the two lines of standard input.
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

/// Becomes ready when standard input ends, which means that the parent has ended.
pub fn watch_parent() -> Result<oneshot::Receiver<()>, EngineError> {
    let (sender, receiver) = oneshot::channel();
    let watch = move || {
        // A read error means the same.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    };
    std::thread::Builder::new()
        .name("parent".into())
        .spawn(watch)
        .map_err(EngineError::Spawn)?;
    Ok(receiver)
}
