//! How a crawler comes to life: as a child of the supervisor, or started by hand with a token of its own. Each way
//! in which it cannot is one sentence and one exit code.

use crate::{
    Credentials, End, Worker, WorkerOptions,
    attempt::Registry as _,
    forge::{Forge, client_options},
    links::Links,
    registry::Families,
};
use secrecy::SecretString;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trawl_gitlab::{Client, Endpoint, Error, Retry};
use trawl_protocol::{
    AUTH_SOCKET_ENV, Arrivals, BUS_SOCKET_ENV, Boot, Bus, BusOptions, CredentialReader, Hello, LaunchSecret, Role,
    auth::{CREDENTIALS_ENV, from_text},
    handshake::ConnectError,
    secret::LAUNCH_FD_ENV,
};
use trawl_settings::{Settings, exit};

/// Address of the instance, for a crawler that is started by hand.
pub const GITLAB_URL_ENV: &str = "GITLAB_URL";
/// Token for that instance.
pub const GITLAB_TOKEN_ENV: &str = "GITLAB_TOKEN";

/// How long a child waits for its first credentials before it says that it is there.
const FIRST_CREDENTIALS: Duration = Duration::from_secs(5);
/// How long an aborted job may take to stop.
const ABORT_GRACE: Duration = Duration::from_secs(10);
/// How long handing jobs back may take.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// How long the last acknowledgements may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why there is no crawler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Problem {
    /// Exit code, one of [`trawl_settings::exit`].
    pub code: u8,
    /// What is wrong and what to do.
    pub sentence: String,
}

impl Problem {
    /// A problem with this exit code.
    pub fn new(code: u8, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }
}

/// What the environment says.
#[derive(Debug)]
pub struct Launch {
    socket: PathBuf,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Child { credentials: Told, secret: LaunchSecret },
    Alone { instance_url: String, token: SecretString },
}

/// How a child is told its credentials.
#[derive(Debug)]
enum Told {
    /// Over this socket, and anew whenever they change.
    Over(PathBuf),
    /// In its environment, once.
    Once(trawl_protocol::auth::Credentials),
}

impl Launch {
    /// Reads the environment through `variable`; `secret` is what the supervisor handed over, if it did.
    ///
    /// # Errors
    /// Something is missing; the sentence names all of it.
    pub fn read(variable: impl Fn(&str) -> Option<String>, secret: Option<LaunchSecret>) -> Result<Self, Problem> {
        let mut missing = Vec::new();
        let mut needed = |name: &'static str| {
            let value = variable(name).filter(|value| !value.is_empty());
            if value.is_none() {
                missing.push(name);
            }
            value.unwrap_or_default()
        };
        let socket = PathBuf::from(needed(BUS_SOCKET_ENV));
        let way = match secret {
            Some(secret) => Way::Child { credentials: told(&mut needed, &variable)?, secret },
            None => Way::Alone {
                instance_url: needed(GITLAB_URL_ENV).trim().trim_end_matches('/').to_owned(),
                token: needed(GITLAB_TOKEN_ENV).trim().to_owned().into(),
            },
        };
        match (missing.as_slice(), &way) {
            ([], _) => Ok(Self { socket, way }),
            (missing, Way::Child { .. }) => Err(Problem::new(
                exit::CONFIG,
                format!(
                    "{LAUNCH_FD_ENV} is set without {}, so this is no environment of a supervisor; start \
                     crawlers with `supervisor start`",
                    listed(missing)
                ),
            )),
            (missing, Way::Alone { .. }) => Err(Problem::new(
                exit::CONFIG,
                format!(
                    "a crawler that is started by hand needs {} in its environment; set what is missing (see \
                     `crawler --help`), or run `supervisor start`, which starts crawlers by itself",
                    listed(missing)
                ),
            )),
        }
    }

    /// Joins the supervisor and works until `shutdown`.
    ///
    /// # Errors
    /// GitLab does not accept the token or cannot be reached, or there is no supervisor.
    pub async fn run(self, settings: &Settings, shutdown: CancellationToken) -> Result<(), Problem> {
        let joined = tokio::select! {
            joined = self.join(settings) => joined?,
            () = shutdown.cancelled() => return Ok(()),
        };
        let end = joined.worker.run(joined.incoming, shutdown).await;
        let pump = match end {
            // All handles are gone: it says what is left to say, and ends.
            End::Stopped => tokio::time::timeout(FAREWELL, joined.pump).await.unwrap_or(Ok(Ok(()))),
            End::BusLost => joined.pump.await,
        };
        match pump {
            Ok(Err(error)) => Err(no_supervisor(&error)),
            _ => Ok(()),
        }
    }

    async fn join(self, settings: &Settings) -> Result<Joined, Problem> {
        let mut hello = Hello {
            role: Role::Crawler,
            boot: Boot::random(),
            secret: None,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            capacity: settings.crawler.max_jobs,
            kinds: Vec::new(),
            own_instance: None,
        };
        let credentials = match self.way {
            Way::Child { credentials, secret } => {
                hello.secret = Some(secret);
                Credentials::Handed(match credentials {
                    Told::Over(socket) => follow_credentials(socket, &hello).await,
                    Told::Once(list) => CredentialReader::fixed(list),
                })
            }
            Way::Alone { instance_url, token } => {
                check_token(&instance_url, &token, settings).await?;
                hello.own_instance = Some(instance_url.clone());
                Credentials::Own { instance_url, token }
            }
        };
        let links = Links::new(&settings.links)
            .map_err(|error| Problem::new(exit::CONFIG, format!("links cannot be checked: {error}")))?;
        let forge = Forge::new(credentials, &settings.forge, Retry::default());
        let families = Families { forge: Arc::new(forge), links: Arc::new(links) };
        hello.kinds = families.kinds();
        let options = BusOptions { socket: self.socket, hello, carry_over: true, patient: false };
        let (bus, incoming, pump) = Bus::connect(options).await.map_err(|error| no_supervisor(&error))?;
        Ok(Joined { worker: Worker::new(bus, Arc::new(families), worker_options(settings)), incoming, pump })
    }
}

