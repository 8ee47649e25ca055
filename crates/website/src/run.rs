//! From settings to a website that serves, and back.

use crate::{
    answer,
    app::App,
    credentials::Credentials,
    database, demo,
    events::Hub,
    first_visit::{FirstVisit, Purpose},
    intake::Intake,
    manager::{Rules, dispatcher::Dispatcher, own_jobs::OwnJobs, retention},
    metrics::Metrics,
    nodes,
    processes::Processes,
    renewal, routes, same_origin,
    seal::{Seal, SealError},
    throttle::Throttle,
    traffic::{self, Traffic},
};
use actix_web::{
    App as ActixApp, HttpServer,
    middleware::{Compress, DefaultHeaders, from_fn},
    web::{Data, FormConfig, JsonConfig, PathConfig, QueryConfig},
};
use std::{net::TcpListener, path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trawl_jobs::JobSpec;
use trawl_protocol::{
    AUTH_SOCKET_ENV, Arrivals, BUS_SOCKET_ENV, Boot, Bus, BusOptions, CredentialWriter, Hello, LaunchSecret, Role,
    SUCCESSOR_ENV, handshake::ConnectError,
};
use trawl_settings::{Settings, exit};
use trawl_store::{Db, StoreError, users};

/// Largest form or JSON body. Bytes.
const BODY_LIMIT: usize = 256 * 1024;
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Why the website does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The address.
    #[error(
        "cannot listen on {address}: {source}; stop the program that does, or set server.listen in supervisor.toml (TRAWL_SERVER__LISTEN)"
    )]
    Listen {
        /// Which.
        address: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The supervisor.
    #[error(transparent)]
    Supervisor(#[from] ConnectError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl RunError {
    /// The code to exit with.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Store(StoreError::Newer { .. }) => exit::DATABASE_NEWER,
            Self::Store(StoreError::Behind) => exit::ALONE,
            Self::Store(_) => exit::DATABASE,
            Self::Seal(_) => exit::CONFIG,
            Self::Listen { .. } => exit::ADDRESS,
            Self::Supervisor(_) => exit::NO_SUPERVISOR,
            Self::Other(_) => 1,
        }
    }
}

/// What the supervisor hands down.
#[derive(Debug, Default)]
pub struct Inherited {
    /// The listening socket.
    pub listener: Option<TcpListener>,
    /// Proof that the supervisor started us.
    pub secret: Option<LaunchSecret>,
    /// Whether the website whose place we take still runs: it serves beside us, and plans jobs until it is told to end.
    pub successor: bool,
}

impl Inherited {
    /// What the environment says beside what was handed down already.
    #[must_use]
    pub fn new(listener: Option<TcpListener>, secret: Option<LaunchSecret>) -> Self {
        Self { listener, secret, successor: std::env::var_os(SUCCESSOR_ENV).is_some() }
    }
}

