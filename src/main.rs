//! The program: reads the arguments, runs the command, and decides the exit code.
//!
//! Exit codes: 0 done, 1 failed (one sentence on stderr says what to do), 2 wrong usage.

use std::process::ExitCode;

use clap::Parser;
use sillage::cli::{self, Arguments};
use sillage::telemetry;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    telemetry::start(&arguments.log_level);
    match cli::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sillage: {}", cli::sentence(&error));
            ExitCode::FAILURE
        }
    }
}
