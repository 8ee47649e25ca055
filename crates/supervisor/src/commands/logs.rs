//! `supervisor logs`.

use super::Configured;
use crate::{
    control::{Reply, Request, lines, one_answer},
    error::SupervisorError,
    logs::{Look, OWN_NAME, Past},
    process::now_ms,
    runtime_dir::RuntimeDir,
};
use chrono::DateTime;
use std::io::{self, Write as _};

/// Lines of each process that are shown to who does not say how many.
const USUAL_LINES: usize = 100;

/// What is asked for.
#[derive(Debug, Clone, clap::Args)]
pub struct LogsArguments {
    /// Whose lines; everybody's if none is named. The supervisor's own are those of `supervisor`
    #[arg(value_delimiter = ',')]
    pub names: Vec<String>,
    /// Go on with what is said from now on, until Ctrl+C
    #[arg(long, short)]
    pub follow: bool,
    /// Only lines since then: 10m, 2h, 1day, or a time such as 2026-01-31T08:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<i64>,
    /// How many lines of each process at most [default: 100, with --since all of the 1,000 that are kept]
    #[arg(long, short = 'n', value_name = "NUMBER")]
    pub lines: Option<usize>,
}

/// Prints what the processes have said.
///
/// # Errors
/// No supervisor runs, or a name means nothing.
pub async fn logs(configured: &Configured, arguments: LogsArguments) -> Result<u8, SupervisorError> {
    let LogsArguments { names, follow, since, lines: count } = arguments;
    let dir = configured.runtime_dir()?;
    let names = meant(&dir, names).await?;
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let look = Look::of_stdout(width, configured.settings.log.format);
    let count = count.unwrap_or(if since.is_some() { usize::MAX } else { USUAL_LINES });
    let past = Past { lines: count, since_ms: since.unwrap_or_default() };
    let mut broken = false;
    let show = lines(&dir, names, past, follow, |line| {
        broken |= io::stdout().write_all(look.line(&line).as_bytes()).is_err();
        !broken
    });
    show.await?;
    Ok(0)
}

/// The names of all processes that names mean in the system that runs.
async fn meant(dir: &RuntimeDir, names: Vec<String>) -> Result<Vec<String>, SupervisorError> {
    let Some(Reply::Status(status)) = one_answer(dir, &Request::Status).await? else { return Ok(names) };
    let known: Vec<String> = status.processes.into_iter().map(|row| row.process.name).collect();
    let mut meant = Vec::new();
    for name in &names {
        let before = meant.len();
        let is_called =
            |known: &&String| *known == name || known.rsplit_once('-').is_some_and(|(kind, _)| kind == name);
        meant.extend(known.iter().filter(is_called).cloned());
        meant.extend((name == OWN_NAME).then(|| name.clone()));
        if meant.len() == before {
            let known = known.join(", ");
            let reason = format!("{name:?} is no process of this system; there are {known} and {OWN_NAME}");
            return Err(SupervisorError::UnknownName(reason));
        }
    }
    Ok(meant)
}

/// A time, or how long ago it was, as milliseconds since 1970.
fn since(text: &str) -> Result<i64, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_millis());
    }
    let ago = humantime::parse_duration(text).map_err(|error| format!("{error}; write 10m, 2h or a time"))?;
    Ok(now_ms() - i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_either_way() {
        assert_eq!(since("1970-01-01T00:00:01Z").unwrap(), 1000);
        let ago = now_ms() - since("2h").unwrap();
        assert!((7_199_000..7_201_000).contains(&ago), "{ago}");
        assert!(since("yesterday").unwrap_err().contains("write 10m, 2h or a time"));
    }
}
