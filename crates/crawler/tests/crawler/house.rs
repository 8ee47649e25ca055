//! Supervisor and website in one, played by the test frame by frame, so that it decides what is acknowledged when.

use futures_util::{SinkExt as _, StreamExt as _};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use trawl_crawler::{End, Registry, Worker, WorkerOptions};
use trawl_jobs::{AccountId, AreaRef, Change, JobId, Lease, Outcome, Progress, Record, Report};
use trawl_protocol::{
    Boot, Bus, BusOptions, Frame, Header, Hello, Kind, Message, Peer, ProcessId, Role, StartJob,
    codec::BUS_FRAME_LIMIT,
    handshake::{self, Connection},
    socket::Listener,
    window::{Arrival, Inbox, Piece},
};

/// No test takes as long: one that waits for what never comes says where.
const PATIENCE: Duration = Duration::from_secs(20);
const CRAWLER: ProcessId = ProcessId::crawler(1);

/// A house with one worker in it.
pub(crate) struct House {
    _dir: TempDir,
    _listener: Listener,
    connection: Connection,
    crawler_boot: Boot,
    website_boot: Boot,
    connections: u32,
    /// Position of the last frame that was sent.
    sent: u64,
    inbox: Inbox,
    pub(crate) shutdown: CancellationToken,
    worker: Option<JoinHandle<End>>,
    deadline: Instant,
}

/// A report as it came, with its position in the stream.
pub(crate) struct Arrived {
    pub(crate) report: Report,
    pub(crate) seq: u64,
}

impl House {
    pub(crate) async fn new(registry: impl Registry) -> Self {
        Self::with_options(
            registry,
            WorkerOptions {
                heartbeat: Duration::from_millis(50),
                abort_grace: Duration::from_millis(50),
                shutdown_grace: Duration::from_secs(10),
            },
        )
        .await
    }

    pub(crate) async fn with_options(registry: impl Registry, options: WorkerOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bus.sock");
        let listener = Listener::bind(&path).unwrap();
        let hello = Hello {
            role: Role::Crawler,
            boot: Boot::random(),
            secret: None,
            build: "test".to_owned(),
            capacity: 8,
            kinds: registry.kinds(),
            own_instance: None,
        };
        let connect = tokio::spawn(Bus::connect(BusOptions { socket: path, hello, carry_over: true, patient: false }));
        let mut house = Self::admit(dir, listener).await.0;
        let (bus, incoming, _) = connect.await.unwrap().unwrap();
        let worker = Worker::new(bus, Arc::new(registry), options).run(incoming, house.shutdown.clone());
        house.worker = Some(tokio::spawn(worker));
        house
    }

    /// A house for a worker that is another process and connects to `listener` by itself.
    pub(crate) async fn admit(dir: TempDir, listener: Listener) -> (Self, Hello) {
        let (mut connection, hello) = handshake::accept(listener.accept().await.unwrap()).await.unwrap();
        handshake::welcome(&mut connection, CRAWLER, BUS_FRAME_LIMIT).await.unwrap();
        let mut house = Self {
            _dir: dir,
            _listener: listener,
            connection,
            crawler_boot: hello.boot,
            website_boot: Boot::random(),
            connections: 1,
            sent: 0,
            inbox: Inbox::default(),
            shutdown: CancellationToken::new(),
            worker: None,
            deadline: Instant::now() + PATIENCE,
        };
        house.tell_peers().await;
        (house, hello)
    }

    /// The website dies and another life of it takes its place.
    pub(crate) async fn restart_website(&mut self) {
        self.website_boot = Boot::random();
        self.sent = 0;
        self.inbox = Inbox::default();
        self.tell_peers().await;
    }

    async fn tell_peers(&mut self) {
        self.connections += 1;
        let website = Peer {
            id: ProcessId::WEBSITE,
            boot: self.website_boot,
            role: Role::Website,
            connection: Some(self.connections),
            capacity: 0,
            kinds: Vec::new(),
            own_instance: None,
        };
        let header = Header::plain(Kind::Peers, ProcessId::SUPERVISOR, CRAWLER);
        self.connection.send(Frame::of(header, &vec![website]).unwrap()).await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: &Message) {
        self.sent += 1;
        let header = self.header(Kind::Message, self.sent);
        self.connection.send(Frame::of(header, message).unwrap()).await.unwrap();
    }

    pub(crate) async fn start(&mut self, order: StartJob) {
        self.send(&Message::StartJob(Box::new(order))).await;
    }

    /// Everything up to this is dealt with for good.
    pub(crate) async fn acknowledge(&mut self, seq: u64) {
        let header = self.header(Kind::Ack, seq);
        self.connection.send(Frame::new(header, &[])).await.unwrap();
    }

