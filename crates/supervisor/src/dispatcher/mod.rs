//! The one task that owns the process table. Everything that happens comes to its `select!`; everything that follows
//! from it is done here, in order.

mod ending;
mod lives;
mod reloading;
mod requests;
mod settle;

use crate::{
    broker::List,
    commands::Configured,
    control::Asked,
    launch::Launcher,
    logs::Logs,
    part::Part,
    process::{Process, now_ms},
    reap::Sweeper,
    relay::{Ask, Hub, Ticket},
    restart::RestartPolicy,
    runtime_dir::RuntimeDir,
    spawn::Spawner,
    usage::Meter,
};
use ending::End;
use lives::LifeTasks;
use nix::unistd::Pid;
use requests::Waiter;
use std::{
    collections::HashMap,
    io::{self, IsTerminal as _},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    time::{Interval, MissedTickBehavior, interval, sleep_until},
};
use trawl_protocol::{
    BUS_SOCKET_ENV, ProcessId, ProcessInfo,
    auth::{self, Credentials},
};
use trawl_settings::{CredentialDelivery, Settings, SupervisorSettings};

/// What the rest tells the dispatcher by itself.
#[derive(Debug)]
pub enum Event {
    /// This life of a process answers requests.
    Answers(Part, Pid),
}

/// Everything that can happen.
#[derive(Debug)]
pub struct Inputs {
    events: mpsc::Receiver<Event>,
    asked: mpsc::Receiver<Asked>,
    bus: mpsc::Receiver<Ask<Ticket>>,
    auth: mpsc::Receiver<Ask<ProcessId>>,
    credentials: watch::Receiver<Option<Credentials>>,
    children: Signal,
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    pings: Interval,
}

/// Everything that the dispatcher works with.
#[derive(Debug)]
pub struct Dispatcher {
    /// As it was accepted last.
    configured: Configured,
    /// As it is in effect here: some keys take another supervisor.
    settings: Settings,
    runtime: RuntimeDir,
    policy: RestartPolicy,
    launcher: Launcher,
    spawner: Spawner,
    sweeper: Sweeper,
    hub: Arc<Hub>,
    credentials: watch::Receiver<Option<Credentials>>,
    logs: Logs,
    events: mpsc::Sender<Event>,
    /// In the order of starting.
    processes: Vec<Process>,
    /// By process id.
    tasks: HashMap<Pid, LifeTasks>,
    /// Those that are to be given an heir at the next opportunity.
    heirs_wanted: Vec<Part>,
    /// Those that a new configuration has no place for.
    leaving: Vec<Part>,
    waiters: Vec<Waiter>,
    since_ms: i64,
    /// What we take ourselves.
    meter: Meter,
    /// The table as it was shown last.
    shown: Vec<ProcessInfo>,
    end: Option<End>,
    /// The service manager has been told that we are ready.
    notified: bool,
    /// The service manager wants to hear from us again and again.
    watched: bool,
    /// Somebody started us by hand.
    on_terminal: bool,
}

/// What a dispatcher is made from.
#[derive(Debug)]
pub struct Parts {
    /// The configuration.
    pub configured: Configured,
    /// Where the sockets are.
    pub runtime: RuntimeDir,
    /// What to start children with; prepared for those that are wanted.
    pub launcher: Launcher,
    /// The thread that starts them.
    pub spawner: Spawner,
    /// The bus.
    pub hub: Arc<Hub>,
    /// Credentials.
    pub list: List,
    /// Where lines go.
    pub logs: Logs,
    /// The parts of this system, and whether each is wanted now.
    pub parts: Vec<(Part, bool)>,
}

/// The other ends of [`Inputs`].
#[derive(Debug)]
pub struct Outputs {
    /// For the control socket.
    pub asked: mpsc::Sender<Asked>,
    /// For the bus socket.
    pub bus: mpsc::Sender<Ask<Ticket>>,
    /// For the credentials socket.
    pub auth: mpsc::Sender<Ask<ProcessId>>,
}

