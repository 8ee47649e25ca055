//! The bus with real sockets and real clients, all in this process.

use super::{Ask, Counts, Door, Hub, Member, Ticket, open};
use crate::{
    admission::{Child, Identity, identify},
    system::serve_bus,
};
use futures_util::{SinkExt as _, StreamExt as _};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    task::JoinSet,
};
use trawl_jobs::{JobId, Lease};
use trawl_protocol::{
    Arrivals, Boot, Bus, BusOptions, Frame, Header, Hello, Incoming, Kind, LaunchSecret, Message, Peer, ProcessId,
    Refusal, Role,
    codec::BUS_FRAME_LIMIT,
    handshake::{self, ConnectError, Connection},
    socket::{self, Listener},
};

const CRAWLER: ProcessId = ProcessId::crawler(1);

struct System {
    dir: tempfile::TempDir,
    hub: Arc<Hub>,
    secrets: [LaunchSecret; 2],
    tasks: JoinSet<()>,
}

impl System {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hub = Arc::new(Hub::default());
        let mut this =
            Self { dir, hub, secrets: [LaunchSecret::random(), LaunchSecret::random()], tasks: JoinSet::new() };
        this.open();
        this
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("bus.sock")
    }

    fn open(&mut self) {
        let (asks, mut asked) = mpsc::channel::<Ask<Ticket>>(8);
        let (hub, secrets) = (Arc::clone(&self.hub), self.secrets.clone());
        self.tasks.spawn(async move {
            while let Some(ask) = asked.recv().await {
                let ids = [ProcessId::WEBSITE, CRAWLER].into_iter().zip(&secrets);
                let pid = std::process::id();
                let children = ids.map(|(id, secret)| Child { id, pid, secret: secret.clone() });
                let admitted = identify(children, true, Door::Bus, ask.peer, &ask.hello).and_then(|identity| {
                    let (id, supervised) = match identity {
                        Identity::Child(id) => (id, true),
                        Identity::External => (hub.external_id(ask.hello.boot).unwrap(), false),
                    };
                    hub.admit(&Member { id, pid, supervised }, ask.hello)
                });
                ask.answer.send(admitted).ok();
            }
        });
        let hub = Arc::clone(&self.hub);
        let listener = Listener::bind(&self.socket()).unwrap();
        self.tasks.spawn(open(listener, Door::Bus, asks, move |connection, ticket| {
            serve_bus(connection, ticket, Arc::clone(&hub))
        }));
    }

    fn hello(&self, role: Role) -> Hello {
        let secret = match role {
            Role::Website => &self.secrets[0],
            Role::Crawler => &self.secrets[1],
        };
        Hello {
            role,
            boot: Boot::random(),
            secret: Some(secret.clone()),
            build: "test".to_owned(),
            capacity: 1,
            kinds: Vec::new(),
            own_instance: None,
        }
    }

    async fn bus(&self, role: Role) -> (Bus, Arrivals) {
        let options = BusOptions { socket: self.socket(), hello: self.hello(role), carry_over: true, patient: false };
        let (bus, incoming, _) = Bus::connect(options).await.unwrap();
        (bus, incoming)
    }

    async fn raw(&self, hello: &Hello) -> Connection {
        handshake::connect(&self.socket(), hello, BUS_FRAME_LIMIT).await.unwrap().0
    }
}

fn message(n: i64, size: usize) -> Message {
    let leases = vec![Lease { job: JobId::default(), token: n }; size.max(1)];
    Message::Holdings(Boot(1), leases)
}

/// The next message; everything else is passed over.
async fn next(incoming: &mut Arrivals, bus: &Bus) -> i64 {
    loop {
        match incoming.recv().await.unwrap() {
            Incoming::Message(Message::Holdings(_, leases), receipt) => {
                bus.acknowledge(receipt).unwrap();
                return leases[0].token;
            }
            Incoming::Message(other, _) => panic!("{other:?}"),
            _ => {}
        }
    }
}

/// The next list of peers in which `wanted` is true.
async fn peers(incoming: &mut Arrivals, wanted: impl Fn(&[Peer]) -> bool) -> Vec<Peer> {
    loop {
        if let Incoming::Peers(peers) = incoming.recv().await.unwrap()
            && wanted(&peers)
        {
            return peers;
        }
    }
}

#[tokio::test]
async fn messages_arrive_though_connections_break() {
    let system = System::start();
    let (website, mut at_website) = system.bus(Role::Website).await;
    let (crawler, mut at_crawler) = system.bus(Role::Crawler).await;
    let mut deliveries = Vec::new();
    for n in 0..300 {
        deliveries.push(crawler.send(ProcessId::WEBSITE, &message(n, 20)).await.unwrap());
        assert_eq!(next(&mut at_website, &website).await, n);
        if n % 100 == 50 {
            // Every connection breaks; the processes stay.
            for queue in system.hub.queues() {
                queue.closed.cancel();
            }
        }
    }
    for delivery in deliveries {
        delivery.acknowledged().await.unwrap();
    }
    website.send(CRAWLER, &message(7, 1)).await.unwrap();
    assert_eq!(next(&mut at_crawler, &crawler).await, 7);
}

