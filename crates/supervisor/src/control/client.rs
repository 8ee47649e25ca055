//! The command line's end.

use super::{LIMIT, Reply, Request};
use crate::{
    error::{SupervisorError, doing},
    logs::{Line, Past},
    runtime_dir::RuntimeDir,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines, Take};
use trawl_protocol::socket::{self, Stream};

/// What the supervisor says to one request.
#[derive(Debug)]
pub struct Answers(Lines<BufReader<Take<Stream>>>);

impl Answers {
    /// The next reply; none once the supervisor has hung up.
    pub async fn next(&mut self) -> Option<Reply> {
        // The limit is for a single line.
        self.0.get_mut().get_mut().set_limit(LIMIT * 2);
        let line = self.0.next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    }
}

/// Asks the supervisor that runs in `dir`.
///
/// # Errors
/// None runs there.
pub async fn ask(dir: &RuntimeDir, request: &Request) -> Result<Answers, SupervisorError> {
    let gone = |_| dir.nobody();
    let mut stream = socket::connect(&dir.control_socket()).await.map_err(gone)?;
    let mut bytes = serde_json::to_vec(request).map_err(std::io::Error::other).map_err(doing("write a request"))?;
    bytes.push(b'\n');
    stream.write_all(&bytes).await.map_err(gone)?;
    Ok(Answers(BufReader::new(stream.take(LIMIT)).lines()))
}

/// Asks for one reply; none if the supervisor ended instead.
///
/// # Errors
/// None runs there, or it refused.
pub async fn one_answer(dir: &RuntimeDir, request: &Request) -> Result<Option<Reply>, SupervisorError> {
    match ask(dir, request).await?.next().await {
        Some(Reply::Refused { reason }) => Err(SupervisorError::Refused(reason)),
        Some(Reply::Unknown { reason }) => Err(SupervisorError::UnknownName(reason)),
        other => Ok(other),
    }
}

/// Gives each line that these processes have said and, if they are to be followed, say until the supervisor ends to
/// `each`, until that says that it has enough.
///
/// # Errors
/// None runs there, or a name means nothing.
pub async fn lines(
    dir: &RuntimeDir,
    names: Vec<String>,
    past: Past,
    follow: bool,
    mut each: impl FnMut(Line) -> bool,
) -> Result<(), SupervisorError> {
    let mut answers = ask(dir, &Request::Logs { names, past, follow }).await?;
    while let Some(reply) = answers.next().await {
        let line = match reply {
            Reply::Line { process, text, at_ms } => Line { process: process.into(), text, at_ms },
            Reply::Refused { reason } => return Err(SupervisorError::Refused(reason)),
            _ => continue,
        };
        if !each(line) {
            break;
        }
    }
    Ok(())
}