/// A dispatcher that has not begun yet, and the ends that the sockets need.
///
/// # Errors
/// Signals cannot be caught.
pub fn build(parts: Parts) -> io::Result<(Dispatcher, Inputs, Outputs)> {
    let (events, event_receiver) = mpsc::channel(64);
    let (asked, asked_receiver) = mpsc::channel(64);
    let (bus, bus_receiver) = mpsc::channel(64);
    let (auth, auth_receiver) = mpsc::channel(64);
    let credentials = parts.list.subscribe();
    let settings = parts.configured.settings.clone();
    let inputs = Inputs {
        events: event_receiver,
        asked: asked_receiver,
        bus: bus_receiver,
        auth: auth_receiver,
        credentials: credentials.clone(),
        children: signal(SignalKind::child())?,
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
        hangup: signal(SignalKind::hangup())?,
        pings: pings(&settings.supervisor),
    };
    let processes = parts.parts.iter().map(|(part, wanted)| {
        let mut process = Process::new(*part);
        if *wanted {
            process.want();
        }
        process
    });
    let sweeper = Sweeper::new(BUS_SOCKET_ENV, &parts.runtime.bus_socket());
    let dispatcher = Dispatcher {
        policy: RestartPolicy::from(&settings.supervisor),
        configured: parts.configured,
        settings,
        since_ms: now_ms(),
        meter: Meter::default(),
        runtime: parts.runtime,
        launcher: parts.launcher,
        spawner: parts.spawner,
        sweeper,
        hub: parts.hub,
        credentials,
        logs: parts.logs,
        events,
        processes: processes.collect(),
        tasks: HashMap::new(),
        heirs_wanted: Vec::new(),
        leaving: Vec::new(),
        waiters: Vec::new(),
        shown: Vec::new(),
        end: None,
        notified: false,
        watched: sd_notify::watchdog_enabled().is_some(),
        on_terminal: io::stdout().is_terminal(),
    };
    Ok((dispatcher, inputs, Outputs { asked, bus, auth }))
}

/// When to ask everybody whether they are there: often enough for a few chances to answer in time.
fn pings(settings: &SupervisorSettings) -> Interval {
    let watchdog = Duration::from_secs(settings.watchdog_seconds.max(1));
    let mut pings = interval((watchdog / 5).min(Duration::from_secs(3)));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

impl Dispatcher {
    /// Runs the system until its end. Returns the exit code.
    pub async fn run(mut self, mut inputs: Inputs) -> u8 {
        loop {
            self.settle().await;
            if let Some(code) = self.ended() {
                self.sweep(&mut inputs.children).await;
                return code;
            }
            let due = self.processes.iter().filter_map(Process::due).min();
            tokio::select! {
                _ = inputs.children.recv() => self.reap().await,
                _ = inputs.interrupt.recv() => self.asked_to_end(),
                _ = inputs.terminate.recv() => self.asked_to_end(),
                _ = inputs.hangup.recv() => self.hung_up(&mut inputs.pings),
                Some(event) = inputs.events.recv() => self.event(&event),
                Some(asked) = inputs.asked.recv() => self.request(asked, &mut inputs.pings),
                Some(ask) = inputs.bus.recv() => self.admit_to_bus(ask),
                Some(ask) = inputs.auth.recv() => self.admit_to_auth(ask),
                // What else follows from it, settling finds out.
                Ok(()) = inputs.credentials.changed() => self.credentials_changed(),
                _ = inputs.pings.tick() => self.watch(),
                () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => self.overdue(),
            }
        }
    }

    /// On a terminal it is gone, and with it whoever could press Ctrl+C.
    fn hung_up(&mut self, pings: &mut Interval) {
        if self.on_terminal {
            self.asked_to_end();
        } else {
            self.reload(pings).ok();
        }
    }

    /// Crawlers that are told in their environment have to be started again to be told anew.
    fn credentials_changed(&mut self) {
        let list = self.credentials.borrow().clone();
        let in_environment = self.settings.supervisor.credentials == CredentialDelivery::Environment;
        let text = list.as_ref().filter(|_| in_environment).map(auth::to_text);
        if self.launcher.tell(text) && !self.is_ending() {
            let alive = |process: &&Process| matches!(process.part, Part::Crawler(_)) && process.life().is_some();
            let crawlers: Vec<Part> = self.processes.iter().filter(alive).map(|process| process.part).collect();
            self.each(&crawlers, Process::restart);
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Answers(part, pid) => {
                if let Some(process) = self.process(*part)
                    && process.life().is_some_and(|life| life.pid == *pid)
                {
                    self.ready(*part);
                }
            }
        }
    }

    fn process(&mut self, part: Part) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.part == part)
    }
}
