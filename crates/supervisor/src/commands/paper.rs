//! What is written from the command line's own description: completions for shells, and the manual page.

use crate::error::{SupervisorError, doing};
use clap::Command;
use clap_complete::Shell;
use std::io::{self, Write as _};

/// Writes what a shell needs to complete the command line.
///
/// # Errors
/// It cannot be written.
pub fn completions(command: &mut Command, shell: Shell) -> Result<u8, SupervisorError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "supervisor", &mut script);
    write(&script)
}

/// Writes the manual page, in the language of `man`.
///
/// # Errors
/// It cannot be written.
pub fn manual(command: Command) -> Result<u8, SupervisorError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(doing("write the manual page"))?;
    write(&page)
}

fn write(text: &[u8]) -> Result<u8, SupervisorError> {
    match io::stdout().write_all(text) {
        // Whoever reads has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        written => written.map(|()| 0).map_err(doing("write to standard output")),
    }
}