/// Serves until `stop` is cancelled.
///
/// # Errors
/// See [`RunError`].
pub async fn run(settings: Settings, inherited: Inherited, stop: CancellationToken) -> Result<(), RunError> {
    let settings = Arc::new(settings);
    let db = database::open(&settings, !inherited.successor).await?;
    let seal = Seal::open(&settings.state_dir())?;
    seal.agree(&db, &settings.state_dir()).await?;
    let listener = match inherited.listener {
        Some(listener) => listener,
        None => TcpListener::bind(settings.server.listen)
            .map_err(|source| RunError::Listen { address: settings.server.listen.to_string(), source })?,
    };
    let settings = with_real_address(&settings, &listener);
    let mut parts = Parts::assemble(settings, db, seal, inherited.secret, stop.clone());
    let (app, traffic) = (parts.app.clone(), parts.app.traffic.clone());
    let http = HttpServer::new(move || {
        ActixApp::new()
            .app_data(Data::new(app.clone()))
            .app_data(PathConfig::default().error_handler(answer::refuse_path))
            .app_data(QueryConfig::default().error_handler(answer::refuse_query))
            .app_data(FormConfig::default().limit(BODY_LIMIT).error_handler(answer::refuse_form))
            .app_data(JsonConfig::default().limit(BODY_LIMIT).error_handler(answer::refuse_json))
            .wrap(from_fn(same_origin::require))
            .wrap(from_fn(traffic::watch))
            .wrap(Compress::default())
            .wrap(
                DefaultHeaders::new()
                    .add(("Content-Security-Policy", CSP))
                    .add(("X-Content-Type-Options", "nosniff"))
                    .add(("Referrer-Policy", "same-origin"))
                    .add(("Cross-Origin-Opener-Policy", "same-origin")),
            )
            .configure(routes::table)
    })
    .workers(2)
    .on_connect(move |_, extensions| {
        extensions.insert(traffic.connected());
    })
    // Else the end of an answer waits until the kernel of whoever asked has confirmed its beginning: 40 ms.
    .tcp_nodelay(true)
    .disable_signals()
    .shutdown_timeout(3)
    .listen(listener)
    .map_err(|error| RunError::Other(error.to_string()))?
    .run();
    let handle = http.handle();
    let serving = tokio::spawn(http);
    parts.first_visit().await?;
    // Only now, since whoever is connected to the bus is taken to be ready.
    let mut dispatcher = parts.join_bus(&stop).await?;
    if inherited.successor {
        // What the one before us has told its own readers until just now, ours do not know.
        parts.app.hub.missed();
    }
    tracing::info!("the website is ready at {}", parts.app.settings.server.url());
    // It ends with the stop as well, and then either may be seen first.
    let ended = tokio::select! { () = stop.cancelled() => false, _ = &mut dispatcher => true };
    let died = ended && !stop.is_cancelled();
    // Without it nothing runs: better to be started again than to look well.
    stop.cancel();
    tracing::info!("the website is stopping");
    // What was accepted is answered, and whoever keeps a connection is told to make another one: so nobody who asks
    // while one website follows another is refused.
    handle.pause().await;
    parts.app.traffic.calm().await;
    handle.stop(true).await;
    serving.await.ok();
    if died {
        return Err(RunError::Other("the job manager has ended; the log says why".to_owned()));
    }
    if !ended {
        dispatcher.await.ok();
    }
    Ok(())
}

/// A listener on port 0, or one that was handed down, has its own idea of the address.
fn with_real_address(settings: &Settings, listener: &TcpListener) -> Arc<Settings> {
    let mut settings = settings.clone();
    if let Ok(address) = listener.local_addr() {
        settings.server.listen = address;
    }
    Arc::new(settings)
}

/// What is put together before anything is served.
struct Parts {
    app: App,
    dispatcher: Option<Dispatcher>,
    own_jobs: OwnJobs,
    bus: Option<BusOptions>,
    boot: Boot,
}

impl Parts {
    fn assemble(
        settings: Arc<Settings>,
        db: Db,
        seal: Seal,
        secret: Option<LaunchSecret>,
        stopping: CancellationToken,
    ) -> Self {
        let boot = Boot::random();
        let hello = Hello {
            role: Role::Website,
            boot,
            secret,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            capacity: 0,
            kinds: JobSpec::KINDS.iter().map(|kind| (*kind).to_owned()).collect(),
            own_instance: None,
        };
        let socket = |variable| std::env::var_os(variable).map(PathBuf::from);
        let writer = socket(AUTH_SOCKET_ENV).map(|path| CredentialWriter::start(path, hello.clone()));
        let bus = socket(BUS_SOCKET_ENV).map(|socket| BusOptions { socket, hello, carry_over: false, patient: true });
        let pseudonyms = settings.privacy.pseudonymize.then(|| seal.pseudonyms());
        let rules = Rules { pseudonyms, ..Rules::from(&*settings) };
        let (hub, metrics, processes) = (Hub::default(), Metrics::default(), Processes::default());
        let credentials = Credentials::new(seal, writer);
        let host =
            || nix::unistd::gethostname().map_or_else(|_| "node".to_owned(), |name| name.to_string_lossy().into());
        let node = settings.database.node.clone().unwrap_or_else(host);
        let (dispatcher, handle) = Dispatcher::new(
            db.clone(),
            rules,
            (&node, boot),
            (hub.clone(), metrics.clone()),
            credentials.clone(),
            processes.clone(),
        );
        let own_jobs = OwnJobs::new(db.clone(), rules, (&node, boot), (hub.clone(), metrics.clone()), handle.clone());
        let intake = Intake::start(db.clone(), rules, hub.clone(), handle.clone());
        let app = App {
            db,
            settings,
            rules,
            hub,
            metrics,
            credentials,
            processes,
            dispatcher: handle,
            intake,
            first_visit: FirstVisit::default(),
            throttle: Throttle::default(),
            traffic: Traffic::default(),
            stopping,
        };
        Self { app, dispatcher: Some(dispatcher), own_jobs, bus, boot }
    }

