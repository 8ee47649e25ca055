//! Commands that are about the database: the website's program does them, since it alone knows it.

use super::Configured;
use crate::{
    error::{SupervisorError, doing},
    launch::programs,
    part::Part,
};
use std::{ffi::OsString, io, os::unix::process::CommandExt as _, path::Path, process::Command};

/// `export`: everything of a kind in a file, whether anything runs or not.
///
/// # Errors
/// There is no such program.
pub fn export(
    configured: &Configured,
    file: String,
    area: Option<String>,
    output: Option<&Path>,
) -> Result<u8, SupervisorError> {
    let mut arguments: Vec<OsString> = vec!["export".into(), file.into()];
    if let Some(area) = area {
        arguments.extend(["--area".into(), area.into()]);
    }
    if let Some(output) = output {
        arguments.extend(["--output".into(), output.into()]);
    }
    become_website(configured, &arguments)
}

/// `backup`: a copy of the database, whether anything runs or not.
///
/// # Errors
/// There is no such program.
pub fn backup(configured: &Configured, file: &Path) -> Result<u8, SupervisorError> {
    become_website(configured, &["backup".into(), file.into()])
}

/// `restore`: the way back.
///
/// # Errors
/// Something runs, or there is no such program.
pub fn restore(configured: &Configured, file: &Path) -> Result<u8, SupervisorError> {
    if configured.runtime_dir()?.is_held() {
        let why = "Trawl runs; stop it first, since it would go on with the database that it has open";
        return Err(SupervisorError::Refused(why.to_owned()));
    }
    become_website(configured, &["restore".into(), file.into()])
}

/// Runs the website's program in our place; its exit code is ours.
fn become_website(configured: &Configured, arguments: &[OsString]) -> Result<u8, SupervisorError> {
    let program = programs()?.join(Part::Website.program());
    let mut command = Command::new(&program);
    command.envs(configured.environment_alone()).args(arguments);
    // Returns only where it did not work.
    let error = command.exec();
    Err(if error.kind() == io::ErrorKind::NotFound {
        SupervisorError::MissingBinary(program)
    } else {
        doing("run the website's program")(error)
    })
}
