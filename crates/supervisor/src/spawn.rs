//! Starting children, from one thread that lives as long as the supervisor: the kernel ties a child's life to the
//! thread that started it.

use command_fds::{CommandFdExt as _, FdMapping};
use nix::{
    sys::{prctl, signal::Signal},
    unistd::{Pid, getpid, getppid},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Write as _},
    net::TcpListener,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
};
use tokio::sync::oneshot;
use trawl_protocol::{LaunchSecret, auth::CREDENTIALS_ENV, secret::LAUNCH_FD_ENV};

/// Where the service manager's convention puts the first inherited socket.
const LISTEN_FD: i32 = 3;
/// Where we put the launch secret.
const SECRET_FD: i32 = 4;
/// Meant for the supervisor alone.
const NOT_INHERITED: [&str; 7] =
    ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "INVOCATION_ID"];

/// What to start.
#[derive(Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// In addition to our own environment.
    pub environment: BTreeMap<String, OsString>,
    /// A socket that it accepts connections on.
    pub listener: Option<TcpListener>,
    /// What it will prove itself with.
    pub secret: LaunchSecret,
    /// What it is told of credentials in its environment, where it is told it there. Not in [`Self::environment`], which
    /// anybody may print.
    pub credentials: Option<SecretString>,
}

/// What was started.
#[derive(Debug)]
pub struct Launched {
    /// Its id, and that of its process group.
    pub pid: Pid,
    /// What it writes on standard output.
    pub stdout: OwnedFd,
    /// What it writes on standard error.
    pub stderr: OwnedFd,
}

type Order = (Launch, oneshot::Sender<io::Result<Launched>>);

/// Handle to the thread.
#[derive(Debug)]
pub struct Spawner(mpsc::Sender<Order>);

impl Spawner {
    /// Starts the thread, and makes this process the one that orphaned grandchildren are handed to.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn start() -> io::Result<Self> {
        prctl::set_child_subreaper(true)?;
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            for (launch, reply) in inbox {
                reply.send(spawn(launch)).ok();
            }
            // Ending would take all children along.
            loop {
                std::thread::park();
            }
        })?;
        Ok(Self(orders))
    }

    /// Starts a child.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn spawn(&self, launch: Launch) -> io::Result<Launched> {
        let (reply, launched) = oneshot::channel();
        let gone = || io::Error::other("the spawning thread is gone");
        self.0.send((launch, reply)).map_err(|_| gone())?;
        launched.await.map_err(|_| gone())?
    }
}

fn spawn(launch: Launch) -> io::Result<Launched> {
    let (secret, mut writer) = io::pipe()?;
    // 32 bytes always fit into a new pipe.
    writer.write_all(launch.secret.as_bytes())?;
    drop(writer);
    let mut mappings = vec![FdMapping { parent_fd: secret.into(), child_fd: SECRET_FD }];
    let mut command = Command::new(&launch.program);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    if let Some(listener) = launch.listener {
        mappings.push(FdMapping { parent_fd: listener.into(), child_fd: LISTEN_FD });
        command.env("LISTEN_FDS", "1");
    }
    command
        .args(&launch.arguments)
        .envs(&launch.environment)
        .env(LAUNCH_FD_ENV, SECRET_FD.to_string())
        .envs(launch.credentials.iter().map(|text| (CREDENTIALS_ENV, text.expose_secret())))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command.fd_mappings(mappings).map_err(io::Error::other)?;
    die_with_this_thread(&mut command);
    let mut child = command.spawn()?;
    let pipes = child.stdout.take().zip(child.stderr.take());
    let (stdout, stderr) = pipes.ok_or_else(|| io::Error::other("the child has no output pipes"))?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok(Launched { pid: Pid::from_raw(pid), stdout: stdout.into(), stderr: stderr.into() })
}

#[expect(unsafe_code, reason = "code between fork and exec cannot be registered in any other way")]
fn die_with_this_thread(command: &mut Command) {
    let supervisor = getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are allowed, and no allocation: the closure makes
    // the system calls prctl and getppid and builds an error from a plain number.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            // It may have died before the call above: then nobody would tell us.
            if getppid() == supervisor { Ok(()) } else { Err(io::Error::from_raw_os_error(nix::libc::ESRCH)) }
        });
    }
}