    /// Connects to the supervisor, if there is one, and starts the dispatcher.
    async fn join_bus(&mut self, stop: &CancellationToken) -> Result<JoinHandle<()>, RunError> {
        let bus = if let Some(options) = self.bus.take() {
            Some(connect(options, stop.clone()).await?)
        } else {
            tracing::warn!("no supervisor ({BUS_SOCKET_ENV} is not set): jobs are planned, but nobody runs them");
            None
        };
        let renewal = renewal::run(self.app.clone(), stop.clone());
        let Some(dispatcher) = self.dispatcher.take() else {
            return Err(RunError::Other("the dispatcher was started twice".to_owned()));
        };
        let retention = retention::run(self.app.db.clone(), self.app.settings.retention.clone(), stop.clone());
        let told = (self.app.dispatcher.clone(), self.app.credentials.clone());
        let nodes = nodes::run(self.app.db.clone(), self.app.hub.clone(), told, self.boot, stop.clone());
        let own_jobs = self.own_jobs.clone().run(stop.clone());
        let dispatcher = dispatcher.run(bus, stop.clone());
        // One task, so that all have an owner; it ends with the dispatcher.
        Ok(tokio::spawn(async move {
            let beside = async {
                tokio::join!(retention, nodes, own_jobs, renewal);
                std::future::pending::<()>().await;
            };
            tokio::select! { () = dispatcher => {}, () = beside => {} }
        }))
    }

    /// Makes the one-time link where nobody has set Trawl up yet.
    async fn first_visit(&self) -> Result<(), RunError> {
        let other = |error: String| RunError::Other(error);
        let settings = &self.app.settings;
        let url = if let Ok(gitlab) = std::env::var(demo::GITLAB_ENV) {
            demo::prepare(&self.app, gitlab).await.map_err(|error| other(error.to_string()))?
        } else if self.app.db.read(users::is_empty).await? {
            self.app
                .first_visit
                .offer(Purpose::SetUp, &settings.server.url(), &settings.runtime_dir())
                .map_err(|error| other(format!("cannot write the set-up link: {error}")))?
        } else {
            return Ok(());
        };
        // A supervisor shows it to whoever started it.
        if self.bus.is_none() {
            tracing::info!("open {url} to begin");
        }
        Ok(())
    }
}

/// Connects to the supervisor. If it refuses us later on, this website is not wanted any more.
async fn connect(options: BusOptions, stop: CancellationToken) -> Result<(Bus, Arrivals), RunError> {
    let (bus, incoming, task) = tokio::select! {
        connected = Bus::connect(options) => connected?,
        () = stop.cancelled() => return Err(RunError::Other("it was asked to end before it was let in".to_owned())),
    };
    tokio::spawn(async move {
        if let Ok(Err(error)) = task.await {
            tracing::error!(%error, "the supervisor does not take this website back; it ends");
            stop.cancel();
        }
    });
    Ok((bus, incoming))
}

/// How long what does not stop by itself may hold up the end.
pub const STOP_LIMIT: Duration = Duration::from_secs(2);
