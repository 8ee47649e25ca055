//! `export`: the website's program writes it, since it alone knows the database. Whether anything runs does not matter.

use super::Configured;
use crate::{
    error::{SupervisorError, doing},
    launch::programs,
    part::Part,
};
use std::{io, os::unix::process::CommandExt as _, path::Path, process::Command};

/// Becomes the website's program.
///
/// # Errors
/// There is no such program.
pub fn export(
    configured: &Configured,
    file: &str,
    area: Option<&str>,
    output: Option<&Path>,
) -> Result<u8, SupervisorError> {
    let program = programs()?.join(Part::Website.program());
    let mut command = Command::new(&program);
    command.envs(&configured.environment).arg("export").arg(file);
    if let Some(area) = area {
        command.args(["--area", area]);
    }
    if let Some(output) = output {
        command.arg("--output").arg(output);
    }
    // Returns only where it did not work.
    let error = command.exec();
    Err(if error.kind() == io::ErrorKind::NotFound {
        SupervisorError::MissingBinary(program)
    } else {
        doing("run the website's program")(error)
    })
}
