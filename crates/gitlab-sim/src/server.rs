//! Starting and ending a simulator: an actix server on a thread of its own.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use actix_web::{App, HttpServer, dev::ServerHandle, rt, web};

use crate::{
    faults::Rule,
    forge::{model::Kind, motion::Change, rights::Reader},
    grants::Grants,
    graphql::schema,
    http::{Shared, handle},
    options::Options,
    state::State,
    truth::{Counts, Fact, ListKind, Scope, counts, facts, keys},
};

/// More than any request that a client has a reason to send, in bytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The socket could not be opened or used.
    #[error("listen for requests")]
    Listen(#[source] io::Error),
    /// The thread could not be started.
    #[error("start the server's thread")]
    Thread(#[source] io::Error),
    /// The thread ended before it served.
    #[error("the server ended while it started")]
    Ended,
}

/// Kinds that `Sim::truth` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TruthKind {
    /// Issues.
    Issues,
    /// Merge requests.
    MergeRequests,
}

/// A running simulator. Dropping it ends it as well, without waiting for its requests.
pub struct Sim {
    address: SocketAddr,
    state: Arc<State>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// Starts a simulator on a free port of this machine.
pub fn start(options: Options) -> Result<Sim, StartError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(StartError::Listen)?;
    start_on(listener, options)
}

/// Starts a simulator on a socket that is already bound.
pub fn start_on(listener: TcpListener, options: Options) -> Result<Sim, StartError> {
    let address = listener.local_addr().map_err(StartError::Listen)?;
    listener.set_nonblocking(true).map_err(StartError::Listen)?;
    let state = Arc::new(State::new(options));
    let (sender, receiver) = mpsc::channel();
    let shared = state.clone();
    let thread = std::thread::Builder::new()
        .name("gitlab-sim".to_owned())
        .spawn(move || rt::System::new().block_on(run(listener, shared, sender)))
        .map_err(StartError::Thread)?;
    let handle = receiver.recv().map_err(|_| StartError::Ended)?.map_err(StartError::Listen)?;
    Ok(Sim { address, state, handle, thread: Some(thread) })
}

async fn run(listener: TcpListener, state: Arc<State>, started: mpsc::Sender<io::Result<ServerHandle>>) {
    let shared = Shared { state: state.clone(), schema: schema() };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(shared.clone()))
            .app_data(web::PayloadConfig::new(LARGEST_BODY))
            .default_service(web::to(handle))
    })
    .workers(1)
    .disable_signals()
    .listen(listener);
    let server = match server {
        Ok(server) => server.run(),
        Err(error) => {
            // Nobody to tell is nobody who waits.
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(server.handle()));
    let moving = rt::spawn(keep_moving(state));
    if let Err(error) = server.await {
        tracing::error!(error = %error, "the simulator failed");
    }
    moving.abort();
}

async fn keep_moving(state: Arc<State>) {
    let Some(every) = state.options.moving else {
        return;
    };
    let mut ticks = tokio::time::interval(every.max(std::time::Duration::from_millis(1)));
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let done = state.advance(1, None);
        tracing::debug!(changes = ?done, "the forge moved");
    }
}

impl Sim {
    /// Its address, such as `http://127.0.0.1:40123`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes `steps` changes now, of one kind or as they come, and says which came about.
    #[expect(clippy::must_use_candidate, reason = "called for what it does")]
    pub fn advance(&self, steps: u32, change: Option<Change>) -> Vec<Change> {
        self.state.advance(steps, change)
    }

    /// Takes somebody out of a group. `false`: they are no member of it.
    #[expect(clippy::must_use_candidate, reason = "called for what it does")]
    pub fn remove_member(&self, username: &str, group_path: &str) -> bool {
        self.state.remove_member(username, group_path)
    }

    /// Replaces the fault rules.
    pub fn set_faults(&self, rules: Vec<Rule>) {
        self.state.faults().replace(rules);
    }

    /// How much there is in whole.
    #[must_use]
    pub fn counts(&self) -> Counts {
        counts(&self.state.world(), Scope::All)
    }

    /// How much a user sees: with `member_only`, of that only what the user is a member of. `None`: no such user.
    #[must_use]
    pub fn counts_for(&self, username: &str, member_only: bool) -> Option<Counts> {
        let world = self.state.world();
        Some(counts(&world, self.scope(username, member_only)?))
    }

    /// Every issue or merge request as it is now, by id.
    #[must_use]
    pub fn truth(&self, kind: TruthKind) -> Vec<Fact> {
        facts(&self.state.world(), kind.into(), Scope::All)
    }

    /// The same, as far as a user sees it.
    #[must_use]
    pub fn truth_for(&self, kind: TruthKind, username: &str, member_only: bool) -> Option<Vec<Fact>> {
        let scope = self.scope(username, member_only)?;
        Some(facts(&self.state.world(), kind.into(), scope))
    }

    /// What is in the lists of a kind now, as `project id/key` and sorted. Members of groups are `ggroup id/user id`.
    #[must_use]
    pub fn keys(&self, kind: ListKind) -> Vec<String> {
        keys(&self.state.world(), kind, Scope::All)
    }

    /// The same, as far as a user may list it. `None`: no such user.
    #[must_use]
    pub fn keys_for(&self, kind: ListKind, username: &str, member_only: bool) -> Option<Vec<String>> {
        let scope = self.scope(username, member_only)?;
        Some(keys(&self.state.world(), kind, scope))
    }

    /// How many requests came to each endpoint since the start, such as `POST /api/graphql`.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.state.requests()
    }

    /// How many requests were answered with 429 because their sender had none left.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.state.refusals()
    }

    /// What has come of signing in.
    #[must_use]
    pub fn grants(&self) -> Grants {
        self.state.grants().figures()
    }

    /// Ends all access tokens that were given for a sign-in, as if their time had come.
    pub fn expire_tokens(&self) {
        self.state.grants().expire();
    }

    /// Ends all sign-ins: somebody has revoked the application.
    pub fn end_sign_ins(&self) {
        self.state.grants().end_all();
    }

    /// Ends it and waits until its socket is closed.
    pub async fn stop(mut self) {
        self.handle.stop(false).await;
        if let Some(thread) = self.thread.take() {
            // Only a panic of a request handler makes this fail, and that was reported there.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    fn scope(&self, username: &str, member_only: bool) -> Option<Scope> {
        let reader = Reader(Some(self.state.world().person(username)?));
        Some(if member_only { Scope::Member(reader) } else { Scope::Seen(reader) })
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // The order is given when the future is made; the thread ends whether that is awaited or not.
            drop(self.handle.stop(false));
            let _ = thread.join();
        }
    }
}

impl From<TruthKind> for Kind {
    fn from(kind: TruthKind) -> Self {
        match kind {
            TruthKind::Issues => Self::Issue,
            TruthKind::MergeRequests => Self::MergeRequest,
        }
    }
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim").field("address", &self.address).finish_non_exhaustive()
    }
}
