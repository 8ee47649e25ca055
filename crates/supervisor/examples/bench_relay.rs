//! How quick the bus is: 256-byte messages from one process's worth of code to another's through the relay, beside a
//! bare relay of length-prefixed messages over the same kind of socket, and beside one that carries the same messages,
//! encoded and decoded, and acknowledges nothing. Every party has a thread of its own.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use bytes::{Bytes, BytesMut};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{UnixListener, UnixStream},
    runtime::Builder,
    sync::mpsc,
};
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use trawl_jobs::{JobId, Lease, Progress};
use trawl_protocol::{
    Arrivals, Boot, Bus, BusOptions, Hello, Incoming, Message, ProcessId, Role, StartJob, decode, encode,
    socket::Listener,
};
use trawl_supervisor::{
    relay::{Ask, Door, Hub, Member, Ticket, open},
    system::serve_bus,
};

const RUNS: usize = 5;
const SIZE: usize = 256;
/// Enough that what each run begins with, such as memory that is used for the first time, does not count.
const PIPELINED: usize = 1_000_000;
const ROUND_TRIPS: usize = 5_000;
const WARM_UP: usize = 500;
const BUFFER: usize = 64 << 10;
const CRAWLER: ProcessId = ProcessId::crawler(1);

/// What one run measured.
struct Measured {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// The same on all cores and on one. Between cores most of a round trip is the waking of those that sleep, which is the
/// machine's affair and differs from one run to the next; on one core it is what the parties do.
struct Both {
    all: Measured,
    one: Measured,
}

type Field = fn(&Both) -> f64;

fn main() {
    let (mut raw, mut lossy, mut ours, mut err) = (Vec::new(), Vec::new(), Vec::new(), std::io::stderr());
    for run in 1..=RUNS {
        // Side by side, so that a busy moment hits all.
        raw.push(both(|path| raw::measure(path, false)));
        lossy.push(both(|path| raw::measure(path, true)));
        ours.push(both(bus::measure));
        let all = [("raw", raw.last()), ("unacknowledged", lossy.last()), ("bus", ours.last())];
        for (name, measured) in all.map(|(name, measured)| (name, measured.unwrap())) {
            let Both { all: Measured { per_second, p50_us, p99_us }, one } = measured;
            writeln!(
                err,
                "run {run}, {name}: {per_second:.0} msg/s, {p50_us:.1} / {p99_us:.1} µs, on one core {:.1} / {:.1} µs",
                one.p50_us, one.p99_us
            )
            .unwrap();
        }
    }
    let middle = |all: &[Both], field: Field| median(all.iter().map(field).collect());
    let baselines = [("raw two-hop socket", &raw), ("the same messages, unacknowledged", &lossy)];
    let metrics: [(&str, &str, bool, Field); 5] = [
        ("pipelined", "msg/s", true, |m| m.all.per_second),
        ("round_trip_p50", "us", false, |m| m.all.p50_us),
        ("round_trip_p99", "us", false, |m| m.all.p99_us),
        ("round_trip_one_core_p50", "us", false, |m| m.one.p50_us),
        ("round_trip_one_core_p99", "us", false, |m| m.one.p99_us),
    ];
    for (metric, unit, more_is_better, field) in metrics {
        for (name, baseline) in baselines {
            report(metric, unit, middle(&ours, field), (name, middle(baseline, field)), more_is_better);
        }
    }
}

fn report(metric: &str, unit: &str, value: f64, (name, baseline): (&str, f64), more_is_better: bool) {
    let ratio = if more_is_better { value / baseline } else { baseline / value };
    let digits = usize::from(!more_is_better);
    let line = format!(
        "{{\"bench\":\"relay\",\"metric\":\"{metric}\",\"value\":{value:.digits$},\"unit\":\"{unit}\",\"runs\":{RUNS},\
         \"baseline\":\"{name}\",\"baseline_value\":{baseline:.digits$},\"ratio\":{ratio:.2}}}"
    );
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measured(pipelined: Duration, mut round_trips: Vec<Duration>) -> Measured {
    round_trips.drain(..WARM_UP);
    round_trips.sort();
    let at = |percent: usize| round_trips[(round_trips.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    Measured {
        per_second: f64::from(u32::try_from(PIPELINED).unwrap()) / pipelined.as_secs_f64(),
        p50_us: at(50),
        p99_us: at(99),
    }
}

fn both(measure: impl Fn(&Path) -> Measured) -> Both {
    let (this, everywhere) = (Pid::from_raw(0), sched_getaffinity(Pid::from_raw(0)).unwrap());
    let all = in_a_directory(&measure);
    let mut single = CpuSet::new();
    let core = (0..CpuSet::count()).rfind(|core| everywhere.is_set(*core).unwrap()).unwrap();
    single.set(core).unwrap();
    // Every thread that is started from here on stays there too.
    sched_setaffinity(this, &single).unwrap();
    let one = in_a_directory(&measure);
    sched_setaffinity(this, &everywhere).unwrap();
    Both { all, one }
}

fn in_a_directory(measure: impl FnOnce(&Path) -> Measured) -> Measured {
    let dir = std::env::temp_dir().join(format!("trawl-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let result = measure(&dir.join("s"));
    std::fs::remove_dir_all(dir).unwrap();
    result
}

fn on_a_thread(future: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(|| block_on(future));
}

/// As a task, as in the real processes: each waking of a runtime's root future would cost a system call.
fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(runtime.spawn(future)).unwrap()
}

/// The baseline: whole messages from one connection to the other, nothing looked at but their length.
mod raw {
    use super::{
        BUFFER, Bytes, BytesMut, Duration, Framed, Instant, LengthDelimitedCodec, Measured, Message, PIPELINED, Path,
        PathBuf, ROUND_TRIPS, SIZE, UnixListener, UnixStream, WARM_UP, block_on, bus, decode, encode, measured,
        on_a_thread,
    };
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::unix::{OwnedReadHalf, OwnedWriteHalf},
    };
    use tokio_util::codec::{Decoder as _, Encoder as _};

    /// With `encoded`, each message is made from a value, and a value is made from it.
    pub(super) fn measure(path: &Path, encoded: bool) -> Measured {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let at = path.to_owned();
        on_a_thread(async move {
            let listener = UnixListener::bind(&at).unwrap();
            ready.send(()).unwrap();
            let (one, _) = listener.accept().await.unwrap();
            let (other, _) = listener.accept().await.unwrap();
            let ((one_read, one_write), (other_read, other_write)) = (one.into_split(), other.into_split());
            tokio::join!(pass_on(one_read, other_write), pass_on(other_read, one_write));
        });
        is_ready.recv().unwrap();
        block_on(run(path.to_owned(), encoded))
    }

    /// Everything that was read at once is written at once.
    async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut codec = LengthDelimitedCodec::new();
        let (mut read, mut written) = (BytesMut::new(), BytesMut::new());
        loop {
            read.reserve(BUFFER);
            if from.read_buf(&mut read).await.is_ok_and(|length| length == 0) {
                return;
            }
            while let Some(message) = codec.decode(&mut read).unwrap() {
                codec.encode(message.freeze(), &mut written).unwrap();
            }
            if to.write_all(&written).await.is_err() {
                return;
            }
            written.clear();
        }
    }

    fn look(message: &[u8], encoded: bool) {
        if encoded {
            std::hint::black_box(decode::<Message>(message).unwrap());
        }
    }

    async fn run(path: PathBuf, encoded: bool) -> Measured {
        let value = bus::message();
        let message = || if encoded { encode(&value).unwrap() } else { Bytes::from_static(&[7; SIZE]) };
        let mut near = UnixStream::connect(&path).await.unwrap();
        let far = UnixStream::connect(&path).await.unwrap().into_std().unwrap();
        let (done, all) = tokio::sync::oneshot::channel();
        on_a_thread(async move {
            let far = UnixStream::from_std(far).unwrap();
            let mut far = Framed::with_capacity(far, LengthDelimitedCodec::new(), BUFFER);
            for _ in 0..PIPELINED {
                look(&far.next().await.unwrap().unwrap(), encoded);
            }
            done.send(()).unwrap();
            while let Some(Ok(message)) = far.next().await {
                look(&message, encoded);
                far.send(message.freeze()).await.unwrap();
            }
        });
        let began = Instant::now();
        let (mut codec, mut batch) = (LengthDelimitedCodec::new(), BytesMut::new());
        for _ in 0..PIPELINED {
            codec.encode(message(), &mut batch).unwrap();
            if batch.len() >= BUFFER {
                near.write_all(&batch).await.unwrap();
                batch.clear();
            }
        }
        near.write_all(&batch).await.unwrap();
        all.await.unwrap();
        let pipelined = began.elapsed();
        let mut near = Framed::new(near, LengthDelimitedCodec::new());
        let mut round_trips: Vec<Duration> = Vec::new();
        for _ in 0..ROUND_TRIPS + WARM_UP {
            let began = Instant::now();
            near.send(message()).await.unwrap();
            look(&near.next().await.unwrap().unwrap(), encoded);
            round_trips.push(began.elapsed());
        }
        measured(pipelined, round_trips)
    }
}

/// The bus: two clients, the real relay, every message acknowledged.
mod bus {
    use super::{
        Arc, Arrivals, Ask, Boot, Bus, BusOptions, CRAWLER, Door, Duration, Hello, Hub, Incoming, Instant, JobId,
        Lease, Listener, Measured, Member, Message, PIPELINED, Path, PathBuf, ProcessId, Progress, ROUND_TRIPS, Role,
        SIZE, StartJob, Ticket, WARM_UP, block_on, encode, measured, mpsc, on_a_thread, open, serve_bus,
    };

    pub(super) fn measure(path: &Path) -> Measured {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let at = path.to_owned();
        on_a_thread(async move {
            let hub = Arc::new(Hub::default());
            let (asks, mut asked) = mpsc::channel::<Ask<Ticket>>(8);
            let at_the_door = Arc::clone(&hub);
            tokio::spawn(async move {
                while let Some(ask) = asked.recv().await {
                    let id = if ask.hello.role == Role::Website { ProcessId::WEBSITE } else { CRAWLER };
                    let member = Member { id, pid: ask.peer.pid, supervised: true };
                    ask.answer.send(at_the_door.admit(&member, ask.hello)).unwrap();
                }
            });
            let listener = Listener::bind(&at).unwrap();
            ready.send(()).unwrap();
            let serve = move |connection, ticket| serve_bus(connection, ticket, Arc::clone(&hub));
            open(listener, Door::Bus, asks, serve).await;
        });
        is_ready.recv().unwrap();
        let socket = path.to_owned();
        on_a_thread(async move {
            let (bus, mut incoming) = connect(socket, Role::Website).await;
            let mut seen = 0;
            while let Some(incoming) = incoming.recv().await {
                let Incoming::Message(message, receipt) = incoming else { continue };
                bus.acknowledge(receipt).unwrap();
                seen += 1;
                if seen > PIPELINED && bus.send(CRAWLER, &message).await.is_err() {
                    return;
                }
            }
        });
        block_on(run(path.to_owned()))
    }

    async fn connect(socket: PathBuf, role: Role) -> (Bus, Arrivals) {
        let hello = Hello {
            role,
            boot: Boot::random(),
            secret: None,
            build: "bench".to_owned(),
            capacity: 1,
            kinds: Vec::new(),
            own_instance: None,
        };
        let (bus, incoming, _) =
            Bus::connect(BusOptions { socket, hello, carry_over: true, patient: false }).await.unwrap();
        (bus, incoming)
    }

    /// A message whose body is as long as the baseline's.
    pub(super) fn message() -> Message {
        let with = |payload: String| {
            Message::StartJob(Box::new(StartJob {
                lease: Lease { job: JobId::new(), token: 1 },
                kind: "issues".to_owned(),
                payload,
                instance_url: Some("https://gitlab.example".to_owned()),
                accounts: Vec::new(),
                area: None,
                cursor: None,
                progress: Progress::default(),
                watermark_us: None,
                missed: Vec::new(),
                elsewhere: 0,
            }))
        };
        let head = encode(&with(String::new())).unwrap().len();
        with("x".repeat(SIZE - head))
    }

    async fn run(socket: PathBuf) -> Measured {
        let (bus, mut incoming) = connect(socket, Role::Crawler).await;
        let message = message();
        assert_eq!(encode(&message).unwrap().len(), SIZE);
        while !matches!(incoming.recv().await.unwrap(), Incoming::Peers(peers) if peers.len() == 2) {}
        let began = Instant::now();
        let mut last = None;
        for _ in 0..PIPELINED {
            last = Some(bus.send(ProcessId::WEBSITE, &message).await.unwrap());
        }
        last.unwrap().acknowledged().await.unwrap();
        let pipelined = began.elapsed();
        let mut round_trips: Vec<Duration> = Vec::new();
        for _ in 0..ROUND_TRIPS + WARM_UP {
            let began = Instant::now();
            drop(bus.send(ProcessId::WEBSITE, &message).await.unwrap());
            let receipt = loop {
                if let Incoming::Message(_, receipt) = incoming.recv().await.unwrap() {
                    break receipt;
                }
            };
            round_trips.push(began.elapsed());
            bus.acknowledge(receipt).unwrap();
        }
        measured(pipelined, round_trips)
    }
}