fn told(
    needed: &mut impl FnMut(&'static str) -> String,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Told, Problem> {
    let Some(text) = variable(CREDENTIALS_ENV) else { return Ok(Told::Over(needed(AUTH_SOCKET_ENV).into())) };
    let unreadable =
        || format!("{CREDENTIALS_ENV} holds no list of credentials; start crawlers with `supervisor start`");
    from_text(&text).map(Told::Once).ok_or_else(|| Problem::new(exit::CONFIG, unreadable()))
}

/// A worker that is on the bus.
struct Joined {
    worker: Worker,
    incoming: Arrivals,
    pump: JoinHandle<Result<(), ConnectError>>,
}

fn no_supervisor(error: &ConnectError) -> Problem {
    Problem::new(exit::NO_SUPERVISOR, format!("cannot join the supervisor: {error}"))
}

fn worker_options(settings: &Settings) -> WorkerOptions {
    WorkerOptions {
        heartbeat: Duration::from_millis(settings.pipeline.heartbeat_ms),
        abort_grace: ABORT_GRACE,
        shutdown_grace: SHUTDOWN_GRACE,
    }
}

/// The supervisor's list. Jobs may come as soon as we say that we are there, so the list is waited for, though not
/// without end: a job whose credential is missing waits by itself.
async fn follow_credentials(socket: PathBuf, hello: &Hello) -> CredentialReader {
    let mut reader = CredentialReader::start(socket, hello.clone());
    if tokio::time::timeout(FIRST_CREDENTIALS, reader.changed()).await.is_err() {
        tracing::warn!("no credentials have come yet; jobs that need one will wait");
    }
    reader
}

/// Asks GitLab whether the token is good, before anybody gives us work for it.
async fn check_token(instance_url: &str, token: &SecretString, settings: &Settings) -> Result<(), Problem> {
    let bad_url = |why: String| {
        Problem::new(
            exit::CONFIG,
            format!(
                "{GITLAB_URL_ENV} is {instance_url:?}, which cannot be used ({why}); set it to an address such as https://gitlab.example.com"
            ),
        )
    };
    let base_url = instance_url.parse().map_err(|error: url::ParseError| bad_url(error.to_string()))?;
    let endpoint = Endpoint { base_url, token: token.clone() };
    let retry = Retry { attempts: 2, ..Retry::default() };
    let asked = match Client::new(&endpoint, &client_options(&settings.forge, retry)) {
        Ok(client) => client.current_user().await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(account) => {
            tracing::info!(user.id = account.person.id, "GitLab at {instance_url} accepts the token");
            Ok(())
        }
        Err(Error::InvalidEndpoint(why)) => Err(bad_url(why)),
        Err(error @ (Error::Unauthorized | Error::Forbidden)) => Err(Problem::new(
            exit::BAD_TOKEN,
            format!(
                "asking {instance_url}: cannot {error}; put a token with the scope read_api that has not expired into \
                 {GITLAB_TOKEN_ENV}"
            ),
        )),
        Err(error) => Err(Problem::new(
            exit::NO_GITLAB,
            format!("asking {instance_url}: cannot {error}; check {GITLAB_URL_ENV} and the network, then start again"),
        )),
    }
}

/// Names as in "A, B and C".
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], secret: Option<LaunchSecret>) -> Result<Launch, Problem> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Launch::read(find, secret)
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let problem = read(&[("GITLAB_URL", "")], None).unwrap_err();
        assert_eq!(problem.code, exit::CONFIG);
        assert!(problem.sentence.contains("SUPERVISOR_SOCKET_PATH, GITLAB_URL and GITLAB_TOKEN in its"), "{problem}");
        let problem = read(&[("SUPERVISOR_SOCKET_PATH", "/s")], Some(LaunchSecret::random())).unwrap_err();
        assert!(problem.sentence.contains("without AUTH_IPC_SOCKET_PATH, so"), "{problem}");
    }

    #[test]
    fn a_token_never_shows() {
        let all =
            [("SUPERVISOR_SOCKET_PATH", "/s"), ("GITLAB_URL", "https://x.example.com/"), ("GITLAB_TOKEN", "s3cret")];
        let launch = read(&all, None).unwrap();
        assert!(matches!(&launch.way, Way::Alone { instance_url, .. } if instance_url == "https://x.example.com"));
        assert!(!format!("{launch:?}").contains("s3cret"));
    }

    #[tokio::test]
    async fn a_wrong_address_and_an_absent_gitlab_are_told_apart() {
        let check = async |url: &str| check_token(url, &"t".to_owned().into(), &Settings::default()).await.unwrap_err();
        assert_eq!(check("gitlab.example.com").await.code, exit::CONFIG);
        assert_eq!(check("ftp://gitlab.example.com").await.code, exit::CONFIG);
        // Port 9 is closed: nobody discards any more.
        assert_eq!(check("http://127.0.0.1:9").await.code, exit::NO_GITLAB);
    }
}