    fn header(&self, kind: Kind, seq: u64) -> Header {
        Header {
            kind,
            more: false,
            from: ProcessId::WEBSITE,
            to: CRAWLER,
            from_boot: self.website_boot,
            to_boot: self.crawler_boot,
            seq,
        }
    }

    /// The next message or signal, with its position in the stream; acks and the like are passed over.
    pub(crate) async fn next(&mut self) -> (Message, u64) {
        let next = async {
            loop {
                let frame = self.connection.next().await.expect("the worker hung up").unwrap();
                let Header { kind, from_boot, to_boot, seq, more, .. } = frame.header;
                match kind {
                    Kind::Signal if to_boot == self.website_boot => return (frame.value().unwrap(), 0),
                    Kind::Message if to_boot == self.website_boot => {
                        if let Arrival::Message(body) =
                            self.inbox.arrive(from_boot, Piece { seq, more, body: &frame.body() })
                        {
                            return (trawl_protocol::decode(&body).unwrap(), seq);
                        }
                    }
                    _ => {}
                }
            }
        };
        timeout_at(self.deadline, next).await.expect("what is waited for never came")
    }

    /// The next report. It is not acknowledged.
    pub(crate) async fn report(&mut self) -> Arrived {
        loop {
            if let (Message::JobUpdate(report), seq) = self.next().await {
                return Arrived { report: *report, seq };
            }
        }
    }

    /// Everything that comes up to the end of this lease, acknowledged as it comes.
    pub(crate) async fn until_finished(&mut self, lease: Lease) -> Told {
        let mut told = Told::default();
        loop {
            let arrived = self.report().await;
            self.acknowledge(arrived.seq).await;
            assert_eq!(arrived.report.lease, lease);
            if told.take(arrived.report) {
                return told;
            }
        }
    }

    /// Waits for the next sign of life.
    pub(crate) async fn heartbeat(&mut self) {
        while !matches!(self.next().await, (Message::Heartbeat { .. }, _)) {}
    }

    /// Which leases the worker holds. The answer is not acknowledged.
    pub(crate) async fn holdings(&mut self) -> Vec<Lease> {
        self.send(&Message::AskHoldings(Boot(1))).await;
        loop {
            if let (Message::Holdings(_, leases), _) = self.next().await {
                return leases;
            }
        }
    }

    /// How the worker ended.
    pub(crate) async fn ended(&mut self) -> End {
        let worker = self.worker.take().unwrap();
        timeout_at(self.deadline, worker).await.expect("the worker does not end").unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.abort();
        }
    }
}

/// What a job said, put together.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) seqs: Vec<i64>,
    pub(crate) records: Vec<Record>,
    /// Objects of which everything has come that hangs on them.
    pub(crate) whole_parents: Vec<i64>,
    pub(crate) sightings: Vec<trawl_jobs::Sighting>,
    pub(crate) areas: Vec<trawl_jobs::FoundArea>,
    pub(crate) messages: Vec<String>,
    pub(crate) cursors: Vec<String>,
    pub(crate) items: Vec<trawl_jobs::Item>,
    pub(crate) progress: Progress,
    pub(crate) outcome: Option<Outcome>,
}

impl Told {
    /// Takes a report; true when it is the last one.
    pub(crate) fn take(&mut self, report: Report) -> bool {
        self.seqs.push(report.seq);
        for change in report.changes {
            match change {
                Change::Progress(progress) => self.progress = progress,
                Change::Message { text, .. } => self.messages.push(text),
                Change::Discovered(areas) => self.areas.extend(areas),
                Change::Records(records) => self.records.extend(records),
                Change::Children { of, .. } => self.whole_parents.extend(of),
                Change::Sightings(_, seen) => self.sightings.extend(seen),
                Change::Items(items) => self.items.extend(items),
                Change::Cursor(cursor) => self.cursors.push(cursor),
                Change::Finished(outcome) => self.outcome = Some(outcome),
            }
        }
        self.outcome.is_some()
    }
}

/// A new lease of a new job.
pub(crate) fn lease() -> Lease {
    Lease { job: JobId::new(), token: 1 }
}

/// An order of this kind.
pub(crate) fn order(kind: &str, lease: Lease) -> StartJob {
    StartJob {
        lease,
        kind: kind.to_owned(),
        payload: "{}".to_owned(),
        instance_url: Some("https://gitlab.example.com".to_owned()),
        accounts: vec![AccountId(1)],
        area: None::<AreaRef>,
        cursor: None,
        progress: Progress::default(),
        watermark_us: None,
        missed: Vec::new(),
        elsewhere: 0,
    }
}