#[tokio::test]
async fn a_new_supervisor_is_found_again() {
    let mut system = System::start();
    let (website, mut at_website) = system.bus(Role::Website).await;
    let (crawler, _at_crawler) = system.bus(Role::Crawler).await;
    crawler.send(ProcessId::WEBSITE, &message(1, 1)).await.unwrap();
    assert_eq!(next(&mut at_website, &website).await, 1);
    system.tasks.shutdown().await;
    for queue in system.hub.queues() {
        queue.closed.cancel();
    }
    let delivery = crawler.send(ProcessId::WEBSITE, &message(2, 1)).await.unwrap();
    system.hub = Arc::default();
    system.open();
    assert_eq!(next(&mut at_website, &website).await, 2);
    delivery.acknowledged().await.unwrap();
}

#[tokio::test]
async fn many_messages_need_little_memory() {
    const COUNT: i64 = 200_000;
    let system = System::start();
    let (website, mut at_website) = system.bus(Role::Website).await;
    let (crawler, at_crawler) = system.bus(Role::Crawler).await;
    // Nobody needs to look at what the crawler gets.
    drop(at_crawler);
    let resident_before = resident_kib();
    let sender = tokio::spawn(async move {
        let mut last = None;
        for n in 0..COUNT {
            last = Some(crawler.send(ProcessId::WEBSITE, &message(n, 1)).await.unwrap());
        }
        last.unwrap().acknowledged().await.unwrap();
        crawler
    });
    for n in 0..COUNT {
        assert_eq!(next(&mut at_website, &website).await, n);
    }
    sender.await.unwrap();
    let grown = resident_kib().saturating_sub(resident_before);
    assert!(grown < 64 << 10, "{grown} KiB");
    assert_eq!(system.hub.counts(), Counts::default());
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_wrong_secret_is_refused_for_good() {
    let system = System::start();
    let hello = Hello { secret: Some(LaunchSecret::random()), ..system.hello(Role::Crawler) };
    let refused = handshake::connect(&system.socket(), &hello, BUS_FRAME_LIMIT).await;
    let Err(ConnectError::Refused(Refusal { reason, again: false })) = refused else { panic!("let in") };
    assert_eq!(reason, "it is no process that the supervisor has started");
    assert!(system.hub.peers().is_empty());
}

#[tokio::test]
async fn a_second_life_waits_for_the_end_of_the_first() {
    let system = System::start();
    let first = system.raw(&system.hello(Role::Crawler)).await;
    let second = system.hello(Role::Crawler);
    let refused = handshake::connect(&system.socket(), &second, BUS_FRAME_LIMIT).await;
    assert!(matches!(refused, Err(ConnectError::Refused(Refusal { again: true, .. }))));
    drop(first);
    // The place is free once the relay has seen the end; being told to come again, it comes again.
    let options = BusOptions { socket: system.socket(), hello: second.clone(), carry_over: true, patient: false };
    loop {
        match handshake::connect(&options.socket, &options.hello, BUS_FRAME_LIMIT).await {
            Ok(_) => break,
            Err(ConnectError::Refused(refusal)) => assert!(refusal.again),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(system.hub.peers()[0].boot, second.boot);
}

#[tokio::test]
async fn the_same_life_may_come_again_before_its_end_is_noticed() {
    let system = System::start();
    let hello = system.hello(Role::Crawler);
    let mut first = system.raw(&hello).await;
    let _second = system.raw(&hello).await;
    while let Some(frame) = first.next().await {
        assert_eq!(frame.unwrap().header.kind, Kind::Peers);
    }
    assert_eq!(system.hub.peers()[0].connection, Some(2));
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let system = System::start();
    let (website, mut at_website) = system.bus(Role::Website).await;
    let header = Header::plain(Kind::Message, CRAWLER, ProcessId::WEBSITE).encode();
    let truncated_header = [&[0, 0, 0, 5][..], &header[..5]].concat();
    let unknown_kind = [&[0, 0, 0, 24, 1, 99][..], &header[2..]].concat();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &truncated_header, &unknown_kind, &[0, 0, 0, 0]] {
        let hello = Hello { boot: Boot::random(), ..system.hello(Role::Crawler) };
        let mut stream = system.raw(&hello).await.into_inner();
        stream.write_all(garbage).await.unwrap();
        let ended = stream.read_to_end(&mut Vec::new()).await;
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
        peers(&mut at_website, |peers| peers.iter().any(|peer| peer.boot == hello.boot && peer.connection.is_none()))
            .await;
    }
    // The others never noticed.
    let (crawler, _at_crawler) = system.bus(Role::Crawler).await;
    crawler.send(ProcessId::WEBSITE, &message(1, 1)).await.unwrap();
    assert_eq!(next(&mut at_website, &website).await, 1);
}

#[tokio::test]
async fn garbage_instead_of_hello_costs_nothing() {
    let system = System::start();
    let mut stream = socket::connect(&system.socket()).await.unwrap();
    stream.write_all(&[0x00, 0x10, 0x00, 0x00]).await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.ok();
    assert!(rest.is_empty() && system.hub.peers().is_empty());
}

#[tokio::test]
async fn nobody_speaks_in_the_name_of_another() {
    let system = System::start();
    let (_website, mut at_website) = system.bus(Role::Website).await;
    let hello = system.hello(Role::Crawler);
    for (from, from_boot) in [(ProcessId::crawler(2), hello.boot), (CRAWLER, Boot(1))] {
        let mut connection = system.raw(&hello).await;
        let seen = peers(&mut at_website, |peers| peers.len() == 2 && peers[1].connection.is_some()).await;
        let to_boot = seen[0].boot;
        let header =
            Header { kind: Kind::Message, more: false, from, to: ProcessId::WEBSITE, from_boot, to_boot, seq: 1 };
        connection.send(Frame::of(header, &message(1, 1)).unwrap()).await.unwrap();
        while let Some(Ok(frame)) = connection.next().await {
            assert_eq!(frame.header.kind, Kind::Peers);
        }
        // What comes next is that it is gone, and not its message.
        let Incoming::Peers(peers) = at_website.recv().await.unwrap() else { panic!("it was passed on") };
        assert_eq!(peers[1].connection, None);
    }
}

#[tokio::test]
async fn what_is_meant_for_a_dead_life_reaches_nobody() {
    let system = System::start();
    let (_website, mut at_website) = system.bus(Role::Website).await;
    let hello = system.hello(Role::Crawler);
    let mut connection = system.raw(&hello).await;
    let to_boot = peers(&mut at_website, |peers| peers.len() == 2).await[0].boot;
    for (to_boot, n) in [(Boot(1), 1), (to_boot, 2)] {
        let header = Header {
            kind: Kind::Signal,
            more: false,
            from: CRAWLER,
            to: ProcessId::WEBSITE,
            from_boot: hello.boot,
            to_boot,
            seq: 0,
        };
        connection.send(Frame::of(header, &message(n, 1)).unwrap()).await.unwrap();
    }
    let Incoming::Signal(Message::Holdings(_, leases), CRAWLER) = at_website.recv().await.unwrap() else { panic!() };
    assert_eq!((leases[0].token, system.hub.counts().stale), (2, 1));
}

#[tokio::test]
async fn who_is_let_in_is_announced_before_it_speaks_and_gone_when_it_is_dead() {
    let system = System::start();
    let (website, mut at_website) = system.bus(Role::Website).await;
    assert!(matches!(at_website.recv().await.unwrap(), Incoming::Connected(ProcessId::WEBSITE)));
    assert_eq!(peers(&mut at_website, |_| true).await.len(), 1);
    let (crawler, _at_crawler) = system.bus(Role::Crawler).await;
    crawler.send(ProcessId::WEBSITE, &message(1, 1)).await.unwrap();
    // The very next event, though the message was already on its way.
    while let Some(incoming) = at_website.recv().await {
        match incoming {
            Incoming::Processes(_) => {}
            Incoming::Peers(peers) => {
                assert_eq!(peers.len(), 2);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(next(&mut at_website, &website).await, 1);
    system.hub.remove(CRAWLER, std::process::id());
    assert_eq!(peers(&mut at_website, |_| true).await.len(), 1);
}

#[tokio::test]
async fn a_crawler_started_by_hand_is_there_while_it_is_connected() {
    let system = System::start();
    let (_website, mut at_website) = system.bus(Role::Website).await;
    let own_instance = Some("https://gitlab.example".to_owned());
    let hello = Hello { secret: None, own_instance, ..system.hello(Role::Crawler) };
    let connection = system.raw(&hello).await;
    let seen = peers(&mut at_website, |peers| peers.len() == 2).await;
    assert_eq!(seen[1].id, ProcessId::external_crawler(1));
    assert_eq!(system.hub.external_id(hello.boot), Some(seen[1].id), "it keeps its address");
    drop(connection);
    peers(&mut at_website, |peers| peers.len() == 1).await;
}

#[tokio::test]
async fn a_ping_is_answered_and_silence_is_noticed() {
    let system = System::start();
    let (_website, mut at_website) = system.bus(Role::Website).await;
    peers(&mut at_website, |_| true).await;
    let before = system.hub.ping(ProcessId::WEBSITE).unwrap();
    let answered = async {
        while system.hub.ping(ProcessId::WEBSITE).unwrap() <= before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answered).await.unwrap();
    let _silent = system.raw(&system.hello(Role::Crawler)).await;
    let before = system.hub.ping(CRAWLER).unwrap();
    assert_eq!(system.hub.ping(CRAWLER), Some(before));
}
