//! Lines on standard output.

/// Prints a line. If the reader has closed the pipe (`| head`), the command ends quietly.
macro_rules! print_line {
    ($($text:tt)*) => {
        if let Err(error) = std::io::Write::write_fmt(
            &mut std::io::stdout(),
            format_args!("{}\n", format_args!($($text)*)),
        ) {
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                std::process::exit(0);
            }
            anyhow::bail!("can't write to standard output: {error}");
        }
    };
}

pub(crate) use print_line;
