//! What to start each part with: program, arguments, environment, inherited socket.

use crate::{
    demo::{GITLAB_URL_ENV, SIMULATOR_ARGUMENTS},
    error::{SupervisorError, doing},
    listen,
    part::Part,
    runtime_dir::RuntimeDir,
    spawn::Launch,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};
use trawl_protocol::{AUTH_SOCKET_ENV, BUS_SOCKET_ENV, LaunchSecret, PROCESS_ENV, SUCCESSOR_ENV};
use trawl_settings::logging::UNTIMED_ENV;

/// Names the directory of the programs, for tests; without it they lie beside the supervisor's own.
pub const BIN_DIR_ENV: &str = "TRAWL_BIN_DIR";

/// Everything that children are started with.
#[derive(Debug)]
pub struct Launcher {
    programs: PathBuf,
    environment: BTreeMap<String, OsString>,
    listen: SocketAddr,
    demo: bool,
    /// What crawlers are told in their environment, where they are told it there.
    credentials: Option<SecretString>,
    website: Option<TcpListener>,
    simulator: Option<TcpListener>,
}

impl Launcher {
    /// For children of a supervisor in `runtime` that are told `environment` besides what all are told.
    ///
    /// # Errors
    /// We cannot find ourselves.
    pub fn new(
        runtime: &RuntimeDir,
        listen: SocketAddr,
        demo: bool,
        mut environment: BTreeMap<String, OsString>,
    ) -> Result<Self, SupervisorError> {
        environment.insert(BUS_SOCKET_ENV.to_owned(), runtime.bus_socket().into_os_string());
        environment.insert(AUTH_SOCKET_ENV.to_owned(), runtime.auth_socket().into_os_string());
        environment.insert(UNTIMED_ENV.to_owned(), "1".into());
        Ok(Self { programs: programs()?, environment, listen, demo, credentials: None, website: None, simulator: None })
    }

    /// What crawlers that start from now on are told in their environment. Returns whether it is something else.
    pub fn tell(&mut self, credentials: Option<SecretString>) -> bool {
        let before = std::mem::replace(&mut self.credentials, credentials);
        let text = SecretString::expose_secret;
        before.as_ref().map(text) != self.credentials.as_ref().map(text)
    }

    /// Sees to it that `part` can be started: its program is there and its address is ours.
    ///
    /// # Errors
    /// It is not.
    pub fn prepare(&mut self, part: Part) -> Result<(), SupervisorError> {
        let program = self.programs.join(part.program());
        if !program.is_file() {
            return Err(SupervisorError::MissingBinary(program));
        }
        match part {
            Part::Website if self.website.is_none() => {
                self.website = Some(listen::website_listener(self.listen, self.demo)?);
            }
            Part::GitlabSim if self.simulator.is_none() => {
                let listener = listen::free_port().map_err(doing("listen on a free port"))?;
                let url = format!("http://{}", listener.local_addr().map_err(doing("read an address"))?);
                self.environment.insert(GITLAB_URL_ENV.to_owned(), url.into());
                self.simulator = Some(listener);
            }
            _ => {}
        }
        Ok(())
    }

    /// Where `part` is reached over HTTP, if it is.
    #[must_use]
    pub fn address(&self, part: Part) -> Option<SocketAddr> {
        let listener = match part {
            Part::Website => self.website.as_ref(),
            Part::GitlabSim => self.simulator.as_ref(),
            Part::Crawler(_) => None,
        };
        listener?.local_addr().ok()
    }

    /// What to start `part` with, in the place of one that still runs if it is a `successor`.
    ///
    /// # Errors
    /// Its socket cannot be duplicated.
    pub fn launch(&self, part: Part, secret: LaunchSecret, successor: bool) -> std::io::Result<Launch> {
        let mut environment = self.environment.clone();
        environment.insert(PROCESS_ENV.to_owned(), part.to_string().into());
        if successor {
            environment.insert(SUCCESSOR_ENV.to_owned(), "1".into());
        }
        let listener = match part {
            Part::Website => self.website.as_ref(),
            Part::GitlabSim => self.simulator.as_ref(),
            Part::Crawler(_) => None,
        };
        if let Some(address) = self.address(part).filter(|address| *address != self.listen && part == Part::Website) {
            // So that the links that it shows lead to where it really is.
            environment.insert("TRAWL_SERVER__LISTEN".to_owned(), address.to_string().into());
        }
        let arguments: &[&str] = if part == Part::GitlabSim { &SIMULATOR_ARGUMENTS } else { &[] };
        Ok(Launch {
            program: self.programs.join(part.program()),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment,
            listener: listener.map(TcpListener::try_clone).transpose()?,
            secret,
            credentials: self.credentials.clone().filter(|_| matches!(part, Part::Crawler(_))),
        })
    }
}

/// Where the programs are.
///
/// # Errors
/// Our own place cannot be told.
pub(crate) fn programs() -> Result<PathBuf, SupervisorError> {
    if let Some(dir) = env::var_os(BIN_DIR_ENV).filter(|dir| !dir.is_empty()) {
        return Ok(dir.into());
    }
    let mut own = env::current_exe().map_err(doing("find the supervisor's own program"))?;
    own.pop();
    Ok(own)
}
